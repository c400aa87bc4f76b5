package dev.openlora.bench.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Resident memory of processes, from {@code /proc}. Pages that processes share count for each of
 * them. Immutable.
 *
 * @param residentBytes now
 * @param peakBytes the sum of what each process once held, which is exact for a single one
 */
public record ProcessMemory(long residentBytes, long peakBytes) {
  static final ProcessMemory NONE = new ProcessMemory(0, 0);

  /** Of a process that may just end: what cannot be read counts nothing. */
  static ProcessMemory of(long pid) {
    try {
      return ofStatus(Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")));
    } catch (IOException e) {
      return NONE;
    }
  }

  ProcessMemory plus(ProcessMemory other) {
    return new ProcessMemory(residentBytes + other.residentBytes, peakBytes + other.peakBytes);
  }

  /** Of the lines of a {@code /proc/<pid>/status}; a process without memory has 0. */
  static ProcessMemory ofStatus(List<String> lines) {
    return new ProcessMemory(bytes(lines, "VmRSS"), bytes(lines, "VmHWM"));
  }

  private static long bytes(List<String> lines, String field) {
    Pattern pattern = Pattern.compile(field + ":\\s+([0-9]{1,15}) kB");
    for (String line : lines) {
      Matcher matcher = pattern.matcher(line);
      if (matcher.matches()) {
        return Long.parseLong(matcher.group(1)) * 1024;
      }
    }
    return 0;
  }
}
