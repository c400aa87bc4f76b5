package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * The same tensors twice, once for the training operations under test and once for their twin. What
 * an operation writes lies between guards; {@link #check} compares it and looks at the guards.
 */
final class TrainingOpsFixture implements AutoCloseable {
  private static final int GUARD = 64;
  private static final float GUARD_VALUE = 7.5f;

  /** A tensor for the operations under test and one with the same values for the twin. */
  record Pair(Tensor whole, Tensor fast, Tensor slow) {
    Pair transpose() {
      return new Pair(whole, fast.transpose(), slow.transpose());
    }

    /** The same elements in another shape. */
    Pair reshape(long... sizes) {
      return new Pair(whole, fast.reshape(sizes), slow.reshape(sizes));
    }
  }

  final TrainingOps twin = new ReferenceTrainingOps();
  final TensorArena arena;
  final TensorArena twinArena = twin.newArena("twin");
  final Random random;
  private final List<Pair> written = new ArrayList<>();

  TrainingOpsFixture(TrainingOps ops, long seed) {
    this.arena = ops.newArena("fixture");
    this.random = new Random(seed);
  }

  /**
   * How far a product in a precision may be from the twin's; all else is held to F32. In BF16 both
   * operands are rounded, which is 0.003 of a typical sum; among ten million random sums 0.013 came
   * up, where one large product met its worst rounding.
   */
  static double tolerance(TrainingOps.Precision precision) {
    return switch (precision) {
      case F32 -> OpsFixture.tolerance(DType.F32);
      case BF16 -> 2e-2;
    };
  }

  Pair of(DType dtype, float[] values, long... shape) {
    Tensor fast = arena.allocate(dtype, shape);
    Tensor slow = twinArena.allocate(dtype, shape);
    fast.write(values);
    slow.write(values);
    return new Pair(fast, fast, slow);
  }

  Pair random(DType dtype, double deviation, long... shape) {
    return of(dtype, values(deviation, shape), shape);
  }

  Pair random(long... shape) {
    return random(DType.F32, 1, shape);
  }

  float[] values(double deviation, long... shape) {
    float[] values = new float[elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return values;
  }

  Pair ints(int... values) {
    Tensor fast = arena.copyOf(values);
    return new Pair(fast, fast, twinArena.copyOf(values));
  }

  /** NaN everywhere: what an operation overwrites. */
  Pair output(long... shape) {
    float[] poison = new float[elements(shape)];
    Arrays.fill(poison, Float.NaN);
    return guarded(poison, shape);
  }

  /** Random values: what an operation changes or adds to. */
  Pair inOut(long... shape) {
    return guarded(values(1, shape), shape);
  }

  private Pair guarded(float[] values, long... shape) {
    float[] guarded = new float[values.length + 2 * GUARD];
    Arrays.fill(guarded, GUARD_VALUE);
    System.arraycopy(values, 0, guarded, GUARD, values.length);
    Pair whole = of(DType.F32, guarded, guarded.length);
    int end = GUARD + values.length;
    Pair inner =
        new Pair(
            whole.fast(),
            whole.fast().rows(GUARD, end).reshape(shape),
            whole.slow().rows(GUARD, end).reshape(shape));
    written.add(inner);
    return inner;
  }

  /** Row numbers below a limit, some of them more than once. */
  int[] rows(int count, int limit) {
    return random.ints(count, 0, limit).toArray();
  }

  int between(int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  /** Compares all that has been written, and forgets it. */
  void check(String what, double tolerance) {
    for (Pair pair : written) {
      assertClose(what, pair.fast().toFloats(), pair.slow().toFloats(), tolerance);
      float[] whole = pair.whole().toFloats();
      for (int i = 0; i < GUARD; i++) {
        assertThat(whole[i]).as("%s: guard before %s", what, pair.fast()).isEqualTo(GUARD_VALUE);
        assertThat(whole[whole.length - 1 - i])
            .as("%s: guard after %s", what, pair.fast())
            .isEqualTo(GUARD_VALUE);
      }
    }
    written.clear();
  }

  void check(String what) {
    check(what, tolerance(TrainingOps.Precision.F32));
  }

  /** Near, relative to the value itself and to the root of the mean square. */
  static void assertClose(String what, float[] actual, float[] expected, double tolerance) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    double squares = 0;
    for (float value : expected) {
      squares += (double) value * value;
    }
    double typical = Math.sqrt(squares / Math.max(1, expected.length));
    for (int i = 0; i < expected.length; i++) {
      double allowed = tolerance * (Math.abs(expected[i]) + typical);
      assertThat(Math.abs((double) actual[i] - expected[i]) <= allowed)
          .as("%s: element %d: %s (expected: %s ± %s)", what, i, actual[i], expected[i], allowed)
          .isTrue();
    }
  }

  private static int elements(long... shape) {
    return Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
  }

  @Override
  public void close() {
    arena.close();
    twinArena.close();
    twin.close();
  }
}
