package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.kernels.AdaptedLinear;
import dev.openlora.kernels.AttentionBatch;
import dev.openlora.kernels.AttentionPlan;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.KvPages;
import dev.openlora.kernels.LoraSegment;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TimedOpsTest {
  private final OperationTally tally = new OperationTally();

  /** Every result of every operation, from the same numbers. */
  private static List<float[]> results(Ops ops) {
    List<float[]> results = new ArrayList<>();
    try (TensorArena arena = ops.newArena("test");
        TensorArena host = ops.newHostArena("host")) {
      Random random = new Random(7);
      Tensor x = random(arena, random, 3, 8);
      Tensor weight = random(arena, random, 5, 8);
      ops.prepare(weight, arena);
      Tensor product = arena.allocate(DType.F32, 3, 5);
      ops.linear(product, x, weight, random(arena, random, 5));
      ops.addLora(
          product,
          x,
          List.of(
              new LoraSegment(
                  1,
                  3,
                  random(arena, random, 2, 8),
                  random(arena, random, 5, 2),
                  0.5f,
                  null,
                  null)));
      results.add(product.toFloats());
      Tensor looked = arena.allocate(DType.F32, 3, 8);
      ops.embedding(looked, weight, arena.copyOf(new int[] {4, 0, 2}));
      ops.add(looked, x);
      results.add(looked.toFloats());
      Tensor normal = arena.allocate(DType.F32, 3, 8);
      ops.rmsNorm(normal, x, random(arena, random, 8), 1e-5f);
      results.add(normal.toFloats());
      Tensor gated = arena.allocate(DType.F32, 3, 8);
      ops.siluMul(gated, x, normal);
      results.add(gated.toFloats());
      Tensor upWeight = random(arena, random, 5, 8);
      Tensor activated = arena.allocate(DType.F32, 3, 5);
      Tensor first = arena.allocate(DType.F32, 3, 5);
      Tensor second = arena.allocate(DType.F32, 3, 5);
      ops.gatedLinear(
          activated,
          x,
          new AdaptedLinear(weight, null),
          new AdaptedLinear(upWeight, null),
          first,
          second);
      results.add(activated.toFloats());
      AdaptedLinear layer = new AdaptedLinear(weight, null);
      ops.linear(List.of(first, second), x, List.of(layer, layer));
      results.add(first.toFloats());
      results.add(second.toFloats());
      Tensor gathered = arena.allocate(DType.F32, 2, 8);
      ops.gatherRows(gathered, x, new int[] {2, 1});
      results.add(gathered.toFloats());
      Tensor copied = host.allocate(DType.F32, 2, 8);
      ops.copy(copied, gathered);
      results.add(copied.toFloats());
      Tensor norms = arena.allocate(DType.F32, 5);
      ops.loraRowNorms(
          norms, weight, random(arena, random, 2, 8), random(arena, random, 5, 2), 0.25f);
      results.add(norms.toFloats());
      results.add(attended(ops, arena, random));
    }
    return results;
  }

  private static float[] attended(Ops ops, TensorArena arena, Random random) {
    KvPages pages = ops.newKvPages(arena, new KvPages.Shape(1, 1, 16, 1, 4, DType.F32));
    AttentionPlan plan =
        ops.plan(
            arena, pages, new AttentionBatch(new int[] {0, 3}, new int[] {3}, new int[][] {{0}}));
    Tensor query = random(arena, random, 3, 2, 4);
    ops.rope(
        query,
        random(arena, random, 3, 2),
        random(arena, random, 3, 2),
        arena.copyOf(new int[] {0, 1, 2}));
    ops.writeKv(plan, 0, random(arena, random, 3, 1, 4), random(arena, random, 3, 1, 4));
    Tensor out = arena.allocate(DType.F32, 3, 2, 4);
    ops.attention(plan, 0, out, query, 0.5f, 0);
    return out.toFloats();
  }

  private static Tensor random(TensorArena arena, Random random, long... shape) {
    int elements = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return arena.copyOf(values, shape);
  }

  @Test
  void givesTheResultsOfTheOperationsBehindIt() {
    List<float[]> expected = results(new ReferenceOps());
    List<float[]> timed = results(new TimedOps(new ReferenceOps(), tally));
    assertThat(timed).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(timed.get(i)).as("result %d", i).isEqualTo(expected.get(i));
    }
  }

  @Test
  void countsEachCallOfAnOperationAndItsTime() {
    long begin = System.nanoTime();
    assertThat(results(new TimedOps(new ReferenceOps(), tally))).isNotEmpty();
    long whole = System.nanoTime() - begin;
    for (Operation operation : Operation.values()) {
      int calls = operation == Operation.LINEAR ? 2 : 1; // several layers of one input are one
      assertThat(tally.calls(operation)).as("%s", operation).isEqualTo(calls);
      assertThat(tally.nanos(operation)).as("%s", operation).isNotNegative();
    }
    assertThat(tally.totalNanos()).isPositive().isLessThanOrEqualTo(whole);
    assertThat(Arrays.stream(Part.values()).mapToLong(tally::nanos).sum())
        .isEqualTo(tally.totalNanos());
    tally.reset();
    assertThat(tally.totalCalls()).isZero();
  }

  @Test
  void countsIntoTheTallyOfTheMoment() {
    OperationTally later = new OperationTally();
    TimedOps ops = new TimedOps(new ReferenceOps(), tally);
    try (TensorArena arena = ops.newArena("test")) {
      Tensor x = arena.copyOf(new float[] {1, 2}, 1, 2);
      ops.add(x, x);
      ops.into(later);
      ops.add(x, x);
      ops.add(x, x);
    }
    assertThat(tally.calls(Operation.ADD)).isEqualTo(1);
    assertThat(later.calls(Operation.ADD)).isEqualTo(2);
  }

  @Test
  void overridesEveryMethodSoThatNoneIsForgotten() {
    for (Method method : Ops.class.getDeclaredMethods()) {
      if (Modifier.isStatic(method.getModifiers()) || method.isSynthetic()) {
        continue;
      }
      assertThat(Stream.of(TimedOps.class.getDeclaredMethods()))
          .as("%s", method)
          .anyMatch(own ->
              own.getName().equals(method.getName())
                  && Arrays.equals(own.getParameterTypes(), method.getParameterTypes()));
    }
    for (Operation operation : Operation.values()) {
      assertThat(Stream.of(Ops.class.getDeclaredMethods()).map(Method::getName))
          .contains(operation.method());
    }
  }
}
