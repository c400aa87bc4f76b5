package dev.openlora.bench.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A child process in a process group of its own, so that all of it can be ended: one that outlives
 * its measurement would take the cores from the next. One thread; close once.
 */
public final class ProcessGroup implements AutoCloseable {
  private static final int STOP_SECONDS = 30;

  private final Process first;
  private final Thread atExit;

  private ProcessGroup(Process first) {
    this.first = first;
    atExit = Thread.ofPlatform().name("stop server").unstarted(this::stopAtExit);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  public static ProcessGroup start(ProcessBuilder builder) throws IOException {
    List<String> command = new ArrayList<>(List.of("setsid"));
    command.addAll(builder.command());
    return new ProcessGroup(builder.command(command).start());
  }

  /** The process that was started; the group has its number. */
  public Process first() {
    return first;
  }

  public ProcessTree tree() {
    return new ProcessTree(first.pid());
  }

  /**
   * @return false when it still runs after that time
   */
  public boolean awaitEnd(Duration patience) throws InterruptedException {
    return first.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Asks the group to end, ends what does not, and what its first process left behind. */
  @Override
  public void close() throws IOException {
    try {
      stop();
    } finally {
      try {
        Runtime.getRuntime().removeShutdownHook(atExit);
      } catch (IllegalStateException e) {
        // This program ends already, and the hook with it.
      }
    }
  }

  private void stop() throws IOException {
    List<Long> group = List.of(-first.pid());
    try {
      Signal.TERM.send(group);
      first.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      first.destroyForcibly();
      Signal.KILL.send(group);
    }
  }

  private void stopAtExit() {
    try {
      stop();
    } catch (IOException e) {
      throw new UncheckedIOException("process group " + first.pid() + " may go on", e);
    }
  }
}
