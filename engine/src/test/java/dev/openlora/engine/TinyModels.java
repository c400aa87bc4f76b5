package dev.openlora.engine;

import dev.openlora.engine.model.RopeSettings;
import dev.openlora.kernels.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes small base models of random weights in Hugging Face layout, the same bytes for the same
 * seed. Norms and biases are random as well, so that a forgotten one shows.
 */
public final class TinyModels {
  static final int VOCABULARY_MIN = TinyTokenizer.FIXED_TOKENS;

  private TinyModels() {}

  /** Fills a folder, made where it is missing; returns it. */
  public static Path write(Path folder, TinySpec spec, long seed) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config(spec).toString());
    TinyTokenizer.write(folder, spec.vocabulary());
    weights(spec, new Random(seed)).write(folder.resolve("model.safetensors"));
    return folder;
  }

  private static ObjectNode config(TinySpec spec) {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    String family = spec.family();
    config
        .putArray("architectures")
        .add(Character.toUpperCase(family.charAt(0)) + family.substring(1) + "ForCausalLM");
    config.put("model_type", family);
    config.put("num_hidden_layers", spec.layers()).put("hidden_size", spec.hidden());
    config.put("intermediate_size", spec.intermediate()).put("hidden_act", "silu");
    config.put("num_attention_heads", spec.heads()).put("num_key_value_heads", spec.kvHeads());
    config.put("head_dim", spec.headSize()).put("vocab_size", spec.vocabulary());
    config.put("max_position_embeddings", spec.maxPositions()).put("rms_norm_eps", 1e-6);
    config.put("tie_word_embeddings", spec.tied());
    config.put("bos_token_id", TinyTokenizer.BEGIN).put("eos_token_id", TinyTokenizer.END);
    config.put(
        spec.oldConfig() ? "torch_dtype" : "dtype",
        spec.dtype() == DType.F32 ? "float32" : "bfloat16");
    switch (family) {
      case "llama" -> config.put("attention_bias", spec.biases()).put("mlp_bias", spec.biases());
      case "mistral" -> {
        if (spec.window() > 0) {
          config.put("sliding_window", spec.window());
        } else {
          config.putNull("sliding_window");
        }
      }
      case "qwen3" -> {
        config.put("attention_bias", spec.biases());
        qwenWindow(config, spec);
      }
      default -> qwenWindow(config, spec);
    }
    if (spec.oldConfig()) {
      config.put("rope_theta", spec.rope().theta());
      if (!(spec.rope() instanceof RopeSettings.Default)) {
        rope(config.putObject("rope_scaling"), spec.rope());
      }
    } else {
      rope(config.putObject("rope_parameters").put("rope_theta", spec.rope().theta()), spec.rope());
    }
    return config;
  }

  private static void qwenWindow(ObjectNode config, TinySpec spec) {
    config.put("use_sliding_window", spec.window() > 0).put("max_window_layers", 1);
    if (spec.window() > 0) {
      config.put("sliding_window", spec.window());
      if (!spec.oldConfig()) {
        ArrayNode types = config.putArray("layer_types");
        for (int i = 0; i < spec.layers(); i++) {
          types.add(i < 1 ? "full_attention" : "sliding_attention");
        }
      }
    }
  }

  private static void rope(ObjectNode node, RopeSettings settings) {
    switch (settings) {
      case RopeSettings.Default ignored -> node.put("rope_type", "default");
      case RopeSettings.Linear linear ->
          node.put("rope_type", "linear").put("factor", linear.factor());
      case RopeSettings.Llama3 llama ->
          node.put("rope_type", "llama3")
              .put("factor", llama.factor())
              .put("low_freq_factor", llama.lowFrequencyFactor())
              .put("high_freq_factor", llama.highFrequencyFactor())
              .put("original_max_position_embeddings", llama.originalPositions());
      case RopeSettings.Yarn yarn ->
          node.put("rope_type", "yarn")
              .put("factor", yarn.factor())
              .put("attention_factor", yarn.attentionFactor())
              .put("beta_fast", yarn.betaFast())
              .put("beta_slow", yarn.betaSlow())
              .put("truncate", yarn.truncate())
              .put("original_max_position_embeddings", yarn.originalPositions());
    }
  }

  private static RandomTensors weights(TinySpec spec, Random random) {
    RandomTensors tensors = new RandomTensors(random, spec.dtype());
    int hidden = spec.hidden();
    int queries = spec.heads() * spec.headSize();
    int keys = spec.kvHeads() * spec.headSize();
    double width = spec.tied() ? 1.2 / Math.sqrt(hidden) : 1;
    tensors.put("model.embed_tokens.weight", 0, width, spec.vocabulary(), hidden);
    for (int i = 0; i < spec.layers(); i++) {
      String layer = "model.layers." + i + ".";
      linear(tensors, layer + "self_attn.q_proj", queries, hidden, spec.attentionBias());
      linear(tensors, layer + "self_attn.k_proj", keys, hidden, spec.attentionBias());
      linear(tensors, layer + "self_attn.v_proj", keys, hidden, spec.attentionBias());
      linear(tensors, layer + "self_attn.o_proj", hidden, queries, spec.outputBias());
      linear(tensors, layer + "mlp.gate_proj", spec.intermediate(), hidden, spec.mlpBias());
      linear(tensors, layer + "mlp.up_proj", spec.intermediate(), hidden, spec.mlpBias());
      linear(tensors, layer + "mlp.down_proj", hidden, spec.intermediate(), spec.mlpBias());
      norm(tensors, layer + "input_layernorm", hidden);
      norm(tensors, layer + "post_attention_layernorm", hidden);
      if (spec.headNorms()) {
        norm(tensors, layer + "self_attn.q_norm", spec.headSize());
        norm(tensors, layer + "self_attn.k_norm", spec.headSize());
      }
    }
    norm(tensors, "model.norm", hidden);
    if (!spec.tied()) {
      linear(tensors, "lm_head", spec.vocabulary(), hidden, false);
    }
    return tensors;
  }

  private static void linear(RandomTensors tensors, String name, int out, int in, boolean bias) {
    tensors.put(name + ".weight", 0, 1.2 / Math.sqrt(in), out, in);
    if (bias) {
      tensors.put(name + ".bias", 0, 0.3, out);
    }
  }

  private static void norm(RandomTensors tensors, String name, int width) {
    tensors.put(name + ".weight", 1, 0.3, width);
  }
}
