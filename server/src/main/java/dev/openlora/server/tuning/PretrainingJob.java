package dev.openlora.server.tuning;

import dev.openlora.engine.training.TrainingConfig;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@link Pretraining} is asked to do.
 *
 * @param config a {@code config.json} that gives the shape
 * @param tokenizer folder with a {@code tokenizer.json} and what lies beside it
 */
public record PretrainingJob(
    Path config,
    Path tokenizer,
    Text text,
    TrainingConfig training,
    Computation computation,
    Path output,
    TuningJob.Start start) {

  /** What to learn from. */
  public sealed interface Text {
    /** Files as {@link TrainingRows} reads them, all in memory. */
    record Files(List<Path> files, TuningJob.HeldOutShare heldOut, TuningJob.Longer longer)
        implements Text {
      public Files {
        files = List.copyOf(files);
      }
    }

    /** The demonstration's own text, without end: needs a number of steps. */
    record DemoCorpus() implements Text {}
  }
}
