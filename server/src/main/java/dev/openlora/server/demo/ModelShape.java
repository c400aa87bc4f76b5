package dev.openlora.server.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tensors that a {@code config.json} of the Llama kind (llama, mistral, qwen2, qwen3) asks for.
 * Immutable.
 */
public record ModelShape(ObjectNode config, List<Weight> weights) {
  private static final Set<String> FAMILIES = Set.of("llama", "mistral", "qwen2", "qwen3");

  /** What a tensor is, which decides how random numbers fill it. */
  public enum Role {
    LINEAR,
    BIAS,
    NORM,
    EMBEDDING
  }

  /** A tensor under its Hugging Face name; a matrix is [out, in]. */
  public record Weight(String name, Role role, long[] shape) {}

  public ModelShape {
    weights = List.copyOf(weights);
  }

  /** Reads a config.json, or the one in a folder. */
  public static ModelShape read(Path path) throws IOException {
    Path file = Files.isDirectory(path) ? path.resolve("config.json") : path;
    try {
      JsonNode tree = JsonMapper.shared().readTree(Files.readString(file));
      if (tree instanceof ObjectNode config) {
        return of(config);
      }
      throw new IllegalArgumentException(file + ": (expected: a JSON object)");
    } catch (JacksonException e) {
      throw new IllegalArgumentException(file + ": not JSON: " + e.getOriginalMessage());
    }
  }

  public static ModelShape of(ObjectNode config) {
    String family = config.path("model_type").asString("");
    if (!FAMILIES.contains(family)) {
      throw new IllegalArgumentException(
          "model_type: '"
              + family
              + "' (expected: one of "
              + FAMILIES.stream().sorted().toList()
              + ")");
    }
    long hidden = number(config, "hidden_size");
    long inner = number(config, "intermediate_size");
    long heads = number(config, "num_attention_heads");
    long kvHeads = config.path("num_key_value_heads").asLong(heads);
    long headSize = config.path("head_dim").asLong(hidden / heads);
    long vocabulary = number(config, "vocab_size");
    boolean attentionBias = config.path("attention_bias").asBoolean(false);
    boolean inputBias = attentionBias || family.equals("qwen2");
    boolean mlpBias = config.path("mlp_bias").asBoolean(false);

    List<Weight> weights = new ArrayList<>();
    weights.add(matrix("model.embed_tokens", Role.EMBEDDING, vocabulary, hidden));
    for (long layer = 0; layer < number(config, "num_hidden_layers"); layer++) {
      String prefix = "model.layers." + layer + ".";
      String attention = prefix + "self_attn.";
      weights.add(norm(prefix + "input_layernorm", hidden));
      linear(weights, attention + "q_proj", heads * headSize, hidden, inputBias);
      linear(weights, attention + "k_proj", kvHeads * headSize, hidden, inputBias);
      linear(weights, attention + "v_proj", kvHeads * headSize, hidden, inputBias);
      linear(weights, attention + "o_proj", hidden, heads * headSize, attentionBias);
      if (family.equals("qwen3")) {
        weights.add(norm(attention + "q_norm", headSize));
        weights.add(norm(attention + "k_norm", headSize));
      }
      weights.add(norm(prefix + "post_attention_layernorm", hidden));
      linear(weights, prefix + "mlp.gate_proj", inner, hidden, mlpBias);
      linear(weights, prefix + "mlp.up_proj", inner, hidden, mlpBias);
      linear(weights, prefix + "mlp.down_proj", hidden, inner, mlpBias);
    }
    weights.add(norm("model.norm", hidden));
    if (!config.path("tie_word_embeddings").asBoolean(false)) {
      weights.add(matrix("lm_head", Role.EMBEDDING, vocabulary, hidden));
    }
    return new ModelShape(config, weights);
  }

  public int vocabularySize() {
    return Math.toIntExact(number(config, "vocab_size"));
  }

  public int maxPositions() {
    return config.path("max_position_embeddings").asInt(2048);
  }

  public long parameters() {
    return weights.stream().mapToLong(weight -> elements(weight.shape())).sum();
  }

  /** The linear modules whose last name is among {@code targets}, e.g. {@code q_proj}. */
  List<Weight> linears(Set<String> targets) {
    return weights.stream()
        .filter(weight -> weight.role() == Role.LINEAR && targets.contains(lastName(weight)))
        .toList();
  }

  private static String lastName(Weight weight) {
    String module = weight.name().substring(0, weight.name().length() - ".weight".length());
    return module.substring(module.lastIndexOf('.') + 1);
  }

  static long elements(long[] shape) {
    long n = 1;
    for (long size : shape) {
      n *= size;
    }
    return n;
  }

  private static void linear(List<Weight> to, String module, long out, long in, boolean bias) {
    to.add(matrix(module, Role.LINEAR, out, in));
    if (bias) {
      to.add(new Weight(module + ".bias", Role.BIAS, new long[] {out}));
    }
  }

  private static Weight matrix(String module, Role role, long out, long in) {
    return new Weight(module + ".weight", role, new long[] {out, in});
  }

  private static Weight norm(String module, long width) {
    return new Weight(module + ".weight", Role.NORM, new long[] {width});
  }

  private static long number(ObjectNode config, String key) {
    long value = config.path(key).asLong(0);
    if (value < 1) {
      throw new IllegalArgumentException(
          key + ": '" + config.path(key) + "' (expected: a whole number, at least 1)");
    }
    return value;
  }
}
