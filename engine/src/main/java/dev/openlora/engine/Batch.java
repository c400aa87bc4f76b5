package dev.openlora.engine;

import dev.openlora.engine.model.RowRun;
import dev.openlora.engine.model.StepInput;
import dev.openlora.kernels.AttentionBatch;
import java.util.ArrayList;
import java.util.List;

/** What one step computes: for each sequence, its next positions. */
record Batch(List<Slice> slices) {
  /**
   * The positions [from, to) of a sequence.
   *
   * @param last whether these are the last tokens that the sequence has, so that the next one can
   *     be sampled
   * @param everyRow whether the logits of every row are wanted, or only of the last token
   */
  record Slice(Sequence sequence, int from, int to, boolean last, boolean everyRow) {
    static Slice of(Sequence sequence, int rows, boolean everyRow) {
      int to = sequence.computed() + rows;
      return new Slice(sequence, sequence.computed(), to, to == sequence.length(), everyRow);
    }

    int rows() {
      return to - from;
    }

    /** How many of its rows yield logits. */
    int outputRows() {
      return everyRow ? rows() : last ? 1 : 0;
    }
  }

  boolean isEmpty() {
    return slices.isEmpty();
  }

  int rows() {
    return slices.stream().mapToInt(Slice::rows).sum();
  }

  StepInput input() {
    int rows = rows();
    int[] ids = new int[rows];
    int[] positions = new int[rows];
    int[] starts = new int[slices.size() + 1];
    int[] lengths = new int[slices.size()];
    int[][] tables = new int[slices.size()][];
    List<RowRun> runs = new ArrayList<>();
    List<Integer> outputs = new ArrayList<>();
    int row = 0;
    for (int s = 0; s < slices.size(); s++) {
      Slice slice = slices.get(s);
      starts[s] = row;
      lengths[s] = slice.to();
      tables[s] = slice.sequence().pageTable();
      for (RowRun run : slice.sequence().runs(slice.from(), slice.to(), row)) {
        addMerged(runs, run);
      }
      for (int position = slice.from(); position < slice.to(); position++) {
        ids[row] = slice.sequence().id(position);
        positions[row] = position;
        if (slice.everyRow() || (slice.last() && position + 1 == slice.to())) {
          outputs.add(row);
        }
        row++;
      }
    }
    starts[slices.size()] = row;
    int[] outputRows = outputs.stream().mapToInt(Integer::intValue).toArray();
    return new StepInput(
        ids, positions, new AttentionBatch(starts, lengths, tables), runs, outputRows);
  }

  private static void addMerged(List<RowRun> runs, RowRun run) {
    if (!runs.isEmpty()) {
      RowRun last = runs.getLast();
      if (last.to() == run.from() && last.adapters().equals(run.adapters())) {
        runs.set(runs.size() - 1, new RowRun(last.from(), run.to(), run.adapters()));
        return;
      }
    }
    runs.add(run);
  }
}
