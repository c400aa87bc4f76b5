package dev.openlora.server.finetuning;

import dev.openlora.server.http.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The command line of this very program's {@code tune} for a task, in a JVM of its own: the same
 * class path, a bounded heap, few threads, and nothing on its standard output but events.
 *
 * @param model the base's folder
 * @param heapMiB what the JVM may take; tensors are beside it
 */
public record TuneCommandLine(Path model, int heapMiB, int threads)
    implements ProcessTuningWorker.CommandLine {
  private static final double LEARNING_RATE = 2e-4; // tune's own, which a multiplier is of
  private static final int CHECKPOINT_STEPS = 50;
  private static final String ALL_LINEAR = "all-linear";
  private static final String MAIN = "dev.openlora.server.Main";
  private static final Set<String> INHERITED =
      Set.of("openlora.root", "openlora.shared", "ai.djl.offline", "java.library.path");

  @Override
  public List<String> of(TuningTask task) throws IOException {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx" + heapMiB + "m",
            "-XX:+UseSerialGC",
            "-XX:ActiveProcessorCount=" + threads,
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:+DisplayVMOutputToStderr",
            "-Xlog:disable",
            "-Dfile.encoding=UTF-8",
            "-Dstdout.encoding=UTF-8",
            "-Dstderr.encoding=UTF-8"));
    for (Map.Entry<Object, Object> property : new TreeMap<>(System.getProperties()).entrySet()) {
      if (property.getKey() instanceof String name && INHERITED.contains(name)) {
        line.add("-D" + name + "=" + property.getValue());
      }
    }
    line.add("-cp");
    line.add(System.getProperty("java.class.path"));
    line.add(MAIN);
    line.addAll(arguments(task));
    return line;
  }

  /** What {@code tune} is asked for; writes the adapter's config, which it reads. */
  List<String> arguments(TuningTask task) throws IOException {
    Path config = task.folder().resolve("adapter_config.json");
    DurableFile.write(config, adapterConfig(task.shape()));
    Hyperparameters asked = task.hyperparameters();
    List<String> line = new ArrayList<>(List.of("tune", "--progress", "json"));
    add(line, "--model", model.toAbsolutePath());
    add(line, "--data", task.training().toAbsolutePath());
    add(line, "--out", task.output().toAbsolutePath());
    add(line, "--adapter-config", config.toAbsolutePath());
    add(line, "--seed", task.seed());
    add(line, "--threads", threads);
    add(line, "--epochs", asked.epochs());
    add(line, "--batch-tokens", task.batchTokens());
    add(line, "--checkpoint-every", CHECKPOINT_STEPS);
    if (asked.learningRateMultiplier() != null) {
      add(line, "--learning-rate", LEARNING_RATE * asked.learningRateMultiplier());
    }
    return line;
  }

  /** PEFT's own names; where nothing is asked for, what {@code tune} has without a file. */
  private static byte[] adapterConfig(AdapterShape shape) {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("peft_type", "LORA");
    json.put("task_type", "CAUSAL_LM");
    json.put("r", Objects.requireNonNullElse(shape.rank(), 8));
    double alpha = Objects.requireNonNullElse(shape.alpha(), 16.0);
    if (alpha == Math.rint(alpha)) {
      json.put("lora_alpha", (long) alpha);
    } else {
      json.put("lora_alpha", alpha);
    }
    json.put("lora_dropout", 0.0);
    json.put("bias", "none");
    json.put("fan_in_fan_out", false);
    json.put("use_dora", Objects.requireNonNullElse(shape.dora(), false));
    json.put("use_rslora", Objects.requireNonNullElse(shape.rsLora(), false));
    List<String> modules = shape.targetModules();
    if (modules.isEmpty() || modules.equals(List.of(ALL_LINEAR))) {
      json.put("target_modules", ALL_LINEAR);
    } else {
      ArrayNode names = json.putArray("target_modules");
      modules.forEach(names::add);
    }
    return Json.MAPPER.writeValueAsBytes(json);
  }

  private static void add(List<String> line, String flag, @Nullable Object value) {
    if (value != null) {
      line.add(flag);
      line.add(value.toString());
    }
  }
}
