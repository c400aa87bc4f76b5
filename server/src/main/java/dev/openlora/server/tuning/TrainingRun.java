package dev.openlora.server.tuning;

import dev.openlora.engine.training.Checkpoint;
import dev.openlora.engine.training.LossHistory;
import dev.openlora.engine.training.Trainable;
import dev.openlora.engine.training.Trainer;
import dev.openlora.engine.training.TrainingEvent;
import dev.openlora.engine.training.TrainingException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The way of a {@link Trainer} from its work folder's last checkpoint to its end, told to a report.
 * One thread.
 */
final class TrainingRun {
  private final TuningReport report;
  private final long learnedTokens;
  private final double rowsPerEpoch;
  private boolean started;

  /**
   * @param learnedTokens of one way through the examples
   * @param rowsPerEpoch of one way through the examples; NaN where it has no end
   */
  TrainingRun(TuningReport report, long learnedTokens, double rowsPerEpoch) {
    this.report = report;
    this.learnedTokens = learnedTokens;
    this.rowsPerEpoch = rowsPerEpoch;
  }

  /**
   * What a run ended with.
   *
   * @param seconds in this process, without what a checkpoint had done before
   */
  record Result(
      TrainingEvent.End end,
      int step,
      LossHistory history,
      @Nullable Double heldOutLoss,
      long tokens,
      long taken,
      double seconds,
      @Nullable Path checkpoint) {
    /** Of the last step. */
    double loss() {
      return history.points().isEmpty() ? Double.NaN : history.points().getLast().loss();
    }
  }

  /**
   * Trains until the end or until {@code cancelled}; a checkpoint of another training is refused.
   */
  Result run(Trainable model, Trainer.Job job, Path work, BooleanSupplier cancelled)
      throws IOException {
    TrainingEvent.Done done;
    try {
      done = new Trainer(model, job, this::tell, cancelled).resume();
    } catch (TrainingException e) {
      if (started) {
        throw new TuningException(TuningException.Kind.FAILED, String.valueOf(e.getMessage()), e);
      }
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY,
          "--out: '"
              + work
              + "' holds the checkpoint of another training: "
              + e.getMessage()
              + "; ask for the same, remove that folder, or choose another --out",
          e);
    }
    Checkpoint last =
        Checkpoint.latest(work).filter(checkpoint -> checkpoint.step() == done.step()).orElse(null);
    if (last == null && done.end() != TrainingEvent.End.CANCELLED) {
      throw new TuningException(
          TuningException.Kind.FAILED,
          "the last checkpoint could not be written into '" + work + "' (is the disk full?)");
    }
    LossHistory history = last == null ? new LossHistory() : last.history();
    return new Result(
        done.end(),
        done.step(),
        history,
        heldOutLoss(done, history),
        done.tokens(),
        last == null ? 0 : last.taken(),
        done.seconds(),
        done.checkpoint());
  }

  private static @Nullable Double heldOutLoss(TrainingEvent.Done done, LossHistory history) {
    TrainingEvent.Best best = done.best();
    if (done.bestRestored() && best != null) {
      return best.loss();
    }
    return history.evaluations().isEmpty() ? null : history.evaluations().getLast().loss();
  }

  private void tell(TrainingEvent event) {
    switch (event) {
      case TrainingEvent.Started begun -> {
        started = true;
        report.on(
            new TuningEvent.Started(
                begun.step(), begun.steps(), begun.examples(), begun.heldOut(), learnedTokens));
      }
      case TrainingEvent.Stepped step ->
          report.on(
              new TuningEvent.Step(
                  step.step(),
                  step.steps(),
                  Double.isNaN(rowsPerEpoch) ? step.epoch() : step.tokens() / rowsPerEpoch,
                  step.loss(),
                  step.learningRate(),
                  step.gradientNorm(),
                  step.tokensPerSecond(),
                  step.etaSeconds()));
      case TrainingEvent.Evaluated evaluated ->
          report.on(
              new TuningEvent.Evaluated(
                  evaluated.step(), evaluated.loss(), evaluated.perplexity()));
      case TrainingEvent.Checkpointed checkpoint ->
          report.on(new TuningEvent.Checkpoint(checkpoint.step(), checkpoint.folder()));
      case TrainingEvent.CheckpointFailed failed ->
          report.on(
              new TuningEvent.Warning(
                  "no checkpoint after step " + failed.step() + ": " + failed.problem()));
      case TrainingEvent.Done _ -> {} // told once the result is on disk
    }
  }
}
