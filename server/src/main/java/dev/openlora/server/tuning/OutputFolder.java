package dev.openlora.server.tuning;

import dev.openlora.engine.training.Checkpoint;
import dev.openlora.engine.training.FolderWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where a training's result will be, and {@code <name>.work} beside it, where checkpoints and the
 * unfinished result are until then. The result appears whole or not at all.
 */
final class OutputFolder {
  private static final String RESULT = "result";

  private final Path folder;
  private final Path work;

  /** Refuses a place that is taken. */
  OutputFolder(Path folder) throws IOException {
    this.folder = folder.toAbsolutePath().normalize();
    Path name = this.folder.getFileName();
    if (name == null) {
      throw TuningException.wrong("--out: '" + folder + "' (expected: a new folder)");
    }
    if (Files.exists(this.folder)) {
      throw TuningException.wrong(
          "--out: '" + folder + "' is there already (expected: a new folder)");
    }
    this.work = this.folder.resolveSibling(name + ".work");
  }

  Path folder() {
    return folder;
  }

  String name() {
    return String.valueOf(folder.getFileName());
  }

  /** Checkpoints, and what is not finished. */
  Path work() {
    return work;
  }

  /** An empty folder in which the result is put together. */
  Path draft() throws IOException {
    Path draft = work.resolve(RESULT);
    delete(draft);
    return Files.createDirectories(draft);
  }

  Optional<Checkpoint> checkpoint() throws IOException {
    return Checkpoint.latest(work);
  }

  /** Makes the draft's files and these texts the result, and removes the work folder. */
  void publish(Map<String, String> texts) throws IOException {
    Map<String, FolderWriter.Content> files = new LinkedHashMap<>();
    Path draft = work.resolve(RESULT);
    for (Path file : files(draft)) {
      files.put(String.valueOf(file.getFileName()), to -> Files.copy(file, to));
    }
    texts.forEach((name, text) ->
        files.put(name, FolderWriter.Content.of(text.getBytes(StandardCharsets.UTF_8))));
    Files.createDirectories(folder.resolveSibling("."));
    new FolderWriter().write(folder, files);
    delete(work);
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
