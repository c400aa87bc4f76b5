package dev.openlora.bench.step;

import dev.openlora.adapter.Adapter;
import dev.openlora.engine.model.RowRun;
import dev.openlora.engine.model.StepInput;
import dev.openlora.kernels.AttentionBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * What a step computes: sequences of which each adds the same number of rows behind its context.
 * One row each is a decode step; many rows of one sequence are a prefill. Immutable.
 */
record StepShape(int sequences, int rowsEach, int context) {
  static final int PAGE_SIZE = 16;
  private static final int SEQUENCES_MAX = 4096;
  private static final int POSITIONS_MAX = 1 << 20;

  StepShape {
    if (sequences < 1 || sequences > SEQUENCES_MAX) {
      throw new IllegalArgumentException(
          "batch: " + sequences + " (expected: 1.." + SEQUENCES_MAX + ")");
    }
    if (rowsEach < 1 || rowsEach > POSITIONS_MAX) {
      throw new IllegalArgumentException(
          "prompt: " + rowsEach + " (expected: 1.." + POSITIONS_MAX + ")");
    }
    if (context < 0 || context > POSITIONS_MAX) {
      throw new IllegalArgumentException(
          "context: " + context + " (expected: 0.." + POSITIONS_MAX + ")");
    }
  }

  static StepShape decode(int sequences, int context) {
    return new StepShape(sequences, 1, context);
  }

  static StepShape prefill(int rows) {
    return new StepShape(1, rows, 0);
  }

  int rows() {
    return sequences * rowsEach;
  }

  /** Positions of the longest sequence behind the step. */
  int positions() {
    return context + rowsEach;
  }

  int pages() {
    return sequences * pagesEach();
  }

  private int pagesEach() {
    return (positions() + PAGE_SIZE - 1) / PAGE_SIZE;
  }

  boolean isDecode() {
    return rowsEach == 1;
  }

  /**
   * Which adapter a sequence goes through, of {@code adapters}: sequences of one adapter stand
   * together, as the scheduler orders them; -1 without adapters.
   */
  int adapterOf(int sequence, int adapters) {
    return adapters == 0 ? -1 : (int) ((long) sequence * adapters / sequences);
  }

  /** A step of random tokens, the last row of each sequence an output row. */
  StepInput input(Random random, int vocabulary, List<Adapter> adapters) {
    if (adapters.size() > sequences) {
      throw new IllegalArgumentException(
          "adapters: "
              + adapters.size()
              + " (expected: at most one per sequence, "
              + sequences
              + ")");
    }
    int[] positions = new int[rows()];
    int[] starts = IntStream.rangeClosed(0, sequences).map(s -> s * rowsEach).toArray();
    int[] lengths = IntStream.range(0, sequences).map(s -> positions()).toArray();
    int[][] pages = new int[sequences][pagesEach()];
    int[] outputs = new int[sequences];
    for (int s = 0; s < sequences; s++) {
      outputs[s] = starts[s + 1] - 1;
      for (int row = 0; row < rowsEach; row++) {
        positions[starts[s] + row] = context + row;
      }
      for (int page = 0; page < pages[s].length; page++) {
        pages[s][page] = page * sequences + s;
      }
    }
    return new StepInput(
        random.ints(rows(), 0, vocabulary).toArray(),
        positions,
        new AttentionBatch(starts, lengths, pages),
        runs(adapters),
        outputs);
  }

  private List<RowRun> runs(List<Adapter> adapters) {
    List<RowRun> runs = new ArrayList<>();
    for (int s = 0; s < sequences && !adapters.isEmpty(); ) {
      int adapter = adapterOf(s, adapters.size());
      int next = s;
      while (next < sequences && adapterOf(next, adapters.size()) == adapter) {
        next++;
      }
      runs.add(
          new RowRun(
              s * rowsEach,
              next * rowsEach,
              List.of(new RowRun.Applied(adapters.get(adapter), 1))));
      s = next;
    }
    return runs;
  }

  @Override
  public String toString() {
    return isDecode()
        ? "decode of " + sequences + (sequences == 1 ? " row" : " rows") + " at " + context
        : "prefill of " + rowsEach + " rows";
  }
}
