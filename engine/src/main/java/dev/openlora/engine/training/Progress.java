package dev.openlora.engine.training;

import org.jspecify.annotations.Nullable;

/**
 * Where a run stands after a step: with the tensors, all that it takes to go on.
 *
 * @param step steps done
 * @param taken examples of the epoch used
 * @param tokens rows seen
 * @param worse evaluations since the best one
 */
record Progress(
    int step,
    long epoch,
    long taken,
    long tokens,
    TrainingEvent.@Nullable Best best,
    int worse,
    LossHistory history) {
  static Progress start() {
    return new Progress(0, 0, 0, 0, null, 0, new LossHistory());
  }
}
