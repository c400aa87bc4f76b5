package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.Precision;

final class ReferenceTrainingSlopesTest extends TrainingSlopesContract {
  @Override
  protected TrainingOps open(Precision precision) {
    return new ReferenceTrainingOps();
  }
}
