package dev.openlora.engine.sampling;

/**
 * A row of logits of which no more is had than somebody asks for, since the whole row costs most.
 * What it returns holds until the next row is read. Engine thread only.
 */
public interface Logits {
  /** How far {@link #sumExp} may be from the sum, relative to it. */
  double SUM_TOLERANCE = 2e-5;

  int vocabularySize();

  /** The best ones; a NaN is taken for +∞. */
  Best best();

  /** Σ exp((logit − greatest) · scale), to {@link #SUM_TOLERANCE}; the greatest is a number. */
  double sumExp(double scale);

  /** All of them, by id. */
  float[] all();

  /** The greatest first, the lower id first among equals; at least one. */
  record Best(int[] ids, float[] values) {
    /** The number that no other is above: -∞ where none is left out. */
    float bound(int vocabularySize) {
      int last = values.length - 1;
      return values.length == vocabularySize ? Float.NEGATIVE_INFINITY : values[last];
    }

    /** Whether the row is a distribution, as far as its greatest says: a NaN or +∞ comes first. */
    boolean isDistribution() {
      return values[0] < Float.POSITIVE_INFINITY && values[0] > Float.NEGATIVE_INFINITY;
    }
  }
}
