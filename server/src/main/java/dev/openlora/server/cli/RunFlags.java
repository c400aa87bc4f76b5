package dev.openlora.server.cli;

import dev.openlora.server.tuning.Computation;
import dev.openlora.server.tuning.TuningEvent;
import dev.openlora.server.tuning.TuningException;
import dev.openlora.server.tuning.TuningJob;
import dev.openlora.server.tuning.TuningReport;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What training commands have in common: in what numbers, where to, and how to tell. */
final class RunFlags {
  @Option(names = "--out", required = true, paramLabel = "DIR", description = "a new folder")
  private Path out = Path.of("");

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      defaultValue = "float32",
      description = "of matrix products: float32 or bfloat16 (default: ${DEFAULT-VALUE})")
  private String precision = "";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "default: one per core; the last bits depend on it")
  private int threads;

  @Option(
      names = "--progress",
      paramLabel = "STYLE",
      description = "bar, plain or json (default: bar on a terminal, else plain)")
  private @Nullable String progress;

  @Option(
      names = "--resume",
      description = "go on from a checkpoint; there has to be one (without: where there is one)")
  private boolean resume;

  Path out() {
    return out;
  }

  Computation computation() {
    return new Computation(Computation.precision(precision), threads);
  }

  TuningJob.Start start() {
    return resume ? TuningJob.Start.CHECKPOINT : TuningJob.Start.WHEREVER_IT_STANDS;
  }

  /** Something that trains, and says whether it came to its end. */
  interface Work {
    boolean run(TuningReport report, BooleanSupplier cancelled)
        throws IOException, InterruptedException;
  }

  /** Runs it with a report and an ear for signals; returns the exit status. */
  int run(TrainingFlags flags, Work work) throws InterruptedException {
    TuningReport.Style style;
    try {
      style =
          progress != null
              ? TuningReport.Style.parse(progress)
              : Progress.isTerminal() ? TuningReport.Style.BAR : TuningReport.Style.PLAIN;
    } catch (TuningException e) {
      throw new CommandFailure(2, String.valueOf(e.getMessage()));
    }
    try (Interruption interruption = Interruption.listen();
        TuningReport report = style.to(System.out, System.err)) {
      int status;
      try {
        status = work.run(report, interruption::asked) ? 0 : Interruption.STATUS;
      } catch (TuningException e) {
        int failed = e.kind() == TuningException.Kind.ASKED_WRONGLY ? 2 : 1;
        throw failure(report, failed, flags.named(String.valueOf(e.getMessage())));
      } catch (CommandFailure e) {
        throw failure(report, e.status(), String.valueOf(e.getMessage()));
      } catch (NoSuchFileException e) {
        throw failure(report, 2, "no such file: " + e.getFile());
      } catch (IOException e) {
        throw failure(report, 1, "reading or writing failed: " + e);
      } catch (RuntimeException | Error e) {
        report.on(new TuningEvent.Failed(e.toString()));
        throw e;
      }
      interruption.endWith(status);
      return status;
    }
  }

  private static CommandFailure failure(TuningReport report, int status, String message) {
    String line = message.replaceAll("\\R\\s*", " ");
    report.on(new TuningEvent.Failed(line));
    return new CommandFailure(status, line);
  }
}
