package dev.openlora.server.tuning;

import java.io.PrintStream;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar on a terminal, with the loss, the speed and the time left; all else in lines above it. */
final class BarReport implements TuningReport {
  private final PrintStream out;
  private final PrintStream err;
  private @Nullable ProgressBar bar;

  BarReport(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public void on(TuningEvent event) {
    switch (event) {
      case TuningEvent.Started started -> {
        out.println(PlainReport.sentence(started));
        bar =
            new ProgressBarBuilder()
                .setTaskName("training")
                .setInitialMax(started.steps())
                .startsFrom(started.step(), java.time.Duration.ZERO)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .hideEta()
                .build();
      }
      case TuningEvent.Step step -> {
        if (bar != null) {
          bar.stepTo(step.step());
          bar.setExtraMessage(
              String.format(
                  Locale.ROOT,
                  " loss %.4f  %.0f tokens/s  %s left",
                  step.loss(),
                  step.tokensPerSecond(),
                  TuningReport.duration(step.etaSeconds())));
        }
      }
      case TuningEvent.Checkpoint _ -> {} // too often to be told to somebody who watches
      case TuningEvent.Evaluated evaluated -> say(out, evaluated);
      case TuningEvent.Warning warning -> say(err, warning);
      case TuningEvent.Done done -> say(out, done);
      case TuningEvent.Cancelled cancelled -> say(out, cancelled);
      case TuningEvent.Failed _ -> close(); // the command says it
    }
  }

  private void say(PrintStream to, TuningEvent event) {
    boolean over =
        !(event instanceof TuningEvent.Evaluated || event instanceof TuningEvent.Warning);
    if (over) {
      close();
    } else if (bar != null) {
      to.print("\r\u001b[K");
    }
    to.println(PlainReport.sentence(event));
    to.flush();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
