package dev.openlora.server.tuning;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** A line every few seconds, for logs: the first and the last step always, others at that pace. */
final class PlainReport implements TuningReport {
  private static final long PACE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final PrintStream out;
  private final LongSupplier nanos;
  private long lastNanos;
  private boolean told;

  PlainReport(PrintStream out, LongSupplier nanos) {
    this.out = out;
    this.nanos = nanos;
  }

  @Override
  public void on(TuningEvent event) {
    if (event instanceof TuningEvent.Step step) {
      long now = nanos.getAsLong();
      if (told && now - lastNanos < PACE_NANOS && step.step() < step.steps()) {
        return;
      }
      told = true;
      lastNanos = now;
    }
    out.println(sentence(event));
    out.flush();
  }

  static String sentence(TuningEvent event) {
    return switch (event) {
      case TuningEvent.Started started ->
          (started.step() > 0 ? "going on after step " + started.step() + ": " : "")
              + started.steps()
              + " steps"
              + (started.examples() < 0
                  ? ""
                  : ", "
                      + started.examples()
                      + " examples with "
                      + started.learnedTokens()
                      + " learned tokens")
              + (started.heldOut() == 0 ? "" : ", " + started.heldOut() + " held out");
      case TuningEvent.Step step ->
          String.format(
              Locale.ROOT,
              "step %d/%d  epoch %.2f  loss %.4f  rate %.2e  gradient %.3f  %.0f tokens/s  %s left",
              step.step(),
              step.steps(),
              step.epoch(),
              step.loss(),
              step.learningRate(),
              step.gradientNorm(),
              step.tokensPerSecond(),
              TuningReport.duration(step.etaSeconds()));
      case TuningEvent.Evaluated evaluated ->
          String.format(
              Locale.ROOT,
              "step %d  held-out loss %.4f  perplexity %.3f",
              evaluated.step(),
              evaluated.loss(),
              evaluated.perplexity());
      case TuningEvent.Checkpoint checkpoint ->
          "step " + checkpoint.step() + "  checkpoint " + checkpoint.folder();
      case TuningEvent.Warning warning -> "warning: " + warning.message();
      case TuningEvent.Done done ->
          String.format(
              Locale.ROOT,
              "done: %s  sha256 %s  loss %.4f%s  %d tokens",
              done.output(),
              done.sha256(),
              done.loss(),
              done.heldOutLoss() == null
                  ? ""
                  : String.format(Locale.ROOT, "  held-out loss %.4f", done.heldOutLoss()),
              done.trainedTokens());
      case TuningEvent.Cancelled cancelled ->
          "cancelled after step "
              + cancelled.step()
              + (cancelled.checkpoint() == null
                  ? "; there is no checkpoint"
                  : "; the same command goes on from " + cancelled.checkpoint());
      case TuningEvent.Failed failed -> "failed: " + failed.message();
    };
  }

  @Override
  public void close() {
    out.flush();
  }
}
