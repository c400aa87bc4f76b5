package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a row comes to in the C++ kernels is the same to the last bit in any company: whatever rows
 * stand before and behind it, however a prompt is cut, on however many threads.
 */
final class RowIndependenceTest {
  private static final int MANY = 512;
  private static final int[] COMPANIES = {1, 2, 3, 12, 13, 16, 17, 31, 33, 70, MANY};
  private static final int[] THREADS = {1, 2, 3};

  /** One row operation on the rows [from, to) of the same inputs; gives all of its output. */
  private interface RowOperation {
    Tensor apply(Ops ops, TensorArena arena, int from, int to);
  }

  /** Inputs of a test: the same for every number of threads. */
  private static final class Inputs implements AutoCloseable {
    final Random random;
    final TensorArena arena = new HostArena("inputs");

    Inputs(String test) {
      random = new Random(KernelSeeds.next(test));
    }

    Tensor random(DType dtype, double deviation, long... shape) {
      Tensor tensor = arena.allocate(dtype, shape);
      float[] values = new float[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (deviation * random.nextGaussian());
      }
      tensor.write(values);
      return tensor;
    }

    int between(int low, int high) {
      return low + random.nextInt(high - low + 1);
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.memory().toArray(ValueLayout.JAVA_BYTE);
  }

  private static Tensor like(TensorArena arena, DType dtype, Tensor shape) {
    return arena.allocate(dtype, shape.shape());
  }

  /** Every row alone first, then in companies of all sizes at random places. */
  private static void rowsAreIndependent(
      String what, CpuIsa isa, Inputs inputs, RowOperation operation) throws IOException {
    byte[] alone = new byte[0];
    for (int threads : THREADS) {
      try (CpuOps ops = CpuUnderTest.openOverReference(isa, threads);
          TensorArena arena = ops.newArena("outputs")) {
        if (alone.length == 0) {
          alone = rowByRow(ops, arena, operation);
        }
        int rowBytes = alone.length / MANY;
        for (int company : COMPANIES) {
          int from = inputs.between(0, MANY - company);
          byte[] together = bytes(operation.apply(ops, arena, from, from + company));
          int differs =
              Arrays.mismatch(
                  together,
                  Arrays.copyOfRange(alone, from * rowBytes, (from + company) * rowBytes));
          assertThat(differs)
              .as(
                  "%s, %s, %d threads, %d rows from %d of %d bytes: first byte that differs from"
                      + " the rows alone",
                  what, isa, threads, company, from, rowBytes)
              .isEqualTo(-1);
        }
      }
    }
  }

