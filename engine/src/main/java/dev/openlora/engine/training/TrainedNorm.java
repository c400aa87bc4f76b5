package dev.openlora.engine.training;

import dev.openlora.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A norm in training.
 *
 * @param weight [width], F32
 * @param gradient null where the weight is frozen
 */
record TrainedNorm(Tensor weight, @Nullable Tensor gradient) {
  static TrainedNorm frozen(Tensor weight) {
    return new TrainedNorm(weight, null);
  }

  static TrainedNorm of(Parameter parameter) {
    return new TrainedNorm(parameter.value(), parameter.gradient());
  }

  boolean isTrained() {
    return gradient != null;
  }

  int width() {
    return Math.toIntExact(weight.size(0));
  }
}
