package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.OpsFixture.Pair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every implementation of {@link Ops} does, compared with {@link ReferenceOps} over random
 * shapes; what adapters do is in {@link AdapterContract}.
 */
public abstract class OpsContract extends OpsSuite {
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void multipliesByTheTransposedWeight(DType dtype) {
    int[][] sizes = {
      {1, 1, 1}, {1, 896, 33}, {3, 17, 5}, {8, 64, 64}, {33, 100, 257}, {2, 8, 1}, {150, 4160, 35}
    };
    for (int[] s : sizes) {
      linear(dtype, dtype, s[0], s[1], s[2], false);
      linear(dtype, dtype, s[0], s[1], s[2], true);
    }
    for (int i = 0; i < 6; i++) {
      boolean biased = f.random.nextBoolean();
      linear(dtype, dtype, f.between(1, 40), f.between(1, 130), f.between(1, 130), biased);
    }
  }

  @Test
  void widensTheResultOfAnF32Output() {
    linear(DType.F32, DType.BF16, 3, 64, 100, false);
    linear(DType.F32, DType.BF16, 1, 64, 100, true);
  }

  @Test
  void sumsInF32WhatIsBf16AndRoundsOnce() {
    for (int rows : List.of(1, 3, 9)) {
      Pair y = f.inOut(DType.F32, 1, rows, 48);
      Pair x = f.random(DType.BF16, 1, rows, 48);
      ops.add(y.fast(), x.fast());
      f.twin.add(y.slow(), x.slow());
      Pair wide = f.random(DType.F32, 1, rows, 48);
      Pair up = f.random(DType.F32, 1, rows, 48);
      Pair weight = f.random(DType.BF16, 1, 48);
      Pair normed = f.output(DType.BF16, rows, 48);
      ops.rmsNorm(normed.fast(), wide.fast(), weight.fast(), 1e-5f);
      f.twin.rmsNorm(normed.slow(), wide.slow(), weight.slow(), 1e-5f);
      Pair activated = f.output(DType.BF16, rows, 48);
      ops.siluMul(activated.fast(), wide.fast(), up.fast());
      f.twin.siluMul(activated.slow(), wide.slow(), up.slow());
      f.check("sums of " + rows + " rows");
      Pair sum = f.inOut(DType.F32, 1, rows, 40);
      Pair a = f.random(DType.BF16, 0.2, 5, 48);
      Pair b = f.random(DType.BF16, 0.2, 40, 5);
      Pair gain = f.random(DType.BF16, 1, 40);
      ops.addLora(sum.fast(), x.fast(), List.of(lora(rows, a.fast(), b.fast(), gain.fast())));
      f.twin.addLora(sum.slow(), x.slow(), List.of(lora(rows, a.slow(), b.slow(), gain.slow())));
      // The product of a longer segment is rounded to BF16 before it is added.
      Pair narrow = f.of(DType.BF16, f.read(sum.fast()), rows, 40);
      f.checkSums("lora of " + rows + " rows", new Pair(narrow.fast(), narrow.fast(), sum.slow()));
      f.outputs.clear();
    }
  }

  private static LoraSegment lora(int rows, Tensor a, Tensor b, Tensor gain) {
    return new LoraSegment(0, rows, a, b, 0.5f, gain, null);
  }

  private void linear(DType outType, DType dtype, int rows, int in, int width, boolean biased) {
    Pair x = f.random(dtype, 1, rows, in);
    Pair weight = f.random(dtype, 1 / Math.sqrt(in), width, in);
    Pair bias = biased ? f.random(dtype, 1, width) : null;
    Pair out = f.output(outType, rows, width);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(out.fast(), x.fast(), weight.fast(), bias == null ? null : bias.fast());
    f.twin.linear(out.slow(), x.slow(), weight.slow(), bias == null ? null : bias.slow());
    if (outType == dtype) {
      f.check(named("linear", dtype, rows, in, width), out);
    } else {
      Pair narrow = f.of(DType.BF16, f.read(out.fast()), rows, width);
      f.check("widened", new Pair(narrow.fast(), narrow.fast(), out.slow()));
    }
  }

  @Test
  void readsRowsAndWritesRowsOfLargerTensors() {
    Pair x = f.random(DType.F32, 1, 9, 24);
    Pair weight = f.random(DType.F32, 1, 20, 24);
    Pair out = f.inOut(DType.F32, 1, 9, 10);
    ops.linear(out.fast().rows(2, 5), x.fast().rows(4, 7), weight.fast().rows(10, 20), null);
    f.twin.linear(out.slow().rows(2, 5), x.slow().rows(4, 7), weight.slow().rows(10, 20), null);
    f.check("rows");
  }