  private static byte[] rowByRow(Ops ops, TensorArena arena, RowOperation operation) {
    byte[] all = new byte[0];
    for (int row = 0; row < MANY; row++) {
      byte[] one = bytes(operation.apply(ops, arena, row, row + 1));
      if (row == 0) {
        all = new byte[MANY * one.length];
      }
      System.arraycopy(one, 0, all, row * one.length, one.length);
    }
    return all;
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofALinearLayer(CpuIsa isa) throws IOException {
    int[][] sizes = {{896, 128}, {100, 45}, {33, 1}, {1, 33}};
    for (int[] size : sizes) {
      for (DType type : List.of(DType.F32, DType.BF16)) {
        try (Inputs inputs = new Inputs("linear " + isa)) {
          Tensor x = inputs.random(DType.BF16, 1, MANY, size[0]);
          Tensor weight = inputs.random(DType.BF16, 1, size[1], size[0]);
          Tensor bias = inputs.random(DType.BF16, 1, size[1]);
          rowsAreIndependent(
              "linear " + Arrays.toString(size) + " " + type,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor out = arena.allocate(type, to - from, size[1]);
                ops.prepare(weight, arena);
                ops.linear(out, x.rows(from, to), weight, bias);
                return out;
              });
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofNormsAndActivations(CpuIsa isa) throws IOException {
    for (int width : new int[] {896, 47, 3}) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        try (Inputs inputs = new Inputs("norms " + isa)) {
          Tensor x = inputs.random(dtype, 2, MANY, width);
          Tensor y = inputs.random(dtype, 2, MANY, width);
          Tensor weight = inputs.random(dtype, 1, width);
          rowsAreIndependent(
              "rmsNorm " + width + " " + dtype,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor out = arena.allocate(dtype, to - from, width);
                ops.rmsNorm(out, x.rows(from, to), weight, 1e-6f);
                return out;
              });
          rowsAreIndependent(
              "siluMul " + width + " " + dtype,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor out = arena.allocate(dtype, to - from, width);
                ops.siluMul(out, x.rows(from, to), y.rows(from, to));
                return out;
              });
          rowsAreIndependent(
              "add " + width + " " + dtype,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor sum = like(arena, dtype, x.rows(from, to));
                ops.copy(sum, x.rows(from, to));
                ops.add(sum, y.rows(from, to));
                return sum;
              });
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofTheSumOverALongRow(CpuIsa isa) throws IOException {
    try (Inputs inputs = new Inputs("sum " + isa)) {
      Tensor x = inputs.random(DType.BF16, 2, 5, 100_003);
      for (int row = 0; row < 5; row++) {
        List<Double> sums = new ArrayList<>();
        for (int threads : THREADS) {
          try (CpuOps ops = CpuUnderTest.openOverReference(isa, threads)) {
            sums.add(ops.sumExp(x.rows(row, row + 1), 10, 0.7));
          }
        }
        assertThat(sums).as("row %d on 1, 2 and 3 threads", row).containsOnly(sums.getFirst());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofARotation(CpuIsa isa) throws IOException {
    for (int headSize : new int[] {64, 128, 10, 46}) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        try (Inputs inputs = new Inputs("rope " + isa)) {
          Tensor x = inputs.random(dtype, 1, MANY, 3, headSize);
          Tensor cos = inputs.random(DType.F32, 1, 40, headSize / 2);
          Tensor sin = inputs.random(DType.F32, 1, 40, headSize / 2);
          Tensor positions = inputs.arena.copyOf(inputs.random.ints(MANY, 0, 40).toArray());
          rowsAreIndependent(
              "rope " + headSize + " " + dtype,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor turned = like(arena, dtype, x.rows(from, to));
                ops.copy(turned, x.rows(from, to));
                ops.rope(turned, cos, sin, positions.rows(from, to));
                return turned;
              });
        }
      }
    }
  }

  /**
   * An adapter per row, some of them on neighbouring rows: each row in a segment as long as its
   * company allows, so that the same row comes in a segment of one and in one of hundreds.
   */
  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofAdapters(CpuIsa isa) throws IOException {
    int[][] sizes = {{896, 128}, {100, 45}, {31, 600}, {17, 7}};
    int[] ranks = {1, 3, 4, 7, 8, 9, 12, 15, 16, 20, 31, 32, 33, 64, 100};
    for (int[] size : sizes) {
      for (DType type : List.of(DType.F32, DType.BF16)) {
        try (Inputs inputs = new Inputs("adapters " + isa)) {
          Tensor x = inputs.random(DType.BF16, 1, MANY, size[0]);
          Tensor y = inputs.random(type, 1, MANY, size[1]);
          List<LoraSegment> segments = new ArrayList<>();
          int[] lengths = {1, 1, 1, 2, 5, 40, 200};
          for (int from = 0, to; from < MANY; from = to) {
            to = Math.min(MANY, from + lengths[inputs.random.nextInt(lengths.length)]);
            int rank = ranks[inputs.random.nextInt(ranks.length)];
            Tensor a = inputs.random(DType.BF16, 0.1, rank, size[0]);
            Tensor b = inputs.random(DType.BF16, 0.1, size[1], rank);
            boolean gained = inputs.random.nextBoolean();
            Tensor gain = gained ? inputs.random(DType.BF16, 1, size[1]) : null;
            Tensor shift = gained ? inputs.random(DType.BF16, 1, size[1]) : null;
            segments.add(new LoraSegment(from, to, a, b, 0.7f, gain, shift));
          }
          rowsAreIndependent(
              "addLora " + Arrays.toString(size) + " " + type,
              isa,
              inputs,
              (ops, arena, from, to) -> {
                Tensor sum = like(arena, type, y.rows(from, to));
                ops.copy(sum, y.rows(from, to));
                ops.addLora(sum, x.rows(from, to), within(segments, from, to));
                return sum;
              });
        }
      }
    }
  }

  /** The parts of the segments that lie in the rows [from, to), which begin at 0. */
  private static List<LoraSegment> within(List<LoraSegment> segments, int from, int to) {
    List<LoraSegment> within = new ArrayList<>();
    for (LoraSegment s : segments) {
      int first = Math.max(s.from(), from);
      int last = Math.min(s.to(), to);
      if (first < last) {
        within.add(
            new LoraSegment(
                first - from, last - from, s.a(), s.b(), s.scale(), s.gain(), s.shift()));
      }
    }
    return within;
  }

  /** A sequence for attention: what its rows are, and where its pages lie. */
  private record Sequence(Tensor q, Tensor k, Tensor v, int[] table) {
    int length() {
      return (int) q.size(0);
    }
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofAttentionHoweverAPromptIsCut(CpuIsa isa) throws IOException {
    int[][] shapes = {{14, 2, 64}, {4, 4, 10}, {17, 1, 22}, {8, 1, 128}, {3, 3, 33}, {6, 2, 96}};
    for (int[] shape : shapes) {
      attention(isa, new Types(DType.BF16, DType.BF16), shape[0], shape[1], shape[2], 0);
      attention(isa, new Types(DType.F32, DType.BF16), shape[0], shape[1], shape[2], 0);
      attention(isa, new Types(DType.F32, DType.F32), shape[0], shape[1], shape[2], 50);
    }
  }

  /** Of what comes in, and of what comes out. */
  private record Types(DType in, DType out) {}

  private static void attention(
      CpuIsa isa, Types types, int heads, int kvHeads, int headSize, int window)
      throws IOException {
    String what = isa + " " + types + " " + heads + "/" + kvHeads + "x" + headSize + " " + window;
    DType dtype = types.in();
    try (Inputs inputs = new Inputs("attention " + what)) {
      List<Sequence> sequences = new ArrayList<>();
      int pages = 0;
      for (int length : new int[] {261, 1, 40, 128}) {
        int[] table = new int[Math.ceilDiv(length, 16)];
        for (int i = 0; i < table.length; i++) {
          table[i] = pages++;
        }
        sequences.add(
            new Sequence(
                inputs.random(dtype, 1, length, heads, headSize),
                inputs.random(dtype, 1, length, kvHeads, headSize),
                inputs.random(dtype, 1, length, kvHeads, headSize),
                table));
      }
      KvPages.Shape shape = new KvPages.Shape(1, pages, 16, kvHeads, headSize, DType.BF16);
      List<byte[]> tokenByToken = List.of();
      for (int threads : THREADS) {
        if (threads == 1) {
          tokenByToken = attend(isa, threads, types, shape, sequences, 1, window, inputs);
        }
        for (int longest : new int[] {2, 7, 16, 33, 300}) {
          List<byte[]> results =
              attend(isa, threads, types, shape, sequences, longest, window, inputs);
          for (int s = 0; s < sequences.size(); s++) {
            assertThat(Arrays.mismatch(results.get(s), tokenByToken.get(s)))
                .as("%s: sequence %d, chunks to %d, %d threads", what, s, longest, threads)
                .isEqualTo(-1);
          }
        }
      }
    }
  }

  /**
   * Runs all sequences to their ends in steps; each takes part in a step or not, in any order, with
   * a chunk of 1 to {@code longest} rows. longest 1: one sequence after the other, token by token.
   */
  private static List<byte[]> attend(
      CpuIsa isa,
      int threads,
      Types types,
      KvPages.Shape shape,
      List<Sequence> sequences,
      int longest,
      int window,
      Inputs inputs)
      throws IOException {
    List<byte[]> results = new ArrayList<>();
    for (Sequence sequence : sequences) {
      results.add(new byte[(int) (sequence.q().elements() * types.out().bytes())]);
    }
    int[] done = new int[sequences.size()];
    try (CpuOps ops = CpuUnderTest.openOverReference(isa, threads);
        TensorArena arena = ops.newArena("attention")) {
      KvPages pages = ops.newKvPages(arena, shape);
      while (true) {
        List<Integer> members = new ArrayList<>();
        for (int s = 0; s < done.length; s++) {
          boolean takesPart = longest == 1 ? members.isEmpty() : inputs.random.nextInt(4) > 0;
          if (done[s] < sequences.get(s).length() && takesPart) {
            members.add(inputs.random.nextInt(members.size() + 1), s);
          }
        }
        if (members.isEmpty() && finished(sequences, done)) {
          return results;
        }
        int[] chunks = new int[members.size()];
        for (int i = 0; i < chunks.length; i++) {
          int left = sequences.get(members.get(i)).length() - done[members.get(i)];
          chunks[i] = Math.min(left, longest == 300 ? 300 : inputs.between(1, longest));
        }
        step(ops, pages, types, sequences, members, chunks, done, window, results);
      }
    }
  }

  private static boolean finished(List<Sequence> sequences, int[] done) {
    for (int s = 0; s < done.length; s++) {
      if (done[s] < sequences.get(s).length()) {
        return false;
      }
    }
    return true;
  }

  private static void step(
      Ops ops,
      KvPages pages,
      Types types,
      List<Sequence> sequences,
      List<Integer> members,
      int[] chunks,
      int[] done,
      int window,
      List<byte[]> results) {
    int[] starts = new int[members.size() + 1];
    int[] lengths = new int[members.size()];
    int[][] tables = new int[members.size()][];
    for (int i = 0; i < chunks.length; i++) {
      int s = members.get(i);
      starts[i + 1] = starts[i] + chunks[i];
      lengths[i] = done[s] + chunks[i];
      tables[i] = sequences.get(s).table();
    }
    Tensor example = sequences.get(0).q();
    KvPages.Shape shape = pages.shape();
    AttentionBatch batch = new AttentionBatch(starts, lengths, tables);
    try (TensorArena step = ops.newArena("step")) {
      DType dtype = types.in();
      Tensor q = step.allocate(dtype, batch.rows(), example.size(1), shape.headSize());
      Tensor k = step.allocate(dtype, batch.rows(), shape.kvHeads(), shape.headSize());
      Tensor v = step.allocate(dtype, batch.rows(), shape.kvHeads(), shape.headSize());
      Tensor out = step.allocate(types.out(), q.shape());
      for (int i = 0; i < chunks.length; i++) {
        Sequence sequence = sequences.get(members.get(i));
        int from = done[members.get(i)];
        int to = from + chunks[i];
        ops.copy(q.rows(starts[i], starts[i + 1]), sequence.q().rows(from, to));
        ops.copy(k.rows(starts[i], starts[i + 1]), sequence.k().rows(from, to));
        ops.copy(v.rows(starts[i], starts[i + 1]), sequence.v().rows(from, to));
      }
      AttentionPlan plan = ops.plan(step, pages, batch);
      ops.writeKv(plan, 0, k, v);
      ops.attention(plan, 0, out, q, 0.1f, window);
      for (int i = 0; i < chunks.length; i++) {
        int s = members.get(i);
        byte[] rows = bytes(out.rows(starts[i], starts[i + 1]));
        int rowBytes = rows.length / chunks[i];
        System.arraycopy(rows, 0, results.get(s), done[s] * rowBytes, rows.length);
        done[s] += chunks[i];
      }
    }
  }
}
