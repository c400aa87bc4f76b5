package dev.openlora.server.tuning;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a training tells while it goes; {@link JsonReport} writes each as a line that other programs
 * read. Losses are means over learned tokens, in nats.
 */
public sealed interface TuningEvent {
  /**
   * @param step done already, when it goes on from a checkpoint
   * @param examples to learn from; −1 where a stream does not know
   * @param learnedTokens of one way through them
   */
  record Started(int step, int steps, long examples, int heldOut, long learnedTokens)
      implements TuningEvent {}

  /**
   * @param epoch ways through the examples so far, as a fraction
   * @param gradientNorm before clipping
   * @param tokensPerSecond of this step, prompts included
   */
  record Step(
      int step,
      int steps,
      double epoch,
      double loss,
      double learningRate,
      double gradientNorm,
      double tokensPerSecond,
      double etaSeconds)
      implements TuningEvent {}

  /** Of the held-out examples. */
  record Evaluated(int step, double loss, double perplexity) implements TuningEvent {}

  /** A whole checkpoint is on disk. */
  record Checkpoint(int step, Path folder) implements TuningEvent {}

  /** Something that a person should know and that stops nothing. */
  record Warning(String message) implements TuningEvent {}

  /**
   * @param output folder of the adapter or the model
   * @param loss of the last step
   * @param heldOutLoss of what was written; null without held-out examples
   * @param trainedTokens prompts included, over all epochs
   */
  record Done(
      Path output, String sha256, double loss, @Nullable Double heldOutLoss, long trainedTokens)
      implements TuningEvent {}

  /** It was asked to stop and did. */
  record Cancelled(int step, @Nullable Path checkpoint) implements TuningEvent {}

  record Failed(String message) implements TuningEvent {}
}
