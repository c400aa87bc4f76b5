package dev.openlora.bench.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Where results go besides the screen. */
final class OutputFiles {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  @Option(names = "--json", paramLabel = "FILE", description = "all figures, for programs")
  private @Nullable Path json;

  @Option(names = "--plot", paramLabel = "FILE.svg", description = "a picture of them")
  private @Nullable Path plot;

  /**
   * Refuses a file that cannot be written, before anything is measured.
   *
   * @throws IllegalArgumentException naming the option
   */
  void check() {
    check("--json", json);
    check("--plot", plot);
  }

  private static void check(String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file) || folder == null || !Files.isWritable(folder)) {
      throw new IllegalArgumentException(
          option + ": '" + file + "' (expected: a file in a folder that can be written to)");
    }
  }

  void write(ObjectNode figures, String svg) throws IOException {
    if (json != null) {
      Files.writeString(json, JSON.writeValueAsString(figures) + "\n");
    }
    if (plot != null) {
      Files.writeString(plot, svg);
    }
  }
}
