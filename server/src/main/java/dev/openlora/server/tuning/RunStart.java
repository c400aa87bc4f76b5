package dev.openlora.server.tuning;

import dev.openlora.engine.training.Checkpoint;
import java.io.IOException;
import java.time.Clock;
import java.time.LocalDate;
import java.util.Optional;

/**
 * Whether a training begins or goes on, and the day that chat templates print: the one on which it
 * began, so that going on tomorrow means the same examples.
 */
record RunStart(LocalDate date) {
  static final String DATE = "date";

  static RunStart of(OutputFolder output, TuningJob.Start start) throws IOException {
    Optional<Checkpoint> checkpoint = output.checkpoint();
    if (checkpoint.isEmpty() && start == TuningJob.Start.CHECKPOINT) {
      throw TuningException.wrong(
          "--resume: no checkpoint in '" + output.work() + "' (expected: one to go on from)");
    }
    return new RunStart(
        checkpoint
            .map(found -> found.run().get("subject." + DATE))
            .map(LocalDate::parse)
            .orElseGet(() -> LocalDate.now(Clock.systemUTC())));
  }
}
