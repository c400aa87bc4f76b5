package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;

/** Examples in memory, shuffled anew each epoch. Any thread. */
final class ExampleList implements ExampleSet {
  private static final int NAMED_MAX = 5;

  private final List<Example> examples;
  private final String digest;

  ExampleList(List<Example> examples) {
    if (examples.isEmpty()) {
      throw new IllegalArgumentException("examples: none (expected: at least one)");
    }
    this.examples = List.copyOf(examples);
    digest = ExampleDigest.of(this.examples);
  }

  @Override
  public String digest() {
    return digest;
  }

  @Override
  public OptionalInt size() {
    return OptionalInt.of(examples.size());
  }

  @Override
  public void check(TrainingConfig.Batches limits) {
    check("examples", examples, limits);
  }

  /** Refuses examples that are too long, or have nothing to learn as they will be used. */
  static void check(String what, List<Example> examples, TrainingConfig.Batches limits) {
    List<Integer> empty = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      if (Packing.fitted(examples.get(i), limits, what + "[" + i + "]").learnedTokens() == 0) {
        empty.add(i);
      }
    }
    if (!empty.isEmpty()) {
      throw new IllegalArgumentException(
          what
              + ": "
              + empty.size()
              + " without learned tokens within max_length "
              + limits.maxLength()
              + ", such as "
              + empty.subList(0, Math.min(NAMED_MAX, empty.size()))
              + " (expected: none)");
    }
  }

  @Override
  public Iterator<Example> examples(long seed, long epoch, long taken) {
    int[] order = Shuffle.order(examples.size(), seed, epoch);
    return Arrays.stream(order).skip(taken).mapToObj(examples::get).iterator();
  }
}
