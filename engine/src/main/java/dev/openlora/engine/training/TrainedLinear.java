package dev.openlora.engine.training;

import dev.openlora.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer in training: y = gain · (W x + s · B A x) + s · c + bias, of which any part may be
 * trained or missing; gain is DoRA's magnitude over the norm of each row of W + s · B A.
 *
 * @param weight [out, in], F32 or BF16
 * @param weightGradient null where the weight is frozen
 * @param bias [out], F32, or null
 * @param biasGradient null where the bias is frozen
 * @param rows of the weight that are trained while the rest is frozen, or null
 */
record TrainedLinear(
    Tensor weight,
    @Nullable Tensor weightGradient,
    @Nullable Tensor bias,
    @Nullable Tensor biasGradient,
    @Nullable LoraPair pair,
    @Nullable ReplacedRows rows) {
  boolean isTrained() {
    return weightGradient != null || biasGradient != null || pair != null || rows != null;
  }

  long in() {
    return weight.size(1);
  }

  long out() {
    return weight.size(0);
  }
}
