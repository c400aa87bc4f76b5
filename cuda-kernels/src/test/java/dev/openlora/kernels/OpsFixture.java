package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * The same tensors twice, once for the operations under test and once for their twin. Outputs start
 * as NaN and lie between guards; {@link #check} compares the two and looks at the guards.
 */
final class OpsFixture implements AutoCloseable {
  private static final int GUARD = 64;

  /**
   * How far a result may be from the twin's: relative to itself and to the tensor's mean square.
   */
  static double tolerance(DType dtype) {
    return switch (dtype) {
      case F32 -> 1e-5;
      case BF16 -> 1.2e-2;
      case I32, I64 -> 0;
    };
  }

  /** A tensor for the operations under test and one with the same values for the twin. */
  record Pair(Tensor whole, Tensor fast, Tensor slow) {}

  final Ops ops;
  final Ops twin = new ReferenceOps();
  final TensorArena arena;
  final TensorArena twinArena = twin.newArena("twin");
  final Random random;
  final List<Pair> outputs = new ArrayList<>();

  OpsFixture(Ops ops, long seed) {
    this.ops = ops;
    this.arena = ops.newArena("fixture");
    this.random = new Random(seed);
  }

  Pair of(DType dtype, float[] values, long... shape) {
    Tensor slow = twinArena.allocate(dtype, shape);
    slow.write(values);
    Tensor fast = arena.allocate(dtype, shape);
    ops.copy(fast, slow);
    return new Pair(fast, fast, slow);
  }

  Pair random(DType dtype, double deviation, long... shape) {
    float[] values = new float[(int) elements(shape)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return of(dtype, values, shape);
  }

  Pair ints(int... values) {
    Tensor fast = arena.copyOf(values);
    return new Pair(fast, fast, twinArena.copyOf(values));
  }

  /** NaN everywhere, between guards. */
  Pair output(DType dtype, long... shape) {
    float[] poison = new float[(int) elements(shape)];
    Arrays.fill(poison, Float.NaN);
    return inOut(dtype, poison, shape);
  }

  /** A tensor that is changed in place, between guards. */
  Pair inOut(DType dtype, double deviation, long... shape) {
    return inOut(dtype, random(dtype, deviation, shape).slow().toFloats(), shape);
  }

  private Pair inOut(DType dtype, float[] values, long... shape) {
    int count = values.length;
    float[] guarded = new float[count + 2 * GUARD];
    Arrays.fill(guarded, 7.5f);
    System.arraycopy(values, 0, guarded, GUARD, count);
    Pair whole = of(dtype, guarded, guarded.length);
    Pair inner =
        new Pair(
            whole.fast(),
            whole.fast().rows(GUARD, GUARD + count).reshape(shape),
            whole.slow().rows(GUARD, GUARD + count).reshape(shape));
    outputs.add(inner);
    return inner;
  }

  float[] read(Tensor tensor) {
    Tensor host = twinArena.allocate(tensor.dtype(), tensor.shape());
    ops.copy(host, tensor);
    return host.toFloats();
  }

  /** Compares every output made so far. */
  void check(String what) {
    for (Pair pair : outputs) {
      check(what, pair);
    }
  }

  void check(String what, Pair pair) {
    check(what, pair, tolerance(pair.fast().dtype()));
  }

  /**
   * Of terms of about 1, which in an output of one element may come to nearly nothing; and a gain
   * enlarges what was rounded before it.
   */
  void checkSums(String what, Pair pair) {
    check(what, pair, 2 * tolerance(pair.fast().dtype()), 1);
  }

  void check(String what, Pair pair, double tolerance) {
    check(what, pair, tolerance, 0);
  }

  /** Near, relative to the value, and to what is typical: of its row, of all rows, or given. */
  private void check(String what, Pair pair, double tolerance, double least) {
    float[] actual = read(pair.fast());
    float[] expected = pair.slow().toFloats();
    double typical = Math.max(least, typical(expected, 0, expected.length));
    int rows = Math.toIntExact(pair.fast().size(0));
    int width = rows == 0 ? 0 : expected.length / rows;
    for (int row = 0; row < rows; row++) {
      double size = Math.max(typical, typical(expected, row * width, width));
      for (int i = row * width; i < (row + 1) * width; i++) {
        float got = actual[i];
        float wanted = expected[i];
        boolean same =
            Float.isFinite(wanted)
                ? Math.abs((double) got - wanted) <= tolerance * (Math.abs(wanted) + size)
                : Float.isNaN(wanted) ? Float.isNaN(got) : got == wanted;
        assertThat(same)
            .as("%s: element %d of %s: %s, twin %s", what, i, pair.fast(), got, wanted)
            .isTrue();
      }
    }
    if (pair.whole() != pair.fast()) {
      float[] guarded = read(pair.whole());
      for (int i = 0; i < GUARD; i++) {
        assertThat(guarded[i]).as("%s: guard before %s", what, pair.fast()).isEqualTo(7.5f);
        assertThat(guarded[guarded.length - 1 - i])
            .as("%s: guard after %s", what, pair.fast())
            .isEqualTo(7.5f);
      }
    }
  }

  /** The root of the mean square of the finite ones. */
  private static double typical(float[] values, int from, int count) {
    double squares = 0;
    int finite = 0;
    for (int i = from; i < from + count; i++) {
      if (Float.isFinite(values[i])) {
        squares += (double) values[i] * values[i];
        finite++;
      }
    }
    return Math.sqrt(squares / Math.max(1, finite));
  }

  int between(int low, int high) {
    return low + random.nextInt(high - low + 1);
  }

  /**
   * BF16 adapters over runs of {@code shortest} to {@code longest} rows, fewer at the end, with
   * gaps between some of them: they add to a row once at most.
   */
  List<LoraSegment> additions(int rows, int in, int width, int shortest, int longest) {
    List<LoraSegment> segments = new ArrayList<>();
    for (int from = between(0, 2); from < rows; ) {
      int to = Math.min(rows, from + between(shortest, longest));
      int rank = random.nextBoolean() ? 16 : between(1, 40);
      Tensor a = random(DType.BF16, 1 / Math.sqrt(in), rank, in).fast();
      Tensor b = random(DType.BF16, 0.25, width, rank).fast();
      segments.add(new LoraSegment(from, to, a, b, 0.3f, null, null));
      from = to + between(0, 1) * between(0, 3);
    }
    return segments;
  }

  private static long elements(long... shape) {
    long n = 1;
    for (long size : shape) {
      n *= size;
    }
    return n;
  }

  @Override
  public void close() {
    arena.close();
    twinArena.close();
  }
}
