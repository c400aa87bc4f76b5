package dev.openlora.engine.training;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What a run tells while it goes. Losses are means over learned tokens, in nats. */
public sealed interface TrainingEvent {
  /**
   * @param steps of the whole run
   * @param step done already: 0, or that of the checkpoint
   * @param parameters elements that training moves
   * @param examples in an epoch; −1 where that is not known
   */
  record Started(
      int steps, int step, long parameters, long examples, int heldOut, @Nullable Path resumed)
      implements TrainingEvent {}

  /**
   * @param epoch counts from 0
   * @param gradientNorm before clipping
   * @param tokens rows that the run has seen so far
   * @param tokensPerSecond of this step
   * @param etaSeconds until the last step, at the pace since the start or the resumption
   */
  record Stepped(
      int step,
      int steps,
      long epoch,
      double loss,
      double learningRate,
      double gradientNorm,
      long tokens,
      double tokensPerSecond,
      double etaSeconds)
      implements TrainingEvent {}

  /**
   * @param perplexity exp(loss)
   * @param best whether no earlier evaluation was as good
   */
  record Evaluated(int step, double loss, double perplexity, boolean best)
      implements TrainingEvent {}

  /** A checkpoint is there, whole and on disk. */
  record Checkpointed(int step, Path folder) implements TrainingEvent {}

  /** A checkpoint could not be written; the earlier ones are still there and the run goes on. */
  record CheckpointFailed(int step, Path folder, String problem) implements TrainingEvent {}

  /** Why a run ended. */
  enum End {
    COMPLETED,
    /** The held-out loss has not become better for as many evaluations as patience says. */
    EARLY_STOPPED,
    CANCELLED
  }

  /** The lowest loss on the held-out examples. */
  record Best(int step, double loss) {}

  /**
   * @param step the last one done
   * @param loss of the last step; NaN when none was done since the start or the resumption
   * @param best of all evaluations; null without one
   * @param bestRestored whether the parameters hold the values of {@code best}
   * @param checkpoint the newest whole one; null without one
   */
  record Done(
      End end,
      int step,
      double loss,
      @Nullable Best best,
      boolean bestRestored,
      long tokens,
      double seconds,
      @Nullable Path checkpoint)
      implements TrainingEvent {}
}
