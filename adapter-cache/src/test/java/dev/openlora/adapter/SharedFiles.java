package dev.openlora.adapter;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The test data beside the repository, or where {@code -Dopenlora.shared} says. */
final class SharedFiles {
  private SharedFiles() {}

  /** A folder below it; the test is aborted by name where it is missing. */
  static Path folder(String name) {
    String given = System.getProperty("openlora.shared", "");
    Path root =
        given.isEmpty()
            ? Path.of(System.getProperty("openlora.root", ".")).resolveSibling("shared")
            : Path.of(given);
    Path folder = root.resolve(name);
    if (!Files.isDirectory(folder)) {
      Assumptions.abort("no test data at " + folder + " (set -Dopenlora.shared=<folder>)");
    }
    return folder;
  }
}
