package dev.openlora.server.demo;

import dev.openlora.kernels.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.LongConsumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A PEFT adapter of random numbers for a model's shape: a visible effect, values that stay sane.
 *
 * @param targets last names of the modules it changes, e.g. {@code q_proj}
 */
record RandomAdapter(
    String name, Kind kind, int rank, Set<String> targets, long seed, DType dtype) {
  /** Kinds of adapter. */
  enum Kind {
    LORA,
    RSLORA,
    DORA;

    static Kind parse(String text) {
      for (Kind kind : values()) {
        if (kind.name().toLowerCase(Locale.ROOT).equals(text)) {
          return kind;
        }
      }
      throw new IllegalArgumentException("kind: '" + text + "' (expected: lora, rslora or dora)");
    }
  }

  RandomAdapter {
    targets = Set.copyOf(targets);
    if (rank < 1 || rank > 4096) {
      throw new IllegalArgumentException("rank: " + rank + " (expected: 1..4096)");
    }
  }

  void write(Path folder, ModelShape shape, LongConsumer progress) throws IOException {
    List<ModelShape.Weight> modules = shape.linears(targets);
    if (modules.isEmpty()) {
      throw new IllegalArgumentException(
          "targets: " + targets + " (expected: modules of the model, e.g. q_proj, up_proj)");
    }
    RandomTensors tensors = new RandomTensors(seed, dtype);
    for (ModelShape.Weight module : modules) {
      long out = module.shape()[0];
      long in = module.shape()[1];
      String prefix =
          "base_model.model."
              + module.name().substring(0, module.name().length() - "weight".length());
      tensors.add(prefix + "lora_A.weight", new long[] {rank, in}, 0, 1 / Math.sqrt(in));
      // Twice this is the change; beside it, the base's own answer has about 0.02 √in.
      double deviation = 0.004 * Math.sqrt(in) / Math.sqrt(rank);
      tensors.add(prefix + "lora_B.weight", new long[] {out, rank}, 0, deviation);
      if (kind == Kind.DORA) {
        double norm = RandomModel.LINEAR_DEVIATION * Math.sqrt(in);
        tensors.add(prefix + "lora_magnitude_vector", new long[] {out}, norm, norm / 10);
      }
    }
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("adapter_config.json"), config());
    tensors.write(folder.resolve("adapter_model.safetensors"), progress);
  }

  private String config() {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .put("peft_type", "LORA")
        .put("task_type", "CAUSAL_LM")
        .put("base_model_name_or_path", "random")
        .put("inference_mode", true)
        .put("r", rank)
        .put("lora_alpha", kind == Kind.RSLORA ? (int) Math.round(2 * Math.sqrt(rank)) : 2 * rank)
        .put("lora_dropout", 0.0)
        .put("bias", "none")
        .put("fan_in_fan_out", false)
        .put("use_rslora", kind == Kind.RSLORA)
        .put("use_dora", kind == Kind.DORA);
    targets.stream().sorted().forEach(config.putArray("target_modules")::add);
    return config.toPrettyString();
  }
}
