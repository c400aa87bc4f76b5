package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.kernels.OpsFixture.Pair;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the C++ kernels keep of weights, and what is left of them after their close. */
final class CpuLifetimeTest {
  private CpuOps ops;
  private OpsFixture f;

  @BeforeEach
  void begin() throws IOException {
    ops = CpuUnderTest.openOverReference(CpuIsa.AMX_BF16, 2);
    f = new OpsFixture(ops, KernelSeeds.next("CpuLifetimeTest"));
  }

  @AfterEach
  void end() {
    f.close();
    ops.close();
    assertThat(TensorArena.openArenas()).isZero();
    assertThat(TensorArena.openBytes()).isZero();
  }

  private void multiply(String what, Pair weight) {
    int rows = 3;
    Pair x = f.random(DType.BF16, 1, rows, weight.fast().size(1));
    Pair out = f.output(DType.BF16, rows, weight.fast().size(0));
    ops.linear(out.fast(), x.fast(), weight.fast(), null);
    f.twin.linear(out.slow(), x.slow(), weight.slow(), null);
    f.check(what, out);
  }

  private static Pair rows(Pair weight, int from, int to) {
    Tensor fast = weight.fast().rows(from, to);
    return new Pair(fast, fast, weight.slow().rows(from, to));
  }

  @Test
  void aPartOfAWeightIsNotTakenForTheWhole() {
    Pair weight = f.random(DType.BF16, 1, 20, 24);
    Pair part = rows(weight, 0, 10);
    ops.prepare(part.fast(), f.arena);
    multiply("the whole, not prepared", weight);
    multiply("the part", part);
    ops.prepare(weight.fast(), f.arena);
    multiply("the whole", weight);
    multiply("the part, after the whole", part);
    multiply("another part", rows(weight, 3, 20));
  }

  @Test
  void aWeightInAnotherShapeIsAnotherWeight() {
    Pair weight = f.random(DType.BF16, 1, 20, 24);
    ops.prepare(weight.fast(), f.arena);
    Tensor turned = weight.fast().reshape(24, 20);
    multiply("reshaped", new Pair(turned, turned, weight.slow().reshape(24, 20)));
    Tensor wide = weight.fast().view(0, new long[] {10, 24}, new long[] {48, 1});
    Tensor slow = weight.slow().view(0, new long[] {10, 24}, new long[] {48, 1});
    multiply("every second row", new Pair(wide, wide, slow));
  }

  @Test
  void aWeightThatCameToAnothersPlaceIsAnotherWeight() {
    Tensor memory = f.arena.allocate(DType.BF16, 8, 32);
    TensorOwner unloaded = new TensorOwner("unloaded");
    Tensor first = Tensor.owned(unloaded, memory.address(), DType.BF16, Device.CPU, 8, 32);
    first.write(new float[8 * 32]);
    ops.prepare(first, f.arena);
    unloaded.takeBack();
    Tensor values = f.random(DType.BF16, 1, 8, 32).slow();
    ops.copy(memory, values);
    multiply("in its place", new Pair(memory, memory, values));
    ops.prepare(memory, f.arena);
    multiply("in its place, prepared", new Pair(memory, memory, values));
  }

  @Test
  void refusesIdsThatTheTableDoesNotHave() {
    Tensor table = f.random(DType.BF16, 1, 37, 8).fast();
    Tensor out = f.arena.allocate(DType.BF16, 2, 8);
    for (int id : new int[] {-1, 37}) {
      Tensor ids = f.ints(0, id).fast();
      assertThatThrownBy(() -> ops.embedding(out, table, ids))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected: 0 to 36");
    }
  }

  /** Of 32 rows, for which matrices are kept in another order. */
  @Test
  void anAdapterThatCameToAnothersPlaceIsAnotherAdapter() {
    Tensor memory = f.arena.allocate(DType.BF16, 64, 8);
    Pair x = f.random(DType.BF16, 1, 32, 64);
    Pair weight = f.random(DType.BF16, 0.1, 40, 64);
    Pair b = f.random(DType.BF16, 0.3, 40, 8);
    ops.prepare(weight.fast(), f.arena);
    for (int loaded = 0; loaded < 3; loaded++) {
      TensorOwner owner = new TensorOwner("loaded");
      Tensor values = f.random(DType.BF16, 0.3, 8, 64).slow();
      Tensor a = Tensor.owned(owner, memory.address(), DType.BF16, Device.CPU, 8, 64);
      ops.copy(a, values);
      Pair out = f.output(DType.BF16, 32, 40);
      ops.linear(out.fast(), x.fast(), adapted(weight.fast(), a, b.fast()));
      f.twin.linear(out.slow(), x.slow(), adapted(weight.slow(), values, b.slow()));
      f.check("adapter " + loaded, out);
      owner.takeBack();
    }
  }

