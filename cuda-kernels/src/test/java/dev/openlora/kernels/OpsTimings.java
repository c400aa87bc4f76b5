package dev.openlora.kernels;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Where the time of a step goes: milliseconds of the operations at the shapes of a 0.5B model.
 * Weights rotate so that they come from memory. Run its main with the test class path, the number
 * of threads as its argument; it is no test, as it has no claim that a busy machine keeps.
 */
final class OpsTimings {
  private static final int HIDDEN = 896;
  private static final int INNER = 4864;
  private static final int HEADS = 14;
  private static final int KV_HEADS = 2;
  private static final int HEAD_SIZE = 64;

  private final Ops ops;
  private final TensorArena arena;
  private final Random random = new Random(1);

  private OpsTimings(Ops ops) {
    this.ops = ops;
    this.arena = ops.newArena("timings");
  }

  public static void main(String[] args) throws IOException {
    int threads = args.length == 0 ? 0 : Integer.parseInt(args[0]);
    TorchLibrary library =
        TorchLibrary.load(new TorchLibrary.Options(null, threads, TorchLibrary.Waiting.SLEEP));
    try (TorchOps ops = new TorchOps(library, Device.CPU)) {
      System.out.println(ops.description());
      OpsTimings timings = new OpsTimings(ops);
      try (TensorArena owned = timings.arena) {
        for (DType dtype : List.of(DType.BF16, DType.F32)) {
          for (int rows : new int[] {1, 8, 32}) {
            timings.linear(dtype, rows);
          }
          timings.addLora(dtype, 32);
          timings.small(dtype, 32);
          timings.attention(dtype, 1, 1, 150);
          timings.attention(dtype, 32, 1, 150);
          timings.attention(dtype, 1, 128, 128);
        }
        System.out.println("arena: " + owned.reservedBytes() / 1e6 + " MB");
      }
    }
  }

  private Tensor random(DType dtype, long... shape) {
    Tensor tensor = arena.allocate(dtype, shape);
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    try (TensorArena host = new HostArena("values")) {
      ops.copy(tensor, host.copyOf(values, shape));
    }
    return tensor;
  }

  private interface Call {
    void run(int round);
  }

  private void report(String what, int rounds, Call call) {
    for (int i = 0; i < rounds; i++) {
      call.run(i);
    }
    double[] millis = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      long start = System.nanoTime();
      call.run(i);
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    System.out.printf("%-60s median %.4f ms  best %.4f ms%n", what, millis[rounds / 2], millis[0]);
  }

  private void linear(DType dtype, int rows) {
    List<Tensor> weights = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      weights.add(random(dtype, INNER, HIDDEN));
    }
    Tensor x = random(dtype, rows, HIDDEN);
    Tensor out = arena.allocate(dtype, rows, INNER);
    report(
        "linear " + dtype + " [" + rows + ", 896] x [4864, 896]T",
        120,
        i -> ops.linear(out, x, weights.get(i % 24), null));
  }

  private void addLora(DType dtype, int rows) {
    List<List<LoraSegment>> layers = new ArrayList<>();
    for (int layer = 0; layer < 8; layer++) {
      List<LoraSegment> segments = new ArrayList<>();
      for (int row = 0; row < rows; row++) {
        Tensor a = random(dtype, 16, HIDDEN);
        Tensor b = random(dtype, INNER, 16);
        segments.add(new LoraSegment(row, row + 1, a, b, 0.1f, null, null));
      }
      layers.add(segments);
    }
    Tensor x = random(dtype, rows, HIDDEN);
    Tensor y = random(dtype, rows, INNER);
    report(
        "addLora " + dtype + " " + rows + " one-row r16 segments 896 to 4864",
        80,
        i -> ops.addLora(y, x, layers.get(i % 8)));
  }

  private void small(DType dtype, int rows) {
    Tensor x = random(dtype, rows, HIDDEN);
    Tensor y = random(dtype, rows, HIDDEN);
    Tensor weight = random(dtype, HIDDEN);
    Tensor gate = random(dtype, rows, INNER);
    Tensor up = random(dtype, rows, INNER);
    Tensor q = random(dtype, rows, HEADS, HEAD_SIZE);
    Tensor cos = random(DType.F32, 512, HEAD_SIZE / 2);
    Tensor sin = random(DType.F32, 512, HEAD_SIZE / 2);
    Tensor positions = arena.copyOf(random.ints(rows, 0, 512).toArray());
    String size = " " + dtype + " " + rows + " rows";
    report("add" + size, 400, i -> ops.add(y, x));
    report("rmsNorm" + size, 400, i -> ops.rmsNorm(y, x, weight, 1e-6f));
    report("rope q" + size, 400, i -> ops.rope(q, cos, sin, positions));
    report("siluMul" + size, 400, i -> ops.siluMul(gate, up, up));
  }

  private void attention(DType dtype, int sequences, int rows, int length) {
    int pageSize = 16;
    int pagesEach = (length + pageSize - 1) / pageSize;
    KvPages pages =
        ops.newKvPages(
            arena,
            new KvPages.Shape(1, sequences * pagesEach, pageSize, KV_HEADS, HEAD_SIZE, dtype));
    int[] starts = new int[sequences + 1];
    int[] lengths = new int[sequences];
    int[][] tables = new int[sequences][];
    for (int s = 0; s < sequences; s++) {
      starts[s + 1] = starts[s] + rows;
      lengths[s] = length - s % 32;
      tables[s] = new int[pagesEach];
      for (int p = 0; p < pagesEach; p++) {
        tables[s][p] = p * sequences + s;
      }
    }
    int all = sequences * rows;
    Tensor q = random(dtype, all, HEADS, HEAD_SIZE);
    Tensor k = random(dtype, all, KV_HEADS, HEAD_SIZE);
    Tensor out = arena.allocate(dtype, all, HEADS, HEAD_SIZE);
    AttentionBatch batch = new AttentionBatch(starts, lengths, tables);
    String size = " " + dtype + " " + sequences + " x " + rows + " rows of " + length;
    try (TensorArena step = ops.newArena("step")) {
      report(
          "plan" + size,
          50,
          i -> {
            step.reset();
            ops.plan(step, pages, batch);
          });
      step.reset();
      AttentionPlan plan = ops.plan(step, pages, batch);
      report("writeKv" + size, 100, i -> ops.writeKv(plan, 0, k, k));
      report("attention" + size, 100, i -> ops.attention(plan, 0, out, q, 0.125f, 0));
    }
  }
}
