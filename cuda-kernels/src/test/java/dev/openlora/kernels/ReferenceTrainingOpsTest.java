package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.Precision;

/** The twin keeps the contract itself: its shapes and arenas. */
final class ReferenceTrainingOpsTest extends TrainingOpsContract {
  @Override
  protected TrainingOps open(Precision precision) {
    return new ReferenceTrainingOps();
  }
}
