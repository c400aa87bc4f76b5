package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.AdamStep;
import dev.openlora.kernels.TrainingOps.AttentionTape;
import dev.openlora.kernels.TrainingOps.Precision;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;

/**
 * Where the time of a training step goes: each operation at the shapes of a model of five million
 * parameters, and a whole step of it with the part that is matrix products. Run its main with the
 * test class path, the number of threads as its argument; with one, times are the thread's on its
 * core, which other processes disturb least. It is no test, as it has no claim that a busy machine
 * keeps.
 */
final class TrainingOpsTimings {
  private static final int ROWS = 2048;
  private static final int SEQUENCE = 128;
  private static final int HIDDEN = 256;
  private static final int INNER = 704;
  private static final int VOCABULARY = 2048;
  private static final int HEADS = 8;
  private static final int KV_HEADS = 4;
  private static final int HEAD_SIZE = 32;
  private static final int LAYERS = 6;
  private static final int ROUNDS = 8;
  private static final long WARM_NANOS = 300_000_000;

  private static boolean coreTime;

  private final TrainingOps ops;
  private final TensorArena arena;
  private final Random random = new Random(1);
  private double multiplyNanos;
  private double attentionNanos;
  private double flops;

  private TrainingOpsTimings(TrainingOps ops) {
    this.ops = ops;
    this.arena = ops.newArena("timings");
  }

  public static void main(String[] args) throws IOException {
    int threads = args.length == 0 ? 0 : Integer.parseInt(args[0]);
    TorchLibrary library =
        TorchLibrary.load(new TorchLibrary.Options(null, threads, TorchLibrary.Waiting.SLEEP));
    coreTime = library.threads() == 1;
    for (Precision precision : Precision.values()) {
      try (TrainingOps ops = TorchTrainingOps.open(library, precision)) {
        System.out.println(ops.description());
        TrainingOpsTimings timings = new TrainingOpsTimings(ops);
        try (TensorArena owned = timings.arena) {
          timings.products();
          if (precision == Precision.F32) {
            timings.operations();
            timings.attention();
          }
          owned.reset();
          timings.steps();
        }
      }
    }
  }

  private static long nanos() {
    return coreTime
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private Tensor random(long... shape) {
    Tensor tensor = arena.allocate(DType.F32, shape);
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.05f;
    }
    tensor.write(values);
    return tensor;
  }

  private static double best(Runnable call) {
    double best = Double.MAX_VALUE;
    long begin = nanos();
    for (int i = 0; i < ROUNDS || nanos() - begin < WARM_NANOS; i++) {
      long start = nanos();
      call.run();
      best = Math.min(best, nanos() - start);
    }
    return best;
  }

  private static void report(String what, Runnable call) {
    System.out.printf("%-56s %8.3f ms%n", what, best(call) / 1e6);
  }

  private void products() {
    for (int[] s :
        new int[][] {{HIDDEN, HIDDEN}, {HIDDEN, INNER}, {INNER, HIDDEN}, {HIDDEN, VOCABULARY}}) {
      Tensor x = random(ROWS, s[0]);
      Tensor y = random(ROWS, s[1]);
      Tensor weight = random(s[1], s[0]);
      String size = " " + s[0] + " to " + s[1];
      product("y = x Wt" + size, s, () -> ops.multiply(y, x, weight.transpose(), 1, 0));
      product("dX = dX + dY W" + size, s, () -> ops.multiply(x, y, weight, 1, 1));
      product("dW = dW + dYt X" + size, s, () -> ops.multiply(weight, y.transpose(), x, 1, 1));
      ops.fill(x, 0);
    }
  }

  private static void product(String what, int[] s, Runnable call) {
    double nanos = best(call);
    System.out.printf(
        "%-56s %8.3f ms %6.0f GFLOP/s%n", what, nanos / 1e6, 2.0 * ROWS * s[0] * s[1] / nanos);
  }

