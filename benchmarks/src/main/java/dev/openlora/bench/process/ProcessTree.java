package dev.openlora.bench.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A process and all below it: the CPU time and memory they take, and stopping them for a while.
 * Reads {@code /proc}. Any thread.
 */
public record ProcessTree(long pid) {
  private static final int ROUNDS_MAX = 500;

  /**
   * @throws IllegalArgumentException when there is no such process
   */
  public static ProcessTree of(String option, long pid) {
    if (pid < 1 || ProcessHandle.of(pid).isEmpty()) {
      throw new IllegalArgumentException(option + ": " + pid + " (expected: a running process)");
    }
    return new ProcessTree(pid);
  }

  /** User and system time so far; empty when the process is gone or its figures are hidden. */
  public OptionalDouble cpuSeconds() {
    Optional<ProcessStat> top = ProcessStat.of(pid);
    if (top.isEmpty()) {
      return OptionalDouble.empty();
    }
    long millis =
        Stream.concat(top.stream(), below().stream().flatMap(each -> ProcessStat.of(each).stream()))
            .mapToLong(stat -> stat.cpuMillis() + stat.childMillis())
            .sum();
    return OptionalDouble.of(millis / 1000.0);
  }

  /** What all of them hold. */
  public ProcessMemory memory() {
    return Stream.concat(Stream.of(pid), below().stream())
        .map(ProcessMemory::of)
        .reduce(ProcessMemory.NONE, ProcessMemory::plus);
  }

  /**
   * Stops all of them and returns when they stand; they go on when the lease closes.
   *
   * @throws IOException when one cannot be stopped; none stays stopped then
   */
  public Stopped stop() throws IOException {
    Stopped stopped = new Stopped();
    try {
      for (int round = 0; round < ROUNDS_MAX; round++) {
        // Again and again, for one that was just being started when its parent was stopped.
        Set<Long> running = running();
        if (running.isEmpty()) {
          return stopped;
        }
        stopped.add(running);
        Signal.STOP.send(running);
        TimeUnit.MILLISECONDS.sleep(round < 3 ? 1 : 10);
      }
      throw new IOException("process " + pid + ": still runs (expected: stopped by SIGSTOP)");
    } catch (IOException e) {
      stopped.close();
      throw e;
    } catch (InterruptedException e) {
      stopped.close();
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while process " + pid + " was being stopped", e);
    }
  }

  private Set<Long> running() {
    Set<Long> running = new TreeSet<>(below());
    running.add(pid);
    running.removeIf(each -> ProcessStat.of(each).map(s -> s.stopped() || s.over()).orElse(true));
    return running;
  }

  private List<Long> below() {
    try (Stream<ProcessHandle> all =
        ProcessHandle.of(pid).stream().flatMap(ProcessHandle::descendants)) {
      return all.map(ProcessHandle::pid).toList();
    }
  }

  /** Processes that stand still until this closes, or until this program ends by any signal. */
  public static final class Stopped implements AutoCloseable {
    private final Set<Long> pids = new TreeSet<>();
    private final Thread atExit = new Thread(this::resume, "resume");

    private Stopped() {
      Runtime.getRuntime().addShutdownHook(atExit);
    }

    private synchronized void add(Set<Long> more) {
      pids.addAll(more);
    }

    private synchronized void resume() {
      try {
        if (!pids.isEmpty()) {
          Signal.CONT.send(pids);
        }
        pids.clear();
      } catch (IOException e) {
        throw new UncheckedIOException("processes " + pids + " stay stopped", e);
      }
    }

    @Override
    public void close() {
      resume();
      try {
        Runtime.getRuntime().removeShutdownHook(atExit);
      } catch (IllegalStateException e) {
        // The program ends already; the hook finds nothing left to do.
      }
    }
  }
}
