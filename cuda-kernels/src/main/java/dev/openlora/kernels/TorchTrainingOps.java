package dev.openlora.kernels;

import dev.openlora.kernels.TrainingLanes.Lane;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The fast training operations of the host. Matrices are multiplied by libtorch on all its threads;
 * everything else is loops of our own over blocks that fit a core's cache, cut into the same shares
 * every time: one pass over memory where a chain of libtorch's operations takes several. One thread
 * at a time.
 */
public final class TorchTrainingOps implements TrainingOps {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int BLOCK_FLOATS = 2048;
  private static final long FLOATS_WORTH_A_LANE = 16 << 10;
  private static final long NORM_SCRATCH_FLOATS = 2L << 20;

  private final TorchLibrary library;
  private final Precision precision;
  private final Torch torch;
  private final TorchArena scratch;
  private final TorchHandles passing = new TorchHandles();
  private final TrainingLanes lanes;
  private final TorchTrainingAttention attention;
  private boolean closed;

  private TorchTrainingOps(TorchLibrary library, Precision precision) {
    this.library = library;
    this.precision = precision;
    this.torch = new Torch(library, Device.CPU);
    this.scratch = new TorchArena(torch, Device.CPU, "training scratch");
    this.lanes = new TrainingLanes(torch, library.threads());
    this.attention = new TorchTrainingAttention(torch, lanes);
  }

  public static TorchTrainingOps open(TorchLibrary library, Precision precision) {
    return new TorchTrainingOps(library, precision);
  }

  /** On DJL's libtorch. */
  public static TorchTrainingOps openDefault(Precision precision) throws IOException {
    return open(TorchLibrary.load(TorchLibrary.Options.defaults()), precision);
  }

  @Override
  public String description() {
    return "torch "
        + library.version()
        + " training in "
        + precision
        + " (cpu, "
        + library.threads()
        + " threads)";
  }

  @Override
  public TensorArena newArena(String name) {
    return new TorchArena(torch, Device.CPU, name);
  }

  @Override
  public void multiply(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    TrainingShapes.multiply("multiply", out, a, b);
    if (out.elements() == 0) {
      return;
    }
    try {
      switch (precision) {
        case F32 -> multiplyF32(out, a, b, alpha, beta);
        case BF16 -> multiplyBf16(out, a, b, alpha, beta);
      }
    } finally {
      finish();
    }
  }

  @Override
  public void multiplyExactly(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    TrainingShapes.multiply("multiplyExactly", out, a, b);
    if (out.elements() == 0) {
      return;
    }
    try {
      multiplyF32(out, a, b, alpha, beta);
    } finally {
      finish();
    }
  }

  private void multiplyF32(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    long result = handle(out);
    torch.addmm(
        result,
        result,
        handle(converted(a, DType.F32)),
        handle(converted(b, DType.F32)),
        beta,
        alpha);
  }

  private void multiplyBf16(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    if (out.strides()[1] != 1 && out.size(1) != 1) {
      multiplyBf16(out.transpose(), b.transpose(), a.transpose(), alpha, beta);
      return;
    }
    Tensor product = scratch.allocate(DType.BF16, out.shape());
    torch.mm(handle(product), handle(converted(a, DType.BF16)), handle(converted(b, DType.BF16)));
    MemorySegment rows = product.memory();
    MemorySegment sums = strided(out);
    int width = Math.toIntExact(out.size(1));
    long stride = out.strides()[0];
    lanes.run(
        out.size(0),
        rowsWorthALane(width),
        (lane, from, to) -> {
          float[] y = lane.floats(0, width);
          short[] x = lane.shorts(width);
          for (int row = from; row < to; row++) {
            MemorySegment.copy(rows, SHORT, 2L * width * row, x, 0, width);
            if (beta != 0) {
              MemorySegment.copy(sums, FLOAT, 4 * stride * row, y, 0, width);
            }
            TrainingLoops.addBfloat16(y, x, alpha, beta, width);
            MemorySegment.copy(y, 0, sums, FLOAT, 4 * stride * row, width);
          }
        });
  }

  /** All that a matrix with strides spans. */
  private static MemorySegment strided(Tensor matrix) {
    long last = (matrix.size(0) - 1) * matrix.strides()[0] + matrix.size(1);
    return MemorySegment.ofAddress(matrix.address()).reinterpret(last * matrix.dtype().bytes());
  }

