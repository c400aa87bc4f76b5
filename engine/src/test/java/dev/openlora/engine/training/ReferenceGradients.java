package dev.openlora.engine.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.GradientCollector;
import dev.openlora.engine.reference.ReferenceModel;
import java.util.Arrays;
import java.util.List;

/** A batch's loss through the reference, and what PyTorch's autograd makes of it. */
final class ReferenceGradients {
  private ReferenceGradients() {}

  /** The summed loss; afterwards each leaf has its gradient. */
  static double loss(
      ReferenceModel model,
      List<ReferenceModel.Applied> adapters,
      TrainingBatch batch,
      List<NDArray> leaves) {
    leaves.forEach(leaf -> leaf.setRequiresGradient(true));
    try (NDManager step = model.newStep();
        GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
      NDArray total = step.create(0f);
      for (int s = 0; s < batch.sequences(); s++) {
        total = total.add(loss(model, adapters, batch, s, step));
      }
      collector.backward(total);
      return total.getFloat();
    }
  }

  private static NDArray loss(
      ReferenceModel model,
      List<ReferenceModel.Applied> adapters,
      TrainingBatch batch,
      int sequence,
      NDManager step) {
    int from = batch.starts()[sequence];
    int to = batch.starts()[sequence + 1];
    int[] targets = Arrays.copyOfRange(batch.targets(), from, to);
    float[] counted = new float[targets.length];
    for (int i = 0; i < targets.length; i++) {
      counted[i] = targets[i] == TrainingBatch.NOT_LEARNED ? 0 : 1;
      targets[i] = Math.max(0, targets[i]);
    }
    NDArray next = step.create(targets).reshape(-1, 1).toType(DataType.INT64, false);
    return model
        .logits(step, Arrays.copyOfRange(batch.ids(), from, to), adapters)
        .logSoftmax(1)
        .gather(next, 1)
        .reshape(-1)
        .mul(step.create(counted))
        .sum()
        .neg();
  }
}