  @Test
  void aNaNRowStaysInItsRow() {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      float[] values = f.random(dtype, 1, 5, 64).slow().toFloats();
      Arrays.fill(values, 64, 128, Float.NaN);
      values[3 * 64] = Float.POSITIVE_INFINITY;
      Pair x = f.of(dtype, values, 5, 64);
      Pair weight = f.random(dtype, 1, 48, 64);
      Pair norm = f.random(dtype, 1, 64);
      Pair product = f.output(dtype, 5, 48);
      Pair normal = f.output(dtype, 5, 64);
      ops.linear(product.fast(), x.fast(), weight.fast(), null);
      ops.rmsNorm(normal.fast(), x.fast(), norm.fast(), 1e-6f);
      for (int row : new int[] {0, 2, 4}) {
        assertThat(finite(f.read(product.fast()), row, 48)).isTrue();
        assertThat(finite(f.read(normal.fast()), row, 64)).isTrue();
      }
      assertThat(finite(f.read(product.fast()), 1, 48)).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void addsNormalisesAndActivates(DType dtype) {
    for (int i = 0; i < 8; i++) {
      int rows = f.between(1, 9);
      int width = i == 0 ? 1 : f.between(1, 300);
      Pair x = f.random(dtype, 2, rows, width);
      Pair other = f.random(dtype, 2, rows, width);
      Pair weight = f.random(dtype, 1, width);
      Pair sum = f.inOut(dtype, 1, rows, width);
      Pair norm = f.output(dtype, rows, width);
      Pair gated = f.output(dtype, rows, width);
      ops.add(sum.fast(), x.fast());
      f.twin.add(sum.slow(), x.slow());
      ops.rmsNorm(norm.fast(), x.fast(), weight.fast(), 1e-5f);
      f.twin.rmsNorm(norm.slow(), x.slow(), weight.slow(), 1e-5f);
      ops.siluMul(gated.fast(), x.fast(), other.fast());
      f.twin.siluMul(gated.slow(), x.slow(), other.slow());
      f.check(named("elementwise", dtype, rows, width));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void rotatesHalves(DType dtype) {
    for (int headSize : new int[] {2, 8, 32, 64, 128, 80}) {
      int rows = f.between(1, 7);
      int heads = f.between(1, 5);
      Pair x = f.inOut(dtype, 1, rows, heads, headSize);
      Pair cos = f.random(DType.F32, 1, 50, headSize / 2);
      Pair sin = f.random(DType.F32, 1, 50, headSize / 2);
      int[] where = f.random.ints(rows, 0, 50).toArray();
      Pair positions = f.ints(where);
      ops.rope(x.fast(), cos.fast(), sin.fast(), positions.fast());
      f.twin.rope(x.slow(), cos.slow(), sin.slow(), positions.slow());
      f.check(named("rope", dtype, rows, heads, headSize));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void gathersRows(DType dtype) {
    for (int[] size : new int[][] {{11, 19}, {900, 64}, {1, 1}}) {
      Pair table = f.random(dtype, 1, 37, size[1]);
      int[] rows = f.random.ints(size[0], 0, 37).toArray();
      Pair ids = f.ints(rows);
      Pair looked = f.output(dtype, size[0], size[1]);
      Pair gathered = f.output(dtype, size[0], size[1]);
      ops.embedding(looked.fast(), table.fast(), ids.fast());
      f.twin.embedding(looked.slow(), table.slow(), ids.slow());
      ops.gatherRows(gathered.fast(), table.fast(), rows);
      f.twin.gatherRows(gathered.slow(), table.slow(), rows);
      assertThat(f.read(looked.fast())).isEqualTo(looked.slow().toFloats());
      assertThat(f.read(gathered.fast())).isEqualTo(gathered.slow().toFloats());
      f.check("gather");
    }
  }

  @Test
  void convertsWhileCopying() {
    Pair wide = f.random(DType.F32, 1, 7, 13);
    Pair narrow = f.output(DType.BF16, 7, 13);
    Pair back = f.output(DType.F32, 7, 13);
    ops.copy(narrow.fast(), wide.fast());
    f.twin.copy(narrow.slow(), wide.slow());
    ops.copy(back.fast(), narrow.fast());
    f.twin.copy(back.slow(), narrow.slow());
    assertThat(f.read(back.fast())).isEqualTo(back.slow().toFloats());
    Pair turned = f.output(DType.F32, 13, 7);
    ops.copy(turned.fast(), wide.fast().transpose());
    f.twin.copy(turned.slow(), wide.slow().transpose());
    assertThat(f.read(turned.fast())).isEqualTo(turned.slow().toFloats());
    f.check("copy");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void findsTheBestOfEachRowInOrder(DType dtype) {
    for (int run = 0; run < 60; run++) {
      int rows = f.between(1, 9);
      int width = f.random.nextBoolean() ? f.between(1, 200) : f.between(1, 5000);
      int k = f.between(1, Math.min(Ops.TOP_MOST, width));
      float[] logits = logits(rows * width);
      Tensor x = onHost(dtype, logits, rows, width);
      Tensor values = f.twinArena.allocate(DType.F32, rows, k);
      Tensor ids = f.twinArena.allocate(DType.I32, rows, k);
      Tensor twinValues = f.twinArena.allocate(DType.F32, rows, k);
      Tensor twinIds = f.twinArena.allocate(DType.I32, rows, k);
      ops.topK(values, ids, x);
      f.twin.topK(twinValues, twinIds, x);
      String what = named("best of", dtype, rows, width, k);
      assertThat(ints(ids)).as(what).containsExactly(ints(twinIds));
      for (int i = 0; i < rows * k; i++) {
        // Equal as numbers: the two zeros are one.
        assertThat(values.toFloats()[i] == twinValues.toFloats()[i]).as(what).isTrue();
      }
    }
  }

  /** Normal numbers, few distinct ones, sorted ones; some with infinities and NaN, or one value. */
  private float[] logits(int count) {
    float[] values = new float[count];
    int distinct = f.random.nextBoolean() ? 0 : f.between(1, 40);
    float odd =
        f.random.nextBoolean()
            ? 0f
            : new float[] {-0f, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, Float.NaN, 1e38f}
                [f.random.nextInt(5)];
    int oddOneIn = f.between(1, 400);
    for (int i = 0; i < count; i++) {
      float value = distinct > 0 ? f.random.nextInt(distinct) : (float) f.random.nextGaussian();
      values[i] = f.random.nextInt(oddOneIn) == 0 ? odd : value;
    }
    int order = f.random.nextInt(4);
    if (order < 2) {
      Arrays.sort(values);
    }
    for (int i = 0; order == 0 && i < count / 2; i++) {
      float first = values[i];
      values[i] = values[count - 1 - i];
      values[count - 1 - i] = first;
    }
    return values;
  }

  private Tensor onHost(DType dtype, float[] values, long... shape) {
    Tensor x = f.twinArena.allocate(dtype, shape);
    x.write(values);
    return x;
  }

  private static int[] ints(Tensor ids) {
    int[] all = new int[(int) ids.elements()];
    ids.reshape(1, ids.elements()).readRow(0, all);
    return all;
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void sumsExponentials(DType dtype) {
    for (int run = 0; run < 60; run++) {
      int width = run == 0 ? 151_936 : f.between(1, 3000);
      float[] values = new float[width];
      double deviation = new double[] {1e-3, 1, 4, 40}[f.random.nextInt(4)];
      for (int i = 0; i < width; i++) {
        boolean impossible = f.random.nextInt(50) == 0;
        values[i] =
            impossible ? Float.NEGATIVE_INFINITY : (float) (deviation * f.random.nextGaussian());
      }
      values[f.random.nextInt(width)] = (float) (5 * deviation);
      Tensor x = onHost(dtype, values, 1, width);
      float greatest = Float.NEGATIVE_INFINITY;
      for (float value : x.toFloats()) {
        greatest = Math.max(greatest, value);
      }
      double scale = f.random.nextBoolean() ? 1 : Math.exp(2 * f.random.nextGaussian());
      double sum = f.twin.sumExp(x, greatest, scale);
      assertThat(ops.sumExp(x, greatest, scale))
          .as("%s, greatest %s, scale %s", x, greatest, scale)
          .isCloseTo(sum, within(sum * Ops.SUM_TOLERANCE / 5));
    }
  }

  @Test
  void namesTheShapeThatDoesNotFit() {
    Tensor x = f.random(DType.F32, 1, 3, 8).fast();
    Tensor weight = f.random(DType.F32, 1, 5, 7).fast();
    Tensor out = f.output(DType.F32, 3, 5).fast();
    Tensor narrow = f.random(DType.BF16, 1, 3, 8).fast();
    assertThatThrownBy(() -> ops.linear(out, x, weight, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("linear weight: F32[5, 7] on " + ops.device() + " (expected: [5, 8])");
    refused("add x", () -> ops.add(x, weight));
    refused("add x", () -> ops.add(narrow, x));
    refused("rmsNorm weight", () -> ops.rmsNorm(out, out, f.ints(1, 2).fast(), 1));
    refused("rmsNorm out", () -> ops.rmsNorm(x, out, x, 1));
    refused("rope x", () -> ops.rope(x, x, x, x));
    refused("embedding ids", () -> ops.embedding(out, weight, x));
    refused("siluMul up", () -> ops.siluMul(x, x, out));
    refused(
        "gatherRows row: 3", () -> ops.gatherRows(f.output(DType.F32, 1, 8).fast(), x, ints(3)));
    refused("gatherRows out", () -> ops.gatherRows(x, x, ints(1)));
    refused("copy dst", () -> ops.copy(out, x));
    Tensor row = f.twinArena.allocate(DType.F32, 1, 8);
    Tensor ids = f.twinArena.allocate(DType.I32, 1, 8);
    refused("topK values", () -> ops.topK(f.twinArena.allocate(DType.F32, 1, 9), ids, row));
    refused("topK values", () -> ops.topK(f.twinArena.allocate(DType.F32, 2, 8), ids, row));
    refused("topK ids", () -> ops.topK(row, row, row));
    refused("topK x", () -> ops.topK(row, ids, weight.transpose()));
    refused("sumExp x", () -> ops.sumExp(f.twinArena.allocate(DType.F32, 2, 8), 0, 1));
    refused("sumExp greatest", () -> ops.sumExp(row, Float.NaN, 1));
    refused("sumExp scale", () -> ops.sumExp(row, 0, 0));
    refused("loraRowNorms A", () -> ops.loraRowNorms(out, weight, x, x, 1));
    refused(
        "addLora segment 0",
        () -> ops.addLora(out, x, List.of(new LoraSegment(0, 4, null, null, 1, null, null))));
    refused(
        "addLora segment 0 B",
        () -> ops.addLora(out, x, List.of(new LoraSegment(0, 3, x, x, 1, null, null))));
  }

  private static int[] ints(int... values) {
    return values;
  }

  private static void refused(String name, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name);
  }

  @Test
  void doesNothingForNoRows() {
    Tensor none = ops.newArena("none") instanceof TensorArena arena ? closed(arena) : null;
    assertThat(none).isNotNull();
  }

  private Tensor closed(TensorArena arena) {
    try (arena) {
      Tensor none = arena.allocate(DType.F32, 0, 8);
      Tensor weight = f.random(DType.F32, 1, 4, 8).fast();
      ops.linear(arena.allocate(DType.F32, 0, 4), none, weight, null);
      ops.add(none, none);
      ops.rmsNorm(arena.allocate(DType.F32, 0, 8), none, f.random(DType.F32, 1, 8).fast(), 1);
      ops.siluMul(none, none, none);
      ops.gatherRows(arena.allocate(DType.F32, 0, 8), weight, new int[0]);
      ops.addLora(none, none, List.of());
      ops.copy(none, arena.allocate(DType.F32, 0, 8));
      return none;
    }
  }

  @Test
  void arenasReuseTheirChunksAndRefuseWorkAfterClose() {
    TensorArena arena = ops.newArena("reused");
    Tensor first = arena.allocate(DType.F32, 3, 5);
    assertThat(first.address() % 64).isZero();
    assertThat(arena.allocate(DType.BF16, 3).address() % 64).isZero();
    long reserved = arena.reservedBytes();
    assertThat(reserved).isPositive();
    arena.reset();
    assertThatThrownBy(() -> ops.add(first, first))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("arena reused");
    arena.allocate(DType.F32, 3, 5);
    assertThat(arena.reservedBytes()).isLessThanOrEqualTo(reserved);
    arena.close();
    arena.close();
    assertThat(arena.reservedBytes()).isZero();
    assertThatThrownBy(() -> arena.allocate(DType.F32, 1))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void arenasTakeTensorsOfAnySize() {
    try (TensorArena arena = ops.newArena("mixed sizes")) {
      List<Tensor> tensors = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        int count = i == 50 ? 3_000_000 : f.between(0, 20_000);
        tensors.add(arena.allocate(DType.F32, count));
      }
      tensors.sort((a, b) -> Long.compare(a.address(), b.address()));
      for (int i = 1; i < tensors.size(); i++) {
        Tensor before = tensors.get(i - 1);
        assertThat(before.address() + before.bytes()).isLessThanOrEqualTo(tensors.get(i).address());
      }
    }
  }
}