  private void operations() {
    Tensor x = random(ROWS, HIDDEN);
    Tensor y = random(ROWS, HIDDEN);
    Tensor z = random(ROWS, HIDDEN);
    Tensor row = random(HIDDEN);
    Tensor inverse = random(ROWS);
    Tensor gate = random(ROWS, INNER);
    Tensor up = random(ROWS, INNER);
    Tensor dOut = random(ROWS, INNER);
    Tensor logits = random(ROWS, VOCABULARY);
    int[] targets = random.ints(ROWS, 0, VOCABULARY).toArray();
    Tensor table = random(VOCABULARY, HIDDEN);
    Tensor ids = arena.copyOf(targets);
    Tensor narrow = arena.allocate(DType.BF16, ROWS, HIDDEN);
    report("fill 2048 x 256", () -> ops.fill(x, 0.5f));
    report("copy 2048 x 256", () -> ops.copy(x, y));
    report("copy 2048 x 256 to BF16", () -> ops.copy(narrow, y));
    report("add 2048 x 256", () -> ops.add(x, y, 1e-3f));
    report("addToRows 2048 x 256", () -> ops.addToRows(x, row));
    report("multiplyRows 2048 x 256", () -> ops.multiplyRows(x, y, row));
    report("addColumnSums 2048 x 256", () -> ops.addColumnSums(row, x, 1e-3f));
    report("addColumnProducts 2048 x 256", () -> ops.addColumnProducts(row, x, y));
    report("gatherRows 2048 x 256", () -> ops.gatherRows(x, y, targets));
    report("scatterAddRows 2048 x 256", () -> ops.scatterAddRows(x, y, targets));
    report("embedding 2048 x 256", () -> ops.embedding(x, table, ids));
    report("embeddingBackward 2048 x 256", () -> ops.embeddingBackward(table, y, ids, 1e-3f));
    report("rmsNorm 2048 x 256", () -> ops.rmsNorm(x, inverse, y, row, 1e-5f));
    report("rmsNormBackward 2048 x 256", () -> ops.rmsNormBackward(z, row, x, y, inverse, row));
    report("siluMul 2048 x 704", () -> ops.siluMul(dOut, gate, up));
    Tensor dGate = random(ROWS, INNER);
    Tensor dUp = random(ROWS, INNER);
    report("siluMulBackward 2048 x 704", () -> ops.siluMulBackward(dGate, dUp, dOut, gate, up));
    report("crossEntropy 2048 x 2048", () -> ops.crossEntropy(logits, targets, 0));
    report("crossEntropy and gradient 2048 x 2048", () -> ops.crossEntropy(logits, targets, 1));
    Tensor[] moments = {random(5 << 20), random(5 << 20), random(5 << 20), random(5 << 20)};
    ops.fill(moments[3], 1);
    report("sumOfSquares 5 Mi", () -> ops.sumOfSquares(moments[0]));
    report("adamW 5 Mi", () -> ops.adamW(moments[0], moments[1], moments[2], moments[3], adam()));
    Tensor q = random(ROWS, HEADS, HEAD_SIZE);
    Tensor cos = random(SEQUENCE, HEAD_SIZE / 2);
    Tensor positions = arena.copyOf(positions());
    report("rope 2048 x 8 x 32", () -> ops.rope(q, cos, cos, positions));
  }

  private static AdamStep adam() {
    return new AdamStep(3, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1);
  }

  private static int[] positions() {
    int[] positions = new int[ROWS];
    Arrays.setAll(positions, i -> i % SEQUENCE);
    return positions;
  }

  private static int[] starts(int sequence) {
    int[] starts = new int[ROWS / sequence + 1];
    Arrays.setAll(starts, i -> i * sequence);
    return starts;
  }

  private void attention() {
    Tensor q = random(ROWS, HEADS, HEAD_SIZE);
    Tensor k = random(ROWS, KV_HEADS, HEAD_SIZE);
    Tensor v = random(ROWS, KV_HEADS, HEAD_SIZE);
    Tensor out = random(ROWS, HEADS, HEAD_SIZE);
    Tensor dQ = random(ROWS, HEADS, HEAD_SIZE);
    Tensor dK = random(ROWS, KV_HEADS, HEAD_SIZE);
    Tensor dV = random(ROWS, KV_HEADS, HEAD_SIZE);
    try (TensorArena tape = ops.newArena("tape")) {
      for (int sequence : new int[] {8, 32, 128, 512, 2048}) {
        int[] starts = starts(sequence);
        String size = " 2048 rows in sequences of " + sequence;
        report(
            "attention" + size,
            () -> {
              tape.reset();
              ops.attention(out, q, k, v, starts, 0.1f, 0, tape);
            });
        AttentionTape shares =
            Objects.requireNonNull(ops.attention(out, q, k, v, starts, 0.1f, 0, tape));
        report(
            "attentionBackward" + size,
            () -> ops.attentionBackward(shares, dQ, dK, dV, out, q, k, v));
      }
    }
  }

