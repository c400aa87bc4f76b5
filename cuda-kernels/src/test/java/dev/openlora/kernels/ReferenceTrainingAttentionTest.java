package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.Precision;

final class ReferenceTrainingAttentionTest extends TrainingAttentionContract {
  @Override
  protected TrainingOps open(Precision precision) {
    return new ReferenceTrainingOps();
  }
}
