package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.OpsFixture.Pair;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Random calls of the operations that the CPU kernels cover, beside {@link ReferenceOps}: rows lie
 * apart with NaN between them, which neither goes into a result nor is written over.
 */
final class RandomKernels {
  enum Operation {
    LINEAR,
    RMS_NORM,
    ROPE,
    SILU_MUL,
    ADD,
    TOP_K,
    ADD_LORA,
    ATTENTION
  }

  private static final int[] ROWS = {1, 2, 4, 11, 12, 13, 15, 16, 17, 31, 32, 33, 48, 64, 70};
  private static final int[] HEAD_SIZES = {2, 6, 8, 10, 16, 22, 30, 34, 64, 80, 126, 128};
  private static final int[] ATTENTION_SIZES = {
    1, 2, 7, 8, 16, 22, 31, 32, 33, 64, 80, 96, 127, 128, 160
  };
  private static final int[] RANKS =
      IntStream.concat(
              IntStream.rangeClosed(1, 40), IntStream.of(48, 63, 64, 65, 96, 100, 128, 200, 513))
          .toArray();

  /** A segment of no more rows goes through the kernels for few rows. */
  private static final int FEW_ROWS = 23;

  private final Ops ops;
  private final OpsFixture f;

  private RandomKernels(Ops ops, OpsFixture f) {
    this.ops = ops;
    this.f = f;
  }

  /** Runs one call. */
  static void run(Ops ops, Operation operation, long seed) {
    try (OpsFixture f = new OpsFixture(ops, seed)) {
      RandomKernels kernels = new RandomKernels(ops, f);
      String what = operation + " of seed " + seed;
      switch (operation) {
        case LINEAR -> kernels.linear(what);
        case RMS_NORM -> kernels.rmsNorm(what);
        case ROPE -> kernels.rope(what);
        case SILU_MUL -> kernels.siluMul(what);
        case ADD -> kernels.add(what);
        case TOP_K -> kernels.topK(what);
        case ADD_LORA -> kernels.addLora(what, seed);
        case ATTENTION -> kernels.attention(what);
      }
    }
  }

  /** A matrix for both, in memory that ends with its last element. */
  private record Matrix(Tensor storage, byte[] before, Tensor fast, Tensor slow) {}

  /** deviation NaN: an output. */
  private Matrix matrix(DType dtype, double deviation, int rows, int width) {
    int gap = f.random.nextBoolean() ? 0 : f.between(1, 40);
    return matrix(dtype, deviation, rows, width, width + gap);
  }

  private Matrix contiguous(DType dtype, double deviation, int rows, int width) {
    return matrix(dtype, deviation, rows, width, width);
  }

