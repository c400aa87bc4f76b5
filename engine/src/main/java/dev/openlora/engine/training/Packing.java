package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lays examples one after the other into batches, in the order in which they come: one that does
 * not fit any more opens the next batch. Nothing is padded, nothing left out. One thread.
 */
public final class Packing {
  private final Iterator<Example> examples;
  private final TrainingConfig.Batches limits;
  private final String name;
  private @Nullable Example waiting;
  private long taken;

  /**
   * @param name of what the examples belong to, for messages
   * @param taken examples before the first of the iterator
   */
  public Packing(
      Iterator<Example> examples, TrainingConfig.Batches limits, String name, long taken) {
    this.examples = examples;
    this.limits = limits;
    this.name = name;
    this.taken = taken;
  }

  /** The next batch, at least one sequence; null at the end. */
  public @Nullable TrainingBatch next() {
    List<Example> batch = fill();
    return batch.isEmpty() ? null : batchOf(batch);
  }

  /** Examples in the batches so far, and those before the first. */
  public long taken() {
    return taken;
  }

  /** Goes to the end and counts the batches on the way. */
  int countBatches() {
    int count = 0;
    while (!fill().isEmpty()) {
      count = Math.addExact(count, 1);
    }
    return count;
  }

  private List<Example> fill() {
    List<Example> batch = new ArrayList<>();
    int rows = 0;
    for (Example next; (next = peek()) != null; ) {
      if (rows + next.rows() > limits.batchTokens()) {
        break;
      }
      rows += next.rows();
      batch.add(next);
      waiting = null;
      taken++;
    }
    return batch;
  }

  private @Nullable Example peek() {
    if (waiting == null && examples.hasNext()) {
      waiting = fitted(examples.next(), limits, name + "[" + taken + "]");
    }
    return waiting;
  }

  /** The example as it is used: whole, cut at the end, or refused by name. */
  static Example fitted(Example example, TrainingConfig.Batches limits, String name) {
    int length = example.ids().length;
    int longest = limits.maxLength();
    if (length <= longest) {
      return example;
    }
    return switch (limits.longer()) {
      case REFUSE ->
          throw new IllegalArgumentException(
              name
                  + ": "
                  + length
                  + " tokens (expected: at most max_length "
                  + longest
                  + ", or longer: cut)");
      case CUT ->
          new Example(
              Arrays.copyOf(example.ids(), longest), Arrays.copyOf(example.learned(), longest));
    };
  }

  /** These examples as one batch. */
  public static TrainingBatch batchOf(List<Example> examples) {
    int rows = examples.stream().mapToInt(Example::rows).sum();
    int[] ids = new int[rows];
    int[] positions = new int[rows];
    int[] targets = new int[rows];
    int[] starts = new int[examples.size() + 1];
    int row = 0;
    for (int i = 0; i < examples.size(); i++) {
      Example example = examples.get(i);
      for (int at = 0; at < example.rows(); at++, row++) {
        ids[row] = example.ids()[at];
        positions[row] = at;
        targets[row] =
            example.learned()[at + 1] ? example.ids()[at + 1] : TrainingBatch.NOT_LEARNED;
      }
      starts[i + 1] = row;
    }
    return new TrainingBatch(ids, positions, starts, targets);
  }
}
