package dev.openlora.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A process and all below it: the CPU time they took, and stopping them for a while. Reads {@code
 * /proc}. Any thread.
 */
record ProcessTree(long pid) {
  /** Linux counts in hundredths towards programs, whatever the kernel's own tick is. */
  private static final double TICKS_PER_SECOND = 100;

  private static final int ROUNDS_MAX = 500;

  /** What {@code /proc/<pid>/stat} tells. */
  record Stat(char state, long ticks) {
    /** The state and user, system, and ended children's ticks; the name may hold anything. */
    static Stat parse(String line) {
      String[] fields = line.substring(line.lastIndexOf(')') + 1).strip().split(" ", -1);
      long ticks = 0;
      for (int i = 11; i <= 14; i++) {
        ticks += Long.parseLong(fields[i]);
      }
      return new Stat(fields[0].charAt(0), ticks);
    }

    boolean stopped() {
      return state == 'T' || state == 't';
    }

    boolean over() {
      return state == 'Z' || state == 'X';
    }
  }

  /**
   * @throws IllegalArgumentException when there is no such process
   */
  static ProcessTree of(String option, long pid) {
    if (pid < 1 || ProcessHandle.of(pid).isEmpty()) {
      throw new IllegalArgumentException(option + ": " + pid + " (expected: a running process)");
    }
    return new ProcessTree(pid);
  }

  /** User and system time so far; empty when the process is gone or its figures are hidden. */
  OptionalDouble cpuSeconds() {
    Optional<Stat> top = stat(pid);
    if (top.isEmpty()) {
      return OptionalDouble.empty();
    }
    long ticks = top.get().ticks();
    for (long each : below()) {
      ticks += stat(each).map(Stat::ticks).orElse(0L);
    }
    return OptionalDouble.of(ticks / TICKS_PER_SECOND);
  }

  /**
   * Stops all of them and returns when they stand; they go on when the lease closes.
   *
   * @throws IOException when one cannot be stopped; none stays stopped then
   */
  Stopped stop() throws IOException {
    Stopped stopped = new Stopped();
    try {
      for (int round = 0; round < ROUNDS_MAX; round++) {
        // Again and again, for one that was just being started when its parent was stopped.
        Set<Long> running = running();
        if (running.isEmpty()) {
          return stopped;
        }
        stopped.add(running);
        signal("STOP", running);
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
    running.removeIf(each -> stat(each).map(s -> s.stopped() || s.over()).orElse(true));
    return running;
  }

  private List<Long> below() {
    try (Stream<ProcessHandle> all =
        ProcessHandle.of(pid).stream().flatMap(ProcessHandle::descendants)) {
      return all.map(ProcessHandle::pid).toList();
    }
  }

  static Optional<Stat> stat(long pid) {
    try {
      return Optional.of(Stat.parse(Files.readString(Path.of("/proc/" + pid + "/stat"))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Errors are of no use here: what counts is the state that the processes are in afterwards. */
  private static void signal(String name, Set<Long> pids) throws IOException {
    List<String> command = new ArrayList<>(List.of("kill", "-" + name));
    pids.forEach(each -> command.add(String.valueOf(each)));
    Process kill =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    boolean interrupted = false;
    while (true) {
      try {
        kill.waitFor();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Processes that stand still until this closes, or until this program ends by any signal. */
  static final class Stopped implements AutoCloseable {
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
          signal("CONT", pids);
        }
        pids.clear();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException("processes " + pids + " stay stopped", e);
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
