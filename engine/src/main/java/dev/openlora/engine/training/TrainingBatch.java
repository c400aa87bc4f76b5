package dev.openlora.engine.training;

/**
 * Sequences laid one after the other without padding; none sees another.
 *
 * @param ids by row, what goes in
 * @param positions by row, its place within its sequence, from 0
 * @param starts first rows of the sequences, then the number of rows
 * @param targets by row, the id that should come next; −1 where it is not part of the loss
 */
public record TrainingBatch(int[] ids, int[] positions, int[] starts, int[] targets) {
  public static final int NOT_LEARNED = -1;

  public int rows() {
    return ids.length;
  }

  public int sequences() {
    return starts.length - 1;
  }

  public int learnedTokens() {
    int count = 0;
    for (int target : targets) {
      count += target == NOT_LEARNED ? 0 : 1;
    }
    return count;
  }
}
