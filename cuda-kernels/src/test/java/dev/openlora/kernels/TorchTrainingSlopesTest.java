package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.Precision;
import java.io.IOException;

final class TorchTrainingSlopesTest extends TrainingSlopesContract {
  @Override
  protected TrainingOps open(Precision precision) throws IOException {
    return TorchTrainingOps.open(TorchUnderTest.library(), precision);
  }
}
