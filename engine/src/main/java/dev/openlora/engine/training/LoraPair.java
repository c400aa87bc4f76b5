package dev.openlora.engine.training;

import org.jspecify.annotations.Nullable;

/**
 * The trained part beside a frozen linear layer: s · B A x, and what goes with it.
 *
 * @param a [rank, in]
 * @param b [out, rank]
 * @param magnitude [out], of DoRA, or null
 * @param productBias [out], the bias of B, or null
 */
record LoraPair(
    Parameter a,
    Parameter b,
    float scale,
    @Nullable Parameter magnitude,
    @Nullable Parameter productBias) {
  int rank() {
    return Math.toIntExact(a.value().size(0));
  }
}
