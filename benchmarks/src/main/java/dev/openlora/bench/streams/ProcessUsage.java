package dev.openlora.bench.streams;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a process has used so far, as Linux counts it in {@code /proc}. Immutable.
 *
 * @param userMillis of all its threads, ended ones too
 * @param systemMillis likewise, in the kernel
 * @param threadMillis both together, of the threads that are there, by what they do
 */
record ProcessUsage(
    long userMillis, long systemMillis, long residentBytes, Map<Work, Long> threadMillis) {
  // What the kernel shows times in is fixed at 100 a second for programs, on x86-64 and arm64.
  private static final long TICK_MILLIS = 10;
  // Positions behind the name, which may hold blanks and parentheses itself.
  private static final int USER = 11;
  private static final int SYSTEM = 12;

  /** What a thread does, told from its name. */
  enum Work {
    EVENT_LOOPS("event loops", "http-"),
    ENGINE("engine", "null-engine"),
    COLLECTOR("collector", "G1 ", "GC Thread"),
    COMPILER("compiler", "C1 Comp", "C2 Comp"),
    OTHER("other");

    private final String label;
    private final List<String> prefixes;

    Work(String label, String... prefixes) {
      this.label = label;
      this.prefixes = List.of(prefixes);
    }

    String label() {
      return label;
    }

    static Work of(String thread) {
      for (Work work : values()) {
        if (work.prefixes.stream().anyMatch(thread::startsWith)) {
          return work;
        }
      }
      return OTHER;
    }
  }

  /** One line of {@code stat}: of a process or of a thread. */
  record Stat(String name, long userMillis, long systemMillis) {
    static Stat parse(String line) {
      int begin = line.indexOf('(');
      int end = line.lastIndexOf(')');
      String[] fields = end < begin ? new String[0] : line.substring(end + 1).strip().split(" ");
      if (begin < 0 || fields.length <= SYSTEM) {
        throw new IllegalArgumentException(
            "stat: '" + line + "' (expected: a line of /proc/PID/stat)");
      }
      return new Stat(
          line.substring(begin + 1, end),
          Long.parseLong(fields[USER]) * TICK_MILLIS,
          Long.parseLong(fields[SYSTEM]) * TICK_MILLIS);
    }
  }

  ProcessUsage {
    threadMillis = Map.copyOf(threadMillis);
  }

  /**
   * @throws IOException when there is no such process, or no {@code /proc}
   */
  static ProcessUsage of(long pid) throws IOException {
    Path process = Path.of("/proc", Long.toString(pid));
    Map<Work, Long> threads = new EnumMap<>(Work.class);
    try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
      for (Path task : tasks.toList()) {
        try {
          Stat stat = Stat.parse(Files.readString(task.resolve("stat")));
          threads.merge(Work.of(stat.name()), stat.userMillis() + stat.systemMillis(), Long::sum);
        } catch (NoSuchFileException e) {
          continue; // it ended since the listing
        }
      }
    }
    Stat whole = Stat.parse(Files.readString(process.resolve("stat")));
    return new ProcessUsage(
        whole.userMillis(),
        whole.systemMillis(),
        residentBytes(Files.readAllLines(process.resolve("status"))),
        threads);
  }

  static long residentBytes(List<String> status) throws IOException {
    for (String line : status) {
      if (line.startsWith("VmRSS:")) {
        return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("/proc/PID/status: no VmRSS (expected: a line with it)");
  }

  long cpuMillis() {
    return userMillis + systemMillis;
  }

  long threadMillis(Work work) {
    return threadMillis.getOrDefault(work, 0L);
  }
}
