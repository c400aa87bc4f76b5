package dev.openlora.engine.training;

import dev.openlora.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The embedding in training: e(t) = row(t) + s · B A[t].
 *
 * @param table [vocabulary, hidden], F32 or BF16
 * @param tableGradient null where the table is frozen
 * @param rows of the table that are trained while the rest is frozen, or null
 * @param pair a: [vocabulary, rank], b: [hidden, rank]; or null
 */
record TrainedEmbedding(
    Tensor table,
    @Nullable Tensor tableGradient,
    @Nullable ReplacedRows rows,
    @Nullable LoraPair pair) {
  boolean isTrained() {
    return tableGradient != null || rows != null || pair != null;
  }
}
