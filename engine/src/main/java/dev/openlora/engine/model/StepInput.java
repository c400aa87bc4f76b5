package dev.openlora.engine.model;

import dev.openlora.kernels.AttentionBatch;
import java.util.List;

/**
 * What one forward pass computes.
 *
 * @param tokenIds one per row
 * @param positions of each row in its sequence
 * @param runs which adapters act on which rows, ascending; rows of no run are the base's
 * @param outputRows the rows whose logits are wanted, ascending
 */
public record StepInput(
    int[] tokenIds,
    int[] positions,
    AttentionBatch attention,
    List<RowRun> runs,
    int[] outputRows) {
  public StepInput {
    if (tokenIds.length != positions.length || tokenIds.length != attention.rows()) {
      throw new IllegalArgumentException(
          "step: "
              + tokenIds.length
              + " ids, "
              + positions.length
              + " positions, "
              + attention.rows()
              + " attention rows (expected: the same number)");
    }
  }

  int rows() {
    return tokenIds.length;
  }
}
