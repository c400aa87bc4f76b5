package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Random examples, at least one token of each learned. */
final class Examples {
  private Examples() {}

  static List<Example> random(long seed, int count, int vocabulary, int lengthMax) {
    Random random = new Random(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int length = 2 + random.nextInt(lengthMax - 1);
      int[] ids = random.ints(length, 0, vocabulary).toArray();
      boolean[] learned = new boolean[length];
      for (int at = 0; at < length; at++) {
        learned[at] = at == 1 || random.nextInt(4) > 0;
      }
      examples.add(new Example(ids, learned));
    }
    return examples;
  }

  /** Every next id is the one after. */
  static List<Example> counting(int count, int vocabulary, int length) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] ids = new int[length];
      boolean[] learned = new boolean[length];
      for (int at = 0; at < length; at++) {
        ids[at] = (i + at) % vocabulary;
        learned[at] = true;
      }
      examples.add(new Example(ids, learned));
    }
    return examples;
  }
}
