package dev.openlora.engine.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * The shared folder of models and golden values beside the repository; a test without it aborts.
 */
public final class SharedFiles {
  private SharedFiles() {}

  /** The file or folder, or an aborted test that names it. */
  public static Path require(String relative) {
    @Nullable String given = System.getProperty("openlora.shared");
    if (given != null) {
      Path path = Path.of(given, relative);
      return Files.exists(path) ? path : Assumptions.<Path>abort(path + ": not there");
    }
    Path root =
        Path.of(Objects.requireNonNullElse(System.getProperty("openlora.root"), "."))
            .toAbsolutePath()
            .normalize();
    for (Path folder = root.getParent(); folder != null; folder = folder.getParent()) {
      Path path = folder.resolve("shared").resolve(relative);
      if (Files.exists(path)) {
        return path;
      }
    }
    return Assumptions.<Path>abort("shared/" + relative + ": not there above " + root);
  }
}
