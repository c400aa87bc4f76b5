package dev.openlora.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a process has used so far, as Linux counts it in {@code /proc}. Immutable.
 *
 * @param userMillis of all its threads, ended ones too
 * @param systemMillis likewise, in the kernel
 * @param threadMillis both together, of the threads that are there, by their names
 */
public record ProcessUsage(
    long userMillis, long systemMillis, long residentBytes, Map<String, Long> threadMillis) {
  public ProcessUsage {
    threadMillis = Map.copyOf(threadMillis);
  }

  /**
   * @throws IOException when there is no such process, or no {@code /proc}
   */
  public static ProcessUsage of(long pid) throws IOException {
    Path process = Path.of("/proc", Long.toString(pid));
    Map<String, Long> threads = new HashMap<>();
    try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
      tasks
          .flatMap(task -> ProcessStat.of(task).stream())
          .forEach(stat -> threads.merge(stat.name(), stat.cpuMillis(), Long::sum));
    }
    ProcessStat whole = ProcessStat.parse(Files.readString(process.resolve("stat")));
    return new ProcessUsage(
        whole.userMillis(),
        whole.systemMillis(),
        residentBytes(Files.readAllLines(process.resolve("status"))),
        threads);
  }

  static long residentBytes(List<String> status) throws IOException {
    long bytes = ProcessMemory.ofStatus(status).residentBytes();
    if (bytes == 0) {
      throw new IOException("/proc/PID/status: no VmRSS (expected: a line with it)");
    }
    return bytes;
  }

  public long cpuMillis() {
    return userMillis + systemMillis;
  }
}
