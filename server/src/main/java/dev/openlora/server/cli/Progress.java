package dev.openlora.server.cli;

import java.io.Console;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A bar on a terminal; silent anywhere else, where its escape codes would be noise. */
public final class Progress implements AutoCloseable {
  private final @Nullable ProgressBar bar;

  private Progress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  public static Progress ofBytes(String task, long bytes) {
    return create(task, bytes, "MiB", 1024 * 1024);
  }

  public static Progress of(String task, long count) {
    return create(task, count, "", 1);
  }

  private static Progress create(String task, long max, String unit, long unitSize) {
    if (!isTerminal()) {
      return new Progress(null);
    }
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(max)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(200);
    if (unitSize > 1) {
      builder.setUnit(unit, unitSize).showSpeed();
    }
    return new Progress(builder.build());
  }

  /** Whether a person watches: the console is a terminal on both sides. */
  public static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  public void advance(long by) {
    if (bar != null) {
      bar.stepBy(by);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
