package dev.openlora.engine.training;

/**
 * A tokenised row.
 *
 * @param ids at least two
 * @param learned by position, whether the prediction of that id is part of the loss; the first one
 *     never is, as nothing predicts it
 */
public record Example(int[] ids, boolean[] learned) {
  public Example {
    if (ids.length < 2) {
      throw new IllegalArgumentException("ids: " + ids.length + " (expected: at least 2)");
    }
    if (learned.length != ids.length) {
      throw new IllegalArgumentException(
          "learned: " + learned.length + " flags for " + ids.length + " ids (expected: one each)");
    }
  }

  /** Rows that predict something: one fewer than ids. */
  public int rows() {
    return ids.length - 1;
  }

  /** Predictions that count. */
  public int learnedTokens() {
    int count = 0;
    for (int i = 1; i < learned.length; i++) {
      count += learned[i] ? 1 : 0;
    }
    return count;
  }
}