  private void multiply(Tensor out, Tensor a, Tensor b, float beta) {
    long start = nanos();
    ops.multiply(out, a, b, 1, beta);
    multiplyNanos += nanos() - start;
    flops += 2.0 * a.size(0) * a.size(1) * b.size(1);
  }

  /** One matrix with its gradient. */
  private record Weight(Tensor value, Tensor gradient) {}

  private Weight weight(int out, int in) {
    return new Weight(random(out, in), random(out, in));
  }

  private void project(Tensor y, Tensor x, Weight weight) {
    multiply(y, x, weight.value().transpose(), 0);
  }

  private void projectBackward(Tensor dX, Tensor dY, Tensor x, Weight weight) {
    multiply(weight.gradient(), dY.transpose(), x, 1);
    multiply(dX, dY, weight.value(), 1);
  }

  /** What a layer keeps for its way back, and its matrices. */
  private final class Layer {
    private final Weight forQ = weight(HIDDEN, HIDDEN);
    private final Weight forK = weight(KV_HEADS * HEAD_SIZE, HIDDEN);
    private final Weight forV = weight(KV_HEADS * HEAD_SIZE, HIDDEN);
    private final Weight forO = weight(HIDDEN, HIDDEN);
    private final Weight forGate = weight(INNER, HIDDEN);
    private final Weight forUp = weight(INNER, HIDDEN);
    private final Weight forDown = weight(HIDDEN, INNER);
    private final Tensor norm = random(HIDDEN);
    private final Tensor dNorm = random(HIDDEN);
    private final Tensor x = random(ROWS, HIDDEN);
    private final Tensor inverse = random(ROWS);
    private final Tensor normed = random(ROWS, HIDDEN);
    private final Tensor q = random(ROWS, HEADS, HEAD_SIZE);
    private final Tensor k = random(ROWS, KV_HEADS, HEAD_SIZE);
    private final Tensor v = random(ROWS, KV_HEADS, HEAD_SIZE);
    private final Tensor attended = random(ROWS, HIDDEN);
    private final Tensor middle = random(ROWS, HIDDEN);
    private final Tensor middleInverse = random(ROWS);
    private final Tensor middleNormed = random(ROWS, HIDDEN);
    private final Tensor gate = random(ROWS, INNER);
    private final Tensor up = random(ROWS, INNER);
    private final Tensor activated = random(ROWS, INNER);
  }

  private void steps() {
    Layer[] layers = new Layer[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
      layers[i] = new Layer();
    }
    Weight table = weight(VOCABULARY, HIDDEN);
    Tensor ids = arena.copyOf(random.ints(ROWS, 0, VOCABULARY).toArray());
    Tensor logits = random(ROWS, VOCABULARY);
    Tensor cos = random(SEQUENCE, HEAD_SIZE / 2);
    Tensor positions = arena.copyOf(positions());
    Tensor[] moments = {random(5 << 20), random(5 << 20), random(5 << 20), random(5 << 20)};
    int[] targets = random.ints(ROWS, 0, VOCABULARY).toArray();
    String best = "";
    double bestNanos = Double.MAX_VALUE;
    try (TensorArena tape = ops.newArena("tape");
        TensorArena work = ops.newArena("work")) {
      for (int i = 0; i < ROUNDS; i++) {
        tape.reset();
        multiplyNanos = 0;
        attentionNanos = 0;
        flops = 0;
        long start = nanos();
        step(layers, table, ids, logits, cos, positions, targets, tape, work);
        double nanos = nanos() - start;
        ops.adamW(moments[0], moments[1], moments[2], moments[3], adam());
        if (nanos < bestNanos) {
          bestNanos = nanos;
          best =
              String.format(
                  "forward and backward, 2048 rows: %.1f ms, %.0f tokens/s; products %.1f ms (%.0f"
                      + " %%, %.0f GFLOP/s), attention %.1f ms",
                  nanos / 1e6,
                  ROWS / nanos * 1e9,
                  multiplyNanos / 1e6,
                  100 * multiplyNanos / nanos,
                  flops / multiplyNanos,
                  attentionNanos / 1e6);
        }
      }
    }
    System.out.println(best);
  }

