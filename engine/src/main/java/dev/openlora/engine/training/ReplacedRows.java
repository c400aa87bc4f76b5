package dev.openlora.engine.training;

import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TrainingOps;
import java.util.HashMap;
import java.util.Map;

/**
 * Trained rows in an otherwise frozen matrix.
 *
 * @param matrix [vocabulary, hidden], a copy of the base's of which these rows are overwritten
 * @param rows [ids, hidden]
 */
record ReplacedRows(Tensor matrix, int[] tokenIds, Parameter rows) {
  /** By id, which row stands in for it. */
  Map<Integer, Integer> places() {
    Map<Integer, Integer> places = new HashMap<>();
    for (int i = 0; i < tokenIds.length; i++) {
      places.put(tokenIds[i], i);
    }
    return places;
  }

  /** Brings the rows' values of now into the matrix. */
  void refresh(TrainingOps ops) {
    for (int i = 0; i < tokenIds.length; i++) {
      ops.copy(matrix.rows(tokenIds[i], tokenIds[i] + 1L), rows.value().rows(i, i + 1L));
    }
  }
}