  /** The same matrix in a dtype; what is stored by columns stays so. */
  private Tensor converted(Tensor matrix, DType dtype) {
    if (matrix.dtype() == dtype) {
      return matrix;
    }
    if (matrix.strides()[1] != 1 && matrix.strides()[0] == 1) {
      return converted(matrix.transpose(), dtype).transpose();
    }
    Tensor other = scratch.allocate(dtype, matrix.shape());
    if (other.elements() > 0) {
      torch.copy(handle(other), handle(matrix));
    }
    return other;
  }

  private static long rowsWorthALane(long width) {
    return FLOATS_WORTH_A_LANE / Math.max(1, width) + 1;
  }

  /** What is done to the floats [from, from + n) of a tensor. */
  private interface BlockWork {
    void run(Lane lane, long from, int n);
  }

  private void inBlocks(long floats, BlockWork work) {
    long blocks = (floats + BLOCK_FLOATS - 1) / BLOCK_FLOATS;
    lanes.run(
        blocks,
        FLOATS_WORTH_A_LANE / BLOCK_FLOATS,
        (lane, from, to) -> {
          for (long block = from; block < to; block++) {
            long start = block * BLOCK_FLOATS;
            work.run(lane, start, (int) Math.min(BLOCK_FLOATS, floats - start));
          }
        });
  }

  private static float[] read(MemorySegment memory, long from, Lane lane, int number, int n) {
    float[] floats = lane.floats(number, n);
    MemorySegment.copy(memory, FLOAT, 4 * from, floats, 0, n);
    return floats;
  }

  private static void write(float[] floats, MemorySegment memory, long to, int n) {
    MemorySegment.copy(floats, 0, memory, FLOAT, 4 * to, n);
  }

  @Override
  public void fill(Tensor y, float value) {
    TrainingShapes.fill(y);
    MemorySegment memory = y.memory();
    inBlocks(
        y.elements(),
        (lane, from, n) -> {
          float[] values = lane.floats(0, n);
          Arrays.fill(values, 0, n, value);
          write(values, memory, from, n);
        });
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    TrainingShapes.copy(dst, src);
    if (src.elements() == 0) {
      return;
    }
    try {
      torch.copy(handle(dst), handle(src));
    } finally {
      finish();
    }
  }

  @Override
  public void add(Tensor y, Tensor x, float scale) {
    TrainingShapes.add(y, x);
    MemorySegment sums = y.memory();
    MemorySegment other = x.memory();
    inBlocks(
        y.elements(),
        (lane, from, n) -> {
          float[] ys = read(sums, from, lane, 0, n);
          TrainingLoops.add(ys, read(other, from, lane, 1, n), scale, n);
          write(ys, sums, from, n);
        });
  }

  @Override
  public void addToRows(Tensor y, Tensor row) {
    TrainingShapes.addToRows(y, row);
    float[] added = row.toFloats();
    int width = added.length;
    inRows(
        y.size(0),
        width,
        y.memory(),
        y.memory(),
        floats -> TrainingLoops.add(floats, added, 1, width));
  }

  @Override
  public void multiplyRows(Tensor out, Tensor x, Tensor row) {
    TrainingShapes.multiplyRows(out, x, row);
    float[] factors = row.toFloats();
    int width = factors.length;
    inRows(
        x.size(0),
        width,
        x.memory(),
        out.memory(),
        floats -> TrainingLoops.multiply(floats, factors, width));
  }

  private interface RowWork {
    void run(float[] floats);
  }

  private void inRows(long rows, int width, MemorySegment from, MemorySegment into, RowWork work) {
    lanes.run(
        rows,
        rowsWorthALane(width),
        (lane, first, end) -> {
          for (long row = first; row < end; row++) {
            float[] floats = read(from, row * width, lane, 0, width);
            work.run(floats);
            write(floats, into, row * width, width);
          }
        });
  }

  /** What a lane adds to the sums of the columns. */
  private interface ColumnWork {
    void run(Lane lane, double[] sums, int from, int to);
  }

  /** Each lane sums up its own rows; the lanes' sums are added in their order. */
  private void addColumns(Tensor sums, long rows, double scale, ColumnWork work) {
    int width = Math.toIntExact(sums.elements());
    double[][] partial = new double[lanes.count()][];
    lanes.run(
        rows,
        rowsWorthALane(width),
        (lane, from, to) -> {
          double[] own = new double[width];
          work.run(lane, own, from, to);
          partial[lane.index()] = own;
        });
    MemorySegment memory = sums.memory();
    for (int i = 0; i < width; i++) {
      double sum = 0;
      for (double[] own : partial) {
        sum += own == null ? 0 : own[i];
      }
      memory.setAtIndex(FLOAT, i, (float) (memory.getAtIndex(FLOAT, i) + scale * sum));
    }
  }