  private static AdaptedLinear adapted(Tensor weight, Tensor a, Tensor b) {
    return new AdaptedLinear(weight, null, List.of(new LoraSegment(0, 32, a, b, 1, null, null)));
  }

  @Test
  void vectorsMayLieApart() {
    Pair x = f.random(DType.BF16, 1, 3, 40);
    Pair weight = f.random(DType.BF16, 1, 40, 40);
    Pair apart = f.random(DType.BF16, 1, 40, 2);
    Tensor fast = apart.fast().view(0, new long[] {40}, new long[] {2});
    Tensor slow = apart.slow().view(0, new long[] {40}, new long[] {2});
    Pair product = f.output(DType.BF16, 3, 40);
    Pair normal = f.output(DType.BF16, 3, 40);
    Pair adapted = f.inOut(DType.BF16, 1, 3, 40);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(product.fast(), x.fast(), weight.fast(), fast);
    f.twin.linear(product.slow(), x.slow(), weight.slow(), slow);
    ops.rmsNorm(normal.fast(), x.fast(), fast, 1e-5f);
    f.twin.rmsNorm(normal.slow(), x.slow(), slow, 1e-5f);
    ops.addLora(adapted.fast(), x.fast(), List.of(gained(fast)));
    f.twin.addLora(adapted.slow(), x.slow(), List.of(gained(slow)));
    Pair turned = f.inOut(DType.BF16, 1, 3, 2, 8);
    Pair angles = f.random(DType.F32, 1, 5, 8);
    Tensor fastAngles = angles.fast().view(0, new long[] {5, 4}, new long[] {8, 1});
    Tensor slowAngles = angles.slow().view(0, new long[] {5, 4}, new long[] {8, 1});
    Pair positions = f.ints(4, 0, 0, 9, 2, 9);
    Tensor fastAt = positions.fast().view(0, new long[] {3}, new long[] {2});
    Tensor slowAt = positions.slow().view(0, new long[] {3}, new long[] {2});
    ops.rope(turned.fast(), fastAngles, fastAngles, fastAt);
    f.twin.rope(turned.slow(), slowAngles, slowAngles, slowAt);
    f.check("vectors that lie apart");
  }

  private static LoraSegment gained(Tensor vector) {
    return new LoraSegment(0, 3, null, null, 1, vector, vector);
  }

  @Test
  void refusesEveryOperationAfterItsClose() throws IOException {
    try (TensorArena arena = new HostArena("outlives")) {
      CpuOps closed = CpuUnderTest.openOverReference(CpuIsa.AMX_BF16, 2);
      Tensor x = arena.allocate(DType.BF16, 16, 16);
      Tensor flat = x.reshape(16, 1, 16);
      Tensor vector = arena.allocate(DType.BF16, 16);
      Tensor angles = arena.copyOf(new float[8], 1, 8);
      Tensor positions = arena.copyOf(new int[16]);
      LoraSegment segment = new LoraSegment(0, 16, x, x, 1, null, null);
      KvPages pages = closed.newKvPages(arena, new KvPages.Shape(1, 1, 16, 1, 16, DType.BF16));
      AttentionBatch batch =
          new AttentionBatch(new int[] {0, 16}, new int[] {16}, new int[][] {{0}});
      AttentionPlan plan = closed.plan(arena, pages, batch);
      closed.prepare(x, arena);
      closed.close();
      closed.close();
      refused(() -> closed.linear(x, x, x, null));
      refused(() -> closed.prepare(arena.allocate(DType.BF16, 16, 16), arena));
      refused(() -> closed.rmsNorm(x, x, vector, 1));
      refused(() -> closed.rope(flat, angles, angles, positions));
      refused(() -> closed.siluMul(x, x, x));
      refused(() -> closed.add(x, x));
      refused(() -> closed.addLora(x, x, List.of(segment)));
      refused(() -> closed.writeKv(plan, 0, flat, flat));
      refused(() -> closed.attention(plan, 0, flat, flat, 1, 0));
    }
  }

  private static void refused(Runnable call) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theKernelsThemselvesRefuseASecondCloseAndWorkAfterIt() throws IOException {
    CpuKernels kernels = CpuKernels.open(2, CpuIsa.AMX_BF16, 0);
    Tensor x = f.random(DType.BF16, 1, 2, 32).fast();
    Tensor packed = f.arena.allocate(DType.BF16, 1024);
    kernels.pack(packed, x);
    kernels.close();
    refused(kernels::close);
    refused(() -> kernels.pack(packed, x));
    PackedWeight weight = new PackedWeight(x, packed, CpuOps.Weights.BF16);
    refused(() ->
        kernels.linear(
            List.of(x.rows(0, 2)), x, List.of(weight), List.of(new AdaptedLinear(x, null))));
  }
}
