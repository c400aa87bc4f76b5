package dev.openlora.bench.streams;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How many files a process may have open, sockets among them. */
final class OpenFiles {
  private static final String NAME = "Max open files";

  private OpenFiles() {}

  /** This process's limit, which the JVM has raised as far as it may. */
  static long max() throws IOException {
    return max(Files.readAllLines(Path.of("/proc/self/limits")));
  }

  static long max(List<String> limits) throws IOException {
    for (String line : limits) {
      if (line.startsWith(NAME)) {
        String soft = line.substring(NAME.length()).strip().split(" ")[0];
        return soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft);
      }
    }
    throw new IOException("/proc/self/limits: no '" + NAME + "' (expected: a line with it)");
  }
}
