package dev.openlora.engine.training;

import dev.openlora.kernels.TrainingOps;
import java.util.List;

/** Something with parameters, a loss and gradients. One thread at a time. */
public interface Trainable extends AutoCloseable {
  /** What training moves; the same order every time. */
  List<Parameter> parameters();

  TrainingOps ops();

  /**
   * Adds to the parameters' gradients those of {@code scale} times the batch's summed loss.
   *
   * @return the summed loss over the batch's learned tokens, unscaled, in nats
   */
  double accumulate(TrainingBatch batch, double scale);

  /** The summed loss over the batch's learned tokens, in nats, without gradients. */
  double loss(TrainingBatch batch);

  @Override
  void close();
}
