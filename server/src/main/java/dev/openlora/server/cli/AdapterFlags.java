package dev.openlora.server.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The adapter to train: a whole PEFT config, or the few keys that most need. */
final class AdapterFlags {
  private static final int CONFIG_BYTES_MAX = 1 << 20;

  @Option(
      names = "--adapter-config",
      paramLabel = "FILE",
      description = "an adapter_config.json, in the place of the flags below")
  private @Nullable Path file;

  @Option(
      names = "--kind",
      paramLabel = "KIND",
      description = "lora, rslora or dora (default: lora)")
  private @Nullable String kind;

  @Option(names = "--rank", paramLabel = "R", description = "default: 8")
  private @Nullable Integer rank;

  @Option(names = "--alpha", paramLabel = "X", description = "default: 16")
  private @Nullable Double alpha;

  @Option(
      names = "--targets",
      paramLabel = "MODULE,…",
      description = "modules to change, such as q_proj,v_proj (default: all-linear)")
  private @Nullable String targets;

  @Option(
      names = "--bias",
      paramLabel = "WHICH",
      description = "biases to train: none, all or lora_only (default: none)")
  private @Nullable String bias;

  /** An {@code adapter_config.json}. */
  byte[] config() throws IOException {
    return file == null ? fromFlags() : fromFile(file);
  }

  private byte[] fromFile(Path path) throws IOException {
    Map<String, @Nullable Object> others = new LinkedHashMap<>();
    others.put("--kind", kind);
    others.put("--rank", rank);
    others.put("--alpha", alpha);
    others.put("--targets", targets);
    others.put("--bias", bias);
    others.forEach((flag, value) -> {
      if (value != null) {
        throw new CommandFailure(
            2, flag + ": beside --adapter-config (expected: that key in the file)");
      }
    });
    try {
      if (Files.size(path) > CONFIG_BYTES_MAX) {
        throw new CommandFailure(
            2,
            "--adapter-config: '" + path + "' (expected: at most " + CONFIG_BYTES_MAX + " bytes)");
      }
      byte[] bytes = Files.readAllBytes(path);
      JsonNode json = JsonMapper.shared().readTree(bytes);
      if (!json.isObject()) {
        throw new CommandFailure(2, "--adapter-config: '" + path + "' (expected: a JSON object)");
      }
      return bytes;
    } catch (NoSuchFileException e) {
      throw new CommandFailure(2, "--adapter-config: no such file: " + path);
    } catch (JacksonException e) {
      throw new CommandFailure(
          2, "--adapter-config: '" + path + "' is no JSON: " + e.getOriginalMessage());
    }
  }

  private byte[] fromFlags() {
    String chosen = kind == null ? "lora" : kind;
    if (!List.of("lora", "rslora", "dora").contains(chosen)) {
      throw new CommandFailure(2, "--kind: '" + chosen + "' (expected: lora, rslora or dora)");
    }
    int r = rank == null ? 8 : rank;
    if (r < 1) {
      throw new CommandFailure(2, "--rank: " + r + " (expected: at least 1)");
    }
    double a = alpha == null ? 16 : alpha;
    if (!(a > 0 && a <= 1e6)) {
      throw new CommandFailure(2, "--alpha: " + a + " (expected: above 0, at most 1000000)");
    }
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .put("peft_type", "LORA")
        .put("task_type", "CAUSAL_LM")
        .put("r", r)
        .put("lora_dropout", 0.0)
        .put("bias", bias == null ? "none" : bias)
        .put("fan_in_fan_out", false)
        .put("use_rslora", chosen.equals("rslora"))
        .put("use_dora", chosen.equals("dora"));
    if (a == Math.rint(a)) {
      config.put("lora_alpha", (long) a);
    } else {
      config.put("lora_alpha", a);
    }
    String modules = targets == null ? "all-linear" : targets;
    if (modules.equals("all-linear")) {
      config.put("target_modules", modules);
    } else {
      for (String module : modules.split(",", -1)) {
        if (module.isBlank()) {
          throw new CommandFailure(
              2, "--targets: '" + modules + "' (expected: names of modules, with commas between)");
        }
        config.withArray("target_modules").add(module.strip());
      }
    }
    return config.toPrettyString().getBytes(StandardCharsets.UTF_8);
  }
}
