package dev.openlora.engine.sampling;

import java.util.Arrays;

/**
 * The best of a row in the order of ids, behind bias, mask and penalties that only lower: whatever
 * is not on it is at most {@link #bound}. Engine thread only.
 */
final class Shortlist {
  private int[] ids = {};
  private double bound;
  // By id: -∞ but while a list is made.
  private double[] adjusted = {};

  /** Makes the list of a row; its logits go to {@code x}. */
  void fill(Logits.Best best, int vocabularySize, SamplingState state, double[] x) {
    ids = best.ids().clone();
    bound = best.bound(vocabularySize);
    Arrays.sort(ids);
    if (adjusted.length < vocabularySize) {
      adjusted = new double[vocabularySize];
      Arrays.fill(adjusted, Double.NEGATIVE_INFINITY);
    }
    for (int i = 0; i < ids.length; i++) {
      adjusted[best.ids()[i]] = best.values()[i];
    }
    if (state.adjusts()) {
      state.adjust(adjusted, vocabularySize);
    }
    for (int i = 0; i < ids.length; i++) {
      x[i] = adjusted[ids[i]];
      adjusted[ids[i]] = Double.NEGATIVE_INFINITY;
    }
  }

  int size() {
    return ids.length;
  }

  int id(int i) {
    return ids[i];
  }

  double bound() {
    return bound;
  }
}