  @Override
  public void addColumnSums(Tensor sums, Tensor x, float scale) {
    TrainingShapes.addColumnSums(sums, x);
    MemorySegment memory = x.memory();
    int width = Math.toIntExact(x.size(1));
    addColumns(
        sums,
        x.size(0),
        scale,
        (lane, own, from, to) -> {
          for (long row = from; row < to; row++) {
            TrainingLoops.addTo(own, read(memory, row * width, lane, 0, width), width);
          }
        });
  }

  @Override
  public void addColumnProducts(Tensor sums, Tensor x, Tensor y) {
    TrainingShapes.addColumnProducts(sums, x, y);
    MemorySegment xs = x.memory();
    MemorySegment ys = y.memory();
    int width = Math.toIntExact(x.size(1));
    addColumns(
        sums,
        x.size(0),
        1,
        (lane, own, from, to) -> {
          for (long row = from; row < to; row++) {
            float[] a = read(xs, row * width, lane, 0, width);
            float[] b = read(ys, row * width, lane, 1, width);
            TrainingLoops.addProductsTo(own, a, b, 1, width);
          }
        });
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    TrainingShapes.loraRowNorms(out, weight, a, b);
    int width = Math.toIntExact(weight.size(1));
    long step = Math.max(1, NORM_SCRATCH_FLOATS / Math.max(1, width));
    MemorySegment norms = out.memory();
    for (long first = 0; first < weight.size(0); first += step) {
      long end = Math.min(weight.size(0), first + step);
      long start = first;
      try {
        Tensor sum = scratch.allocate(DType.F32, end - first, width);
        if (width > 0) {
          torch.copy(handle(sum), handle(weight.rows(first, end)));
        }
        if (width > 0 && a.size(0) > 0) {
          multiplyF32(sum, b.rows(first, end), a, scale, 1);
        }
        MemorySegment sums = sum.memory();
        lanes.run(
            end - first,
            rowsWorthALane(width),
            (lane, from, to) -> {
              for (long row = from; row < to; row++) {
                float[] w = read(sums, row * width, lane, 0, width);
                double norm = Math.sqrt(TrainingLoops.products(w, w, width));
                norms.setAtIndex(FLOAT, start + row, (float) norm);
              }
            });
      } finally {
        finish();
      }
    }
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    TrainingShapes.gatherRows(out, x, rows);
    gather(out, x, rows);
  }

  private void gather(Tensor out, Tensor x, int[] rows) {
    MemorySegment from = x.memory();
    MemorySegment into = out.memory();
    long bytes = 4 * x.size(1);
    lanes.run(
        rows.length,
        rowsWorthALane(x.size(1)),
        (lane, first, end) -> {
          for (int i = first; i < end; i++) {
            MemorySegment.copy(from, bytes * rows[i], into, bytes * i, bytes);
          }
        });
  }

  @Override
  public void scatterAddRows(Tensor y, Tensor x, int[] rows) {
    TrainingShapes.scatterAddRows(y, x, rows);
    scatterAdd(y, x, rows, 1);
  }

  /** Each lane has columns of its own, so that rows are added in their order. */
  private void scatterAdd(Tensor y, Tensor x, int[] rows, float scale) {
    MemorySegment sums = y.memory();
    MemorySegment added = x.memory();
    long width = y.size(1);
    lanes.run(
        width,
        FLOATS_WORTH_A_LANE / Math.max(1, rows.length) + 1,
        (lane, from, to) -> {
          int n = to - from;
          for (int i = 0; i < rows.length; i++) {
            long at = rows[i] * width + from;
            float[] ys = read(sums, at, lane, 0, n);
            TrainingLoops.add(ys, read(added, i * width + from, lane, 1, n), scale, n);
            write(ys, sums, at, n);
          }
        });
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    int[] rows = TrainingShapes.embedding(out, table, ids);
    if (table.dtype() == DType.F32) {
      gather(out, table, rows);
      return;
    }
    MemorySegment from = table.memory();
    MemorySegment into = out.memory();
    int width = Math.toIntExact(table.size(1));
    lanes.run(
        rows.length,
        rowsWorthALane(width),
        (lane, first, end) -> {
          float[] wide = lane.floats(0, width);
          short[] narrow = lane.shorts(width);
          for (int i = first; i < end; i++) {
            MemorySegment.copy(from, SHORT, 2L * width * rows[i], narrow, 0, width);
            TrainingLoops.addBfloat16(wide, narrow, 1, 0, width);
            write(wide, into, (long) width * i, width);
          }
        });
  }

