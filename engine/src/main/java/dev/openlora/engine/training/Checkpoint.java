package dev.openlora.engine.training;

import dev.openlora.kernels.SafetensorsFile;
import dev.openlora.kernels.SafetensorsWriter;
import dev.openlora.kernels.Tensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A folder {@code checkpoint-<step>} from which a run goes on as if it had never stopped: the
 * values, AdamW's means and squares, the best values where they are kept, and the rest in {@value
 * #STATE}. Immutable.
 */
public final class Checkpoint {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoint.class);

  static final String STATE = "state.json";
  static final String VALUES = "values.safetensors";
  static final String MEANS = "means.safetensors";
  static final String SQUARES = "squares.safetensors";
  static final String BEST = "best.safetensors";

  private static final int VERSION = 1;
  private static final Pattern NAME = Pattern.compile("checkpoint-(\\d{1,9})");
  private static final JsonMapper MAPPER = JsonMapper.shared();

  private final Path folder;
  private final Progress progress;
  private final Map<String, String> run;

  private Checkpoint(Path folder, Progress progress, Map<String, String> run) {
    this.folder = folder;
    this.progress = progress;
    this.run = run;
  }

  public Path folder() {
    return folder;
  }

  /** Steps done. */
  public int step() {
    return progress.step();
  }

  /** Examples of the epoch used. */
  public long taken() {
    return progress.taken();
  }

  /** What the run was made of, by key: settings, digests, and what its owner added. */
  public Map<String, String> run() {
    return Map.copyOf(run);
  }

  /** The losses up to here. */
  public LossHistory history() {
    return progress.history();
  }

  Progress progress() {
    return progress;
  }

  /** The newest whole checkpoint in a folder; those that are not whole are skipped, and logged. */
  public static Optional<Checkpoint> latest(Path folder) throws IOException {
    for (Path candidate : all(folder)) {
      try {
        FolderWriter.check(candidate, List.of(STATE, VALUES, MEANS, SQUARES));
      } catch (IOException e) {
        LOG.warn("{} is skipped: {}", candidate, e.getMessage());
        continue;
      }
      return Optional.of(read(candidate));
    }
    return Optional.empty();
  }

  /** Newest first, whole or not. */
  static List<Path> all(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "checkpoint-*")) {
      return StreamSupport.stream(entries.spliterator(), false)
          .filter(path -> stepOf(path).isPresent())
          .sorted(Comparator.comparingInt((Path path) -> stepOf(path).orElseThrow()).reversed())
          .toList();
    }
  }

  private static OptionalInt stepOf(Path folder) {
    Matcher matcher = NAME.matcher(folder.getFileName().toString());
    return matcher.matches()
        ? OptionalInt.of(Integer.parseInt(matcher.group(1)))
        : OptionalInt.empty();
  }

  private static Checkpoint read(Path folder) throws IOException {
    Path file = folder.resolve(STATE);
    try {
      JsonNode json = MAPPER.readTree(Files.readAllBytes(file));
      int version = json.required("version").intValue();
      if (version != VERSION) {
        throw new IOException(file + ": version: " + version + " (expected: " + VERSION + ")");
      }
      Map<String, String> run = new LinkedHashMap<>();
      json.required("run")
          .properties()
          .forEach(entry -> run.put(entry.getKey(), entry.getValue().stringValue()));
      JsonNode best = json.get("best");
      Progress progress =
          new Progress(
              json.required("step").intValue(),
              json.required("epoch").longValue(),
              json.required("taken").longValue(),
              json.required("tokens").longValue(),
              best == null
                  ? null
                  : new TrainingEvent.Best(
                      best.required("step").intValue(), best.required("loss").doubleValue()),
              json.required("worse").intValue(),
              LossHistory.of(json.required("history")));
      return new Checkpoint(folder, progress, run);
    } catch (JacksonException e) {
      throw new IOException(file + ": " + e.getOriginalMessage(), e);
    }
  }

  /** Writes a checkpoint and returns its folder; one of this run that is there stays. */
  static Path write(
      FolderWriter writer, Path parent, Progress progress, Map<String, String> run, AdamState adam)
      throws IOException {
    Path folder = parent.resolve("checkpoint-" + progress.step());
    Map<String, FolderWriter.Content> files = new LinkedHashMap<>();
    files.put(VALUES, tensors(adam, adam.values()));
    files.put(MEANS, tensors(adam, adam.means()));
    files.put(SQUARES, tensors(adam, adam.squares()));
    if (!adam.best().isEmpty() && progress.best() != null) {
      files.put(BEST, tensors(adam, adam.best()));
    }
    files.put(STATE, FolderWriter.Content.of(state(progress, run)));
    if (Files.exists(folder)) {
      try {
        FolderWriter.check(folder, files.keySet());
        return folder;
      } catch (IOException e) {
        LOG.warn("{} is replaced: {}", folder, e.getMessage());
        writer.remove(folder);
      }
    }
    writer.write(folder, files);
    return folder;
  }

  private static FolderWriter.Content tensors(AdamState adam, List<Tensor> tensors) {
    return file -> {
      SafetensorsWriter writer = new SafetensorsWriter();
      for (int i = 0; i < tensors.size(); i++) {
        writer.add(adam.parameters().get(i).name(), tensors.get(i));
      }
      writer.writeTo(file);
    };
  }

  private static byte[] state(Progress progress, Map<String, String> run) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("version", VERSION)
        .put("step", progress.step())
        .put("epoch", progress.epoch())
        .put("taken", progress.taken())
        .put("tokens", progress.tokens());
    TrainingEvent.Best best = progress.best();
    if (best != null) {
      json.putObject("best").put("step", best.step()).put("loss", best.loss());
    }
    json.put("worse", progress.worse());
    ObjectNode parts = json.putObject("run");
    run.forEach(parts::put);
    json.set("history", progress.history().toJson());
    return MAPPER.writeValueAsString(json).getBytes(StandardCharsets.UTF_8);
  }

  /** Removes all but the newest {@code kept} of those up to a step. */
  static void removeOlder(FolderWriter writer, Path parent, int step, int kept) throws IOException {
    List<Path> upToStep =
        all(parent).stream().filter(path -> stepOf(path).orElseThrow() <= step).toList();
    for (Path old : upToStep.subList(Math.min(kept, upToStep.size()), upToStep.size())) {
      writer.remove(old);
    }
  }

  /** Refuses to go on with another run, by the first key that differs. */
  void checkRun(Map<String, String> wanted) {
    Set<String> keys = new LinkedHashSet<>(wanted.keySet());
    keys.addAll(run.keySet());
    for (String key : keys) {
      String now = wanted.getOrDefault(key, "missing");
      String then = run.getOrDefault(key, "missing");
      if (!now.equals(then)) {
        throw new TrainingException(
            key + ": " + now + " (expected: " + then + ", as in " + folder + ")");
      }
    }
  }

  /** Puts the tensors back. */
  void restore(AdamState adam) throws IOException {
    restore(VALUES, adam, adam.values());
    restore(MEANS, adam, adam.means());
    restore(SQUARES, adam, adam.squares());
    if (!adam.best().isEmpty() && progress.best() != null) {
      restore(BEST, adam, adam.best());
    }
  }

  private void restore(String name, AdamState adam, List<Tensor> tensors) throws IOException {
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve(name))) {
      Set<String> unknown = new LinkedHashSet<>(file.names());
      for (int i = 0; i < tensors.size(); i++) {
        String parameter = adam.parameters().get(i).name();
        Tensor tensor = tensors.get(i);
        if (!unknown.remove(parameter)) {
          throw new TrainingException(
              "parameters: '" + parameter + "' (expected: those of " + file.file() + ")");
        }
        SafetensorsFile.Entry entry = file.entry(parameter);
        if (!Arrays.equals(entry.shape(), tensor.shape())) {
          throw new TrainingException(
              "parameters: '" + parameter + "' " + tensor + " (expected: " + entry + ")");
        }
        file.copyInto(parameter, tensor);
      }
      if (!unknown.isEmpty()) {
        throw new TrainingException(
            "parameters: without '"
                + unknown.iterator().next()
                + "' (expected: those of "
                + file.file()
                + ")");
      }
    }
  }
}