  private void step(
      Layer[] layers,
      Weight table,
      Tensor ids,
      Tensor logits,
      Tensor cos,
      Tensor positions,
      int[] targets,
      TensorArena tape,
      TensorArena work) {
    work.reset();
    int[] starts = starts(SEQUENCE);
    AttentionTape[] tapes = new AttentionTape[LAYERS];
    Tensor last = work.allocate(DType.F32, ROWS, HIDDEN);
    ops.embedding(layers[0].x, table.value(), ids);
    for (int i = 0; i < LAYERS; i++) {
      Layer l = layers[i];
      ops.rmsNorm(l.normed, l.inverse, l.x, l.norm, 1e-5f);
      project(l.q.reshape(ROWS, HIDDEN), l.normed, l.forQ);
      project(l.k.reshape(ROWS, KV_HEADS * HEAD_SIZE), l.normed, l.forK);
      project(l.v.reshape(ROWS, KV_HEADS * HEAD_SIZE), l.normed, l.forV);
      ops.rope(l.q, cos, cos, positions);
      ops.rope(l.k, cos, cos, positions);
      Tensor attended = l.attended.reshape(ROWS, HEADS, HEAD_SIZE);
      long start = nanos();
      tapes[i] =
          Objects.requireNonNull(ops.attention(attended, l.q, l.k, l.v, starts, 0.18f, 0, tape));
      attentionNanos += nanos() - start;
      ops.copy(l.middle, l.x);
      multiply(l.middle, l.attended, l.forO.value().transpose(), 1);
      ops.rmsNorm(l.middleNormed, l.middleInverse, l.middle, l.norm, 1e-5f);
      project(l.gate, l.middleNormed, l.forGate);
      project(l.up, l.middleNormed, l.forUp);
      ops.siluMul(l.activated, l.gate, l.up);
      Tensor next = i + 1 < LAYERS ? layers[i + 1].x : last;
      ops.copy(next, l.middle);
      multiply(next, l.activated, l.forDown.value().transpose(), 1);
    }
    project(logits, last, table);
    ops.crossEntropy(logits, targets, 1f / ROWS);
    Tensor dX = work.allocate(DType.F32, ROWS, HIDDEN);
    ops.fill(dX, 0);
    projectBackward(dX, logits, last, table);
    Tensor dHidden = work.allocate(DType.F32, ROWS, HIDDEN);
    Tensor dActivated = work.allocate(DType.F32, ROWS, INNER);
    Tensor dQ = work.allocate(DType.F32, ROWS, HEADS, HEAD_SIZE);
    Tensor dK = work.allocate(DType.F32, ROWS, KV_HEADS, HEAD_SIZE);
    Tensor dV = work.allocate(DType.F32, ROWS, KV_HEADS, HEAD_SIZE);
    for (int i = LAYERS - 1; i >= 0; i--) {
      Layer l = layers[i];
      multiply(l.forDown.gradient(), dX.transpose(), l.activated, 1);
      multiply(dActivated, dX, l.forDown.value(), 0);
      ops.siluMulBackward(l.gate, l.up, dActivated, l.gate, l.up);
      ops.fill(dHidden, 0);
      projectBackward(dHidden, l.gate, l.middleNormed, l.forGate);
      projectBackward(dHidden, l.up, l.middleNormed, l.forUp);
      ops.rmsNormBackward(dX, l.dNorm, dHidden, l.middle, l.middleInverse, l.norm);
      ops.fill(dHidden, 0);
      projectBackward(dHidden, dX, l.attended, l.forO);
      ops.fill(dQ, 0);
      ops.fill(dK, 0);
      ops.fill(dV, 0);
      long start = nanos();
      ops.attentionBackward(
          tapes[i], dQ, dK, dV, dHidden.reshape(ROWS, HEADS, HEAD_SIZE), l.q, l.k, l.v);
      attentionNanos += nanos() - start;
      ops.ropeBackward(dQ, cos, cos, positions);
      ops.ropeBackward(dK, cos, cos, positions);
      ops.fill(dHidden, 0);
      projectBackward(dHidden, dQ.reshape(ROWS, HIDDEN), l.normed, l.forQ);
      projectBackward(dHidden, dK.reshape(ROWS, KV_HEADS * HEAD_SIZE), l.normed, l.forK);
      projectBackward(dHidden, dV.reshape(ROWS, KV_HEADS * HEAD_SIZE), l.normed, l.forV);
      ops.rmsNormBackward(dX, l.dNorm, dHidden, l.x, l.inverse, l.norm);
    }
    ops.embeddingBackward(table.gradient(), dX, ids, 1);
  }
}