  private Matrix matrix(DType dtype, double deviation, int rows, int width, int stride) {
    float[] values = new float[(rows - 1) * stride + width];
    Arrays.fill(values, Float.NaN);
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < width; i++) {
        values[row * stride + i] = (float) (deviation * f.random.nextGaussian());
      }
    }
    Pair storage = f.of(dtype, values, values.length);
    long[] sizes = {rows, width};
    long[] strides = {stride, 1};
    return new Matrix(
        storage.fast(),
        bytes(storage.fast()),
        storage.fast().view(0, sizes, strides),
        storage.slow().view(0, sizes, strides));
  }

  private Matrix output(DType dtype, int rows, int width) {
    return matrix(dtype, Double.NaN, rows, width);
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.memory().toArray(ValueLayout.JAVA_BYTE);
  }

  private void check(String what, Matrix matrix) {
    check(what, matrix, OpsFixture.tolerance(matrix.fast().dtype()));
  }

  private void check(String what, Matrix matrix, double tolerance) {
    Tensor expected = f.twinArena.allocate(matrix.slow().dtype(), matrix.slow().shape());
    f.twin.copy(expected, matrix.slow());
    f.check(what, new Pair(matrix.fast(), matrix.fast(), expected), tolerance);
    byte[] after = bytes(matrix.storage());
    long rowBytes = matrix.fast().strides()[0] * matrix.fast().dtype().bytes();
    long usedBytes = matrix.fast().size(1) * matrix.fast().dtype().bytes();
    for (int i = 0; i < after.length; i++) {
      if (i % rowBytes >= usedBytes) {
        assertThat(after[i])
            .as("%s: byte %d between the rows of %s", what, i, matrix.fast())
            .isEqualTo(matrix.before()[i]);
      }
    }
  }

  private int oneOf(int... values) {
    return values[f.random.nextInt(values.length)];
  }

  private int rows() {
    return f.random.nextBoolean() ? oneOf(ROWS) : f.between(1, 70);
  }

  /** Whole vectors, a little more or less, and anything. */
  private int size(int most) {
    return switch (f.between(0, 3)) {
      case 0 -> f.between(1, 9);
      case 1 -> 32 * f.between(1, most / 32);
      case 2 -> 16 * f.between(1, most / 16) + f.between(-1, 1);
      default -> f.between(1, most);
    };
  }

  private DType dtype() {
    return f.random.nextBoolean() ? DType.F32 : DType.BF16;
  }

  /** Its own, or BF16 of F32. */
  private DType narrowed(DType input) {
    return input == DType.F32 ? dtype() : input;
  }

  private void linear(String what) {
    int rows = rows();
    int in = size(320);
    int width = size(160);
    Matrix x = matrix(DType.BF16, 1, rows, in);
    Matrix weight = matrix(DType.BF16, 1 / Math.sqrt(in), width, in);
    Pair bias = f.random.nextBoolean() ? f.random(DType.BF16, 1, width) : null;
    Matrix out = output(dtype(), rows, width);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(out.fast(), x.fast(), weight.fast(), bias == null ? null : bias.fast());
    f.twin.linear(out.slow(), x.slow(), weight.slow(), bias == null ? null : bias.slow());
    check(what, out);
  }

  private void rmsNorm(String what) {
    DType dtype = dtype();
    int rows = rows();
    int width = size(400);
    Matrix x = matrix(dtype, 2, rows, width);
    Pair weight = f.random(dtype(), 1, width);
    Matrix out = output(narrowed(dtype), rows, width);
    ops.rmsNorm(out.fast(), x.fast(), weight.fast(), 1e-5f);
    f.twin.rmsNorm(out.slow(), x.slow(), weight.slow(), 1e-5f);
    check(what, out);
  }

  private void topK(String what) {
    int rows = rows();
    int width = size(400);
    int k = f.between(1, Math.min(Ops.TOP_MOST, width));
    Matrix x = contiguous(dtype(), 2, rows, width);
    Matrix values = contiguous(DType.F32, Double.NaN, rows, k);
    Pair ids = f.ints(new int[rows * k]);
    ops.topK(values.fast(), ids.fast().reshape(rows, k), x.fast());
    f.twin.topK(values.slow(), ids.slow().reshape(rows, k), x.slow());
    check(what, values);
    assertThat(bytes(ids.fast())).as(what).isEqualTo(bytes(ids.slow()));
    float greatest = (float) new ReferenceOps.Elements(values.slow()).get(0);
    double sum = f.twin.sumExp(x.slow().rows(0, 1), greatest, 0.7);
    assertThat(ops.sumExp(x.fast().rows(0, 1), greatest, 0.7))
        .as(what)
        .isCloseTo(sum, within(sum * Ops.SUM_TOLERANCE));
  }

  private void rope(String what) {
    int rows = rows();
    int heads = f.between(1, 5);
    int headSize = oneOf(HEAD_SIZES);
    int positions = f.between(1, 90);
    Matrix flat = contiguous(dtype(), 1, rows, heads * headSize);
    Pair cos = f.random(DType.F32, 1, positions, headSize / 2);
    Pair sin = f.random(DType.F32, 1, positions, headSize / 2);
    int[] where = f.random.ints(rows, 0, positions).toArray();
    where[f.random.nextInt(rows)] = positions - 1;
    Pair at = f.ints(where);
    ops.rope(flat.fast().reshape(rows, heads, headSize), cos.fast(), sin.fast(), at.fast());
    f.twin.rope(flat.slow().reshape(rows, heads, headSize), cos.slow(), sin.slow(), at.slow());
    check(what, flat);
  }

  private void siluMul(String what) {
    DType dtype = dtype();
    int rows = rows();
    int width = size(400);
    Matrix gate = matrix(dtype, 3, rows, width);
    Matrix up = matrix(dtype, 1, rows, width);
    Matrix out = output(narrowed(dtype), rows, width);
    ops.siluMul(out.fast(), gate.fast(), up.fast());
    f.twin.siluMul(out.slow(), gate.slow(), up.slow());
    check(what, out);
  }

  private void add(String what) {
    DType dtype = dtype();
    int rows = rows();
    int width = size(400);
    Matrix y = matrix(dtype, 1, rows, width);
    Matrix x = matrix(dtype == DType.F32 ? dtype() : dtype, 1, rows, width);
    ops.add(y.fast(), x.fast());
    f.twin.add(y.slow(), x.slow());
    check(what, y);
  }

  /** Of few rows two ranks each seed: 25 seeds in a row have all of {@link #RANKS}. */
  private void addLora(String what, long seed) {
    int rows = rows();
    int in = size(320);
    int width = size(640);
    Matrix x = matrix(DType.BF16, 1, rows, in);
    Matrix y = matrix(dtype(), 1, rows, width);
    List<LoraSegment> fast = new ArrayList<>();
    List<LoraSegment> slow = new ArrayList<>();
    for (int i = 0, count = f.between(2, 6); i < count; i++) {
      boolean few = i < 2;
      int rank =
          RANKS[
              few
                  ? (int) Math.floorMod(2 * seed + i, (long) RANKS.length)
                  : f.random.nextInt(RANKS.length)];
      Pair a = f.random(DType.BF16, 1 / Math.sqrt(in), rank, in);
      Pair b = f.random(DType.BF16, 1 / Math.sqrt(rank), width, rank);
      Pair gain = f.random(DType.BF16, 1, width);
      Pair shift = f.random(DType.BF16, 1, width);
      int kind = f.between(few ? 1 : 0, 4);
      int from = f.between(0, rows - 1);
      int to = f.between(from + 1, few ? Math.min(rows, from + FEW_ROWS) : rows);
      fast.add(segment(kind, from, to, a.fast(), b.fast(), gain.fast(), shift.fast()));
      slow.add(segment(kind, from, to, a.slow(), b.slow(), gain.slow(), shift.slow()));
    }
    ops.addLora(y.fast(), x.fast(), fast);
    f.twin.addLora(y.slow(), x.slow(), slow);
    // What lies between A and B is carried in 16 bits of mantissa, and each segment rounds y.
    double one = Math.max(1e-4, OpsFixture.tolerance(y.fast().dtype()));
    check(what + " " + fast, y, one * fast.size());
  }

  /** kind 0: gain and shift alone, 1: shift, 2: gain, else matrices alone. */
  private static LoraSegment segment(
      int kind, int from, int to, Tensor a, Tensor b, Tensor gain, Tensor shift) {
    return new LoraSegment(
        from,
        to,
        kind == 0 ? null : a,
        kind == 0 ? null : b,
        0.5f,
        kind == 0 || kind == 2 ? gain : null,
        kind == 0 || kind == 1 ? shift : null);
  }

  /** Sequences of any lengths on shuffled pages; what belongs to no sequence is NaN. */
  private void attention(String what) {
    int pageSize = oneOf(16, 32, 48);
    int kvHeads = f.between(1, 3);
    int heads = kvHeads * oneOf(1, 2, 3, 7, 8, 16, 17);
    int headSize = oneOf(ATTENTION_SIZES);
    int sequences = f.between(1, 5);
    int[] lengths = new int[sequences];
    int[] starts = new int[sequences + 1];
    int[] everything = new int[sequences + 1];
    int pages = 1;
    for (int s = 0; s < sequences; s++) {
      lengths[s] = f.random.nextBoolean() ? oneOf(1, 16, 17, 127, 128, 129) : f.between(1, 300);
      starts[s + 1] = starts[s] + f.between(1, Math.min(lengths[s], 40));
      everything[s + 1] = everything[s] + lengths[s];
      pages += Math.ceilDiv(lengths[s], pageSize);
    }
    List<Integer> free = new ArrayList<>();
    for (int page = 0; page < pages; page++) {
      free.add(page);
    }
    Collections.shuffle(free, f.random);
    int[] all = free.stream().mapToInt(Integer::intValue).toArray();
    int[][] tables = new int[sequences][];
    for (int s = 0, at = 0; s < sequences; s++) {
      int count = Math.ceilDiv(lengths[s], pageSize);
      tables[s] = Arrays.copyOfRange(all, at, at + count);
      at += count;
    }
    KvPages.Shape shape = new KvPages.Shape(1, pages, pageSize, kvHeads, headSize, DType.BF16);
    KvPages fast = ops.newKvPages(f.arena, shape);
    KvPages slow = f.twin.newKvPages(f.twinArena, shape);
    int slots = pages * pageSize;
    AttentionBatch none =
        new AttentionBatch(new int[] {0, slots}, new int[] {slots}, new int[][] {all});
    write(DType.BF16, Double.NaN, fast, slow, none);
    DType dtype = dtype();
    write(dtype, 1, fast, slow, new AttentionBatch(everything, lengths, tables));

    AttentionBatch batch = new AttentionBatch(starts, lengths, tables);
    Matrix q = contiguous(dtype, 1, batch.rows(), heads * headSize);
    Matrix out = contiguous(narrowed(dtype), Double.NaN, batch.rows(), heads * headSize);
    float scale = (float) (1 / Math.sqrt(headSize));
    int window = f.random.nextBoolean() ? 0 : f.between(1, 200);
    AttentionPlan plan = ops.plan(f.arena, fast, batch);
    ops.attention(plan, 0, heads(out.fast(), headSize), heads(q.fast(), headSize), scale, window);
    AttentionPlan twinPlan = f.twin.plan(f.twinArena, slow, batch);
    f.twin.attention(
        twinPlan, 0, heads(out.slow(), headSize), heads(q.slow(), headSize), scale, window);
    check(what + ", window " + window + ", " + shape + ", " + Arrays.toString(lengths), out);
  }

  private void write(
      DType dtype, double deviation, KvPages fast, KvPages slow, AttentionBatch batch) {
    int headSize = fast.shape().headSize();
    int width = fast.shape().kvHeads() * headSize;
    Matrix k = contiguous(dtype, deviation, batch.rows(), width);
    Matrix v = contiguous(dtype, deviation, batch.rows(), width);
    AttentionPlan plan = ops.plan(f.arena, fast, batch);
    ops.writeKv(plan, 0, heads(k.fast(), headSize), heads(v.fast(), headSize));
    AttentionPlan twinPlan = f.twin.plan(f.twinArena, slow, batch);
    f.twin.writeKv(twinPlan, 0, heads(k.slow(), headSize), heads(v.slow(), headSize));
  }

  private static Tensor heads(Tensor flat, int headSize) {
    return flat.reshape(flat.size(0), flat.size(1) / headSize, headSize);
  }
}
