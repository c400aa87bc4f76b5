package dev.openlora.server.factory;

import dev.openlora.engine.training.FolderWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The SHA-256 of everything in a folder, as {@code sha256sum -c} reads it. */
final class Checksums {
  private static final String FILE = "SHA256SUMS";
  private static final Set<String> LEFT_OUT = Set.of(FILE, "lock");

  private Checksums() {}

  static void write(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(folder)) {
      files =
          walk.filter(Files::isRegularFile)
              .filter(file -> !LEFT_OUT.contains(file.getFileName().toString()))
              .sorted()
              .toList();
    }
    StringBuilder sums = new StringBuilder();
    for (Path file : files) {
      sums.append(FolderWriter.sha256(file)).append("  ");
      sums.append(folder.relativize(file)).append('\n');
    }
    Files.writeString(folder.resolve(FILE), sums);
  }
}
