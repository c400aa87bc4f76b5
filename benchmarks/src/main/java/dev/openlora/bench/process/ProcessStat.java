package dev.openlora.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * One line of {@code stat} in {@code /proc}, of a process or of a thread. Immutable.
 *
 * @param state R, S, T and so on
 * @param childMillis user and system time of children that ended
 */
record ProcessStat(String name, char state, long userMillis, long systemMillis, long childMillis) {
  // What the kernel shows times in is fixed at 100 a second for programs, on x86-64 and arm64.
  private static final long TICK_MILLIS = 10;
  // Positions behind the name, which may hold blanks and parentheses itself.
  private static final int STATE = 0;
  private static final int USER = 11;
  private static final int SYSTEM = 12;
  private static final int CHILD_USER = 13;
  private static final int CHILD_SYSTEM = 14;

  static ProcessStat parse(String line) {
    int begin = line.indexOf('(');
    int end = line.lastIndexOf(')');
    String[] fields = end < begin ? new String[0] : line.substring(end + 1).strip().split(" ", -1);
    if (begin < 0 || fields.length <= CHILD_SYSTEM) {
      throw new IllegalArgumentException(
          "stat: '" + line + "' (expected: a line of /proc/PID/stat)");
    }
    return new ProcessStat(
        line.substring(begin + 1, end),
        fields[STATE].charAt(0),
        millis(fields[USER]),
        millis(fields[SYSTEM]),
        millis(fields[CHILD_USER]) + millis(fields[CHILD_SYSTEM]));
  }

  private static long millis(String ticks) {
    return Long.parseLong(ticks) * TICK_MILLIS;
  }

  static Optional<ProcessStat> of(long pid) {
    return of(Path.of("/proc", Long.toString(pid)));
  }

  /**
   * @param folder of a process or a thread; empty when it is gone or its figures are hidden
   */
  static Optional<ProcessStat> of(Path folder) {
    try {
      return Optional.of(parse(Files.readString(folder.resolve("stat"))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** User and system time, without children. */
  long cpuMillis() {
    return userMillis + systemMillis;
  }

  boolean stopped() {
    return state == 'T' || state == 't';
  }

  boolean over() {
    return state == 'Z' || state == 'X';
  }
}