  @Override
  public void embeddingBackward(Tensor dTable, Tensor dOut, Tensor ids, float scale) {
    scatterAdd(dTable, dOut, TrainingShapes.embeddingBackward(dTable, dOut, ids), scale);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor inverse, Tensor x, Tensor weight, float epsilon) {
    TrainingShapes.rmsNorm(out, inverse, x, weight);
    MemorySegment normed = out.memory();
    MemorySegment inverses = inverse.memory();
    MemorySegment xs = x.memory();
    float[] weights = weight.toFloats();
    int width = weights.length;
    lanes.run(
        x.size(0),
        rowsWorthALane(width),
        (lane, from, to) -> {
          float[] y = lane.floats(1, width);
          for (long row = from; row < to; row++) {
            float[] own = read(xs, row * width, lane, 0, width);
            double mean = TrainingLoops.products(own, own, width) / width;
            float factor = (float) (1 / Math.sqrt(mean + epsilon));
            TrainingLoops.norm(y, own, factor, weights, width);
            write(y, normed, row * width, width);
            inverses.setAtIndex(FLOAT, row, factor);
          }
        });
  }

  @Override
  public void rmsNormBackward(
      @Nullable Tensor dX,
      @Nullable Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor inverse,
      Tensor weight) {
    TrainingShapes.rmsNormBackward(dX, dWeight, dOut, x, inverse, weight);
    MemorySegment inverses = inverse.memory();
    MemorySegment grads = dOut.memory();
    MemorySegment xs = x.memory();
    MemorySegment forX = dX == null ? null : dX.memory();
    float[] weights = weight.toFloats();
    int width = weights.length;
    ColumnWork rows =
        (lane, sums, from, to) -> {
          for (long row = from; row < to; row++) {
            float[] own = read(xs, row * width, lane, 0, width);
            float[] grad = read(grads, row * width, lane, 1, width);
            float factor = inverses.getAtIndex(FLOAT, row);
            if (dWeight != null) {
              TrainingLoops.addProductsTo(sums, own, grad, factor, width);
            }
            if (forX != null) {
              float[] sum = read(forX, row * width, lane, 2, width);
              TrainingLoops.multiply(grad, weights, width);
              double along = TrainingLoops.products(grad, own, width) / width;
              float back = (float) (along * factor * factor * factor);
              TrainingLoops.normBackward(sum, grad, factor, own, back, width);
              write(sum, forX, row * width, width);
            }
          }
        };
    if (dWeight != null) {
      addColumns(dWeight, x.size(0), 1, rows);
    } else {
      double[] none = {};
      lanes.run(
          x.size(0), rowsWorthALane(width), (lane, from, to) -> rows.run(lane, none, from, to));
    }
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    turn(x, cos, sin, TrainingShapes.rope(x, cos, sin, positions), 1);
  }

  @Override
  public void ropeBackward(Tensor dX, Tensor cos, Tensor sin, Tensor positions) {
    turn(dX, cos, sin, TrainingShapes.rope(dX, cos, sin, positions), -1);
  }

  private void turn(Tensor x, Tensor cos, Tensor sin, int[] positions, float direction) {
    MemorySegment both = x.memory();
    MemorySegment cosines = cos.memory();
    MemorySegment sines = sin.memory();
    int size = Math.toIntExact(x.size(2));
    int width = Math.toIntExact(x.size(1) * size);
    int half = size / 2;
    lanes.run(
        positions.length,
        rowsWorthALane(width),
        (lane, from, to) -> {
          for (int row = from; row < to; row++) {
            float[] own = read(both, (long) row * width, lane, 0, width);
            float[] c = read(cosines, (long) positions[row] * half, lane, 1, half);
            float[] s = read(sines, (long) positions[row] * half, lane, 2, half);
            for (int at = 0; at < width; at += size) {
              TrainingLoops.turn(own, at, c, s, direction, half);
            }
            write(own, both, (long) row * width, width);
          }
        });
  }

  @Override
  public @Nullable AttentionTape attention(
      Tensor out,
      Tensor q,
      Tensor k,
      Tensor v,
      int[] starts,
      float scale,
      int window,
      @Nullable TensorArena tape) {
    TrainingShapes.attention(out, q, k, v, starts, window);
    return attention.attend(out, q, k, v, starts, scale, window, tape);
  }

