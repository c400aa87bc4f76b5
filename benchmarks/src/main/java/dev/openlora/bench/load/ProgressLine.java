package dev.openlora.bench.load;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * How far it is, while it runs: one line that is rewritten on a terminal, and a line now and then
 * anywhere else. Any thread.
 */
final class ProgressLine implements AutoCloseable {
  private static final Duration REWRITTEN_EVERY = Duration.ofMillis(250);
  private static final Duration WRITTEN_EVERY = Duration.ofSeconds(10);

  private final PrintWriter err;
  private final boolean terminal;
  private final Supplier<String> text;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread writer;

  ProgressLine(PrintWriter err, boolean terminal, Supplier<String> text) {
    this.err = err;
    this.terminal = terminal;
    this.text = text;
    writer = Thread.ofVirtual().name("progress").start(this::write);
  }

  private void write() {
    Duration every = terminal ? REWRITTEN_EVERY : WRITTEN_EVERY;
    try {
      while (!closed.await(every.toMillis(), TimeUnit.MILLISECONDS)) {
        show();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  synchronized void show() {
    if (terminal) {
      err.print("\r\u001b[K" + text.get());
    } else {
      err.println(text.get());
    }
    err.flush();
  }

  /** Takes the line off a terminal. */
  @Override
  public void close() {
    closed.countDown();
    try {
      writer.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (terminal) {
      err.print("\r\u001b[K");
      err.flush();
    }
  }
}
