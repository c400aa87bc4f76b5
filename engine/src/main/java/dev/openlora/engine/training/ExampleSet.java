package dev.openlora.engine.training;

import java.util.Iterator;
import java.util.List;
import java.util.OptionalInt;

/**
 * Where a run's examples come from. It has no place of its own: an epoch is asked for from any
 * example on, so that what a checkpoint stores of it is two numbers.
 */
public interface ExampleSet {
  /** What a checkpoint compares: the same digest gives the same examples in the same order. */
  String digest();

  /** Examples in an epoch; empty where that is not known beforehand. */
  OptionalInt size();

  /** Refuses what is known to break the limits; a stream is checked as it comes. */
  void check(TrainingConfig.Batches limits);

  /**
   * The examples of an epoch in the order of the seed, without the first {@code taken}. An iterator
   * that is AutoCloseable is closed after use.
   */
  Iterator<Example> examples(long seed, long epoch, long taken);

  /** A stream that can be opened again at any example. */
  interface Source {
    Iterator<Example> open(long seed, long epoch, long taken);
  }

  /** All in memory, in a new order each epoch. */
  static ExampleSet of(List<Example> examples) {
    return new ExampleList(examples);
  }

  /**
   * Examples as they come, for a corpus larger than the memory; an epoch is one way through.
   *
   * @param digest names the content, as {@link #digest}
   */
  static ExampleSet streaming(String digest, Source source) {
    return new ExampleSet() {
      @Override
      public String digest() {
        return digest;
      }

      @Override
      public OptionalInt size() {
        return OptionalInt.empty();
      }

      @Override
      public void check(TrainingConfig.Batches limits) {}

      @Override
      public Iterator<Example> examples(long seed, long epoch, long taken) {
        return source.open(seed, epoch, taken);
      }
    };
  }
}
