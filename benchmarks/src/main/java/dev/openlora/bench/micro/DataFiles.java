package dev.openlora.bench.micro;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What benchmarks read, by short names: {@code shared/…} lies in {@code -Dopenlora.shared}, or
 * beside the repository; all else in the repository.
 */
final class DataFiles {
  static final List<String> TOKENIZERS =
      List.of("demo/tiny", "shared/tokenizers/llama2", "shared/tokenizers/llama3");
  static final List<String> TEMPLATES =
      List.of(
          "demo/tiny",
          "shared/golden/chat/templates/llama31.jinja",
          "shared/golden/chat/templates/qwen3.jinja");
  private static final String SHARED = "shared/";

  private DataFiles() {}

  static Path path(String name) {
    Path root = Path.of(System.getProperty("openlora.root", "")).toAbsolutePath();
    String shared = System.getProperty("openlora.shared", "");
    return name.startsWith(SHARED) && !shared.isEmpty()
        ? Path.of(shared, name.substring(SHARED.length()))
        : root.resolve(name.startsWith(SHARED) ? "../" + name : name).normalize();
  }

  /** Those that are there. */
  static String[] existing(List<String> names) {
    return names.stream().filter(name -> Files.exists(path(name))).toArray(String[]::new);
  }
}