  @Override
  public void attentionBackward(
      AttentionTape tape,
      Tensor dQ,
      Tensor dK,
      Tensor dV,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v) {
    attention.attendBackward(tape, dQ, dK, dV, dOut, q, k, v);
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    TrainingShapes.siluMul(out, gate, up);
    MemorySegment activated = out.memory();
    MemorySegment gates = gate.memory();
    MemorySegment ups = up.memory();
    inBlocks(
        out.elements(),
        (lane, from, n) -> {
          float[] g = read(gates, from, lane, 0, n);
          float[] u = read(ups, from, lane, 1, n);
          TrainingLoops.siluMul(u, g, expOfNegative(lane, g, n), n);
          write(u, activated, from, n);
        });
  }

  private static float[] expOfNegative(Lane lane, float[] x, int n) {
    float[] e = lane.floats(3, n);
    TrainingLoops.negate(e, x, n);
    TrainingLoops.exp(e, lane.ints(n), n);
    return e;
  }

  @Override
  public void siluMulBackward(Tensor dGate, Tensor dUp, Tensor dOut, Tensor gate, Tensor up) {
    TrainingShapes.siluMulBackward(dGate, dUp, dOut, gate, up);
    MemorySegment forGates = dGate.memory();
    MemorySegment forUps = dUp.memory();
    MemorySegment grads = dOut.memory();
    MemorySegment gates = gate.memory();
    MemorySegment ups = up.memory();
    inBlocks(
        gate.elements(),
        (lane, from, n) -> {
          float[] g = read(gates, from, lane, 0, n);
          float[] u = read(ups, from, lane, 1, n);
          float[] d = read(grads, from, lane, 2, n);
          TrainingLoops.siluMulBackward(g, u, d, expOfNegative(lane, g, n), n);
          write(g, forGates, from, n);
          write(u, forUps, from, n);
        });
  }

  @Override
  public double crossEntropy(Tensor logits, int[] targets, float gradientScale) {
    TrainingShapes.crossEntropy(logits, targets);
    MemorySegment memory = logits.memory();
    int vocabulary = Math.toIntExact(logits.size(1));
    double[] losses = new double[targets.length];
    lanes.run(
        targets.length,
        rowsWorthALane(vocabulary),
        (lane, from, to) -> {
          int[] powers = lane.ints(vocabulary);
          for (int row = from; row < to; row++) {
            float[] x = read(memory, (long) row * vocabulary, lane, 0, vocabulary);
            int target = targets[row];
            float largest = TrainingLoops.largest(x, 0, vocabulary);
            double below = (double) largest - x[target];
            TrainingLoops.subtract(x, 0, largest, vocabulary);
            TrainingLoops.exp(x, powers, vocabulary);
            double total = TrainingLoops.sum(x, 0, vocabulary);
            losses[row] = below + Math.log(total);
            if (gradientScale != 0) {
              TrainingLoops.scale(x, 0, (float) (gradientScale / total), vocabulary);
              x[target] -= gradientScale;
              write(x, memory, (long) row * vocabulary, vocabulary);
            }
          }
        });
    double sum = 0;
    for (double loss : losses) {
      sum += loss;
    }
    return sum;
  }

  @Override
  public double sumOfSquares(Tensor x) {
    TrainingShapes.sumOfSquares(x);
    MemorySegment memory = x.memory();
    long floats = x.elements();
    double[] blocks = new double[Math.toIntExact((floats + BLOCK_FLOATS - 1) / BLOCK_FLOATS)];
    inBlocks(
        floats,
        (lane, from, n) -> {
          float[] own = read(memory, from, lane, 0, n);
          blocks[(int) (from / BLOCK_FLOATS)] = TrainingLoops.products(own, own, n);
        });
    double sum = 0;
    for (double block : blocks) {
      sum += block;
    }
    return sum;
  }

  @Override
  public void adamW(Tensor value, Tensor gradient, Tensor mean, Tensor square, AdamStep step) {
    TrainingShapes.adamW(value, gradient, mean, square, step);
    MemorySegment values = value.memory();
    MemorySegment gradients = gradient.memory();
    MemorySegment means = mean.memory();
    MemorySegment squares = square.memory();
    TrainingLoops.Adam adam = new TrainingLoops.Adam(step);
    inBlocks(
        value.elements(),
        (lane, from, n) -> {
          float[] v = read(values, from, lane, 0, n);
          float[] g = read(gradients, from, lane, 1, n);
          float[] m = read(means, from, lane, 2, n);
          float[] s = read(squares, from, lane, 3, n);
          TrainingLoops.adamW(v, g, m, s, adam, n);
          write(v, values, from, n);
          write(m, means, from, n);
          write(s, squares, from, n);
        });
  }

  private long handle(Tensor tensor) {
    return tensor.handle(torch, passing);
  }

  private void finish() {
    passing.freeAll(torch);
    scratch.reset();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      lanes.close();
      scratch.close();
    }
  }
}
