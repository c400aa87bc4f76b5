package dev.openlora.engine.model;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads a Hugging Face config.json into an {@link Architecture}, old style ({@code rope_theta},
 * {@code rope_scaling}) and new ({@code rope_parameters}) alike. Families: Llama, Mistral, Qwen2
 * and Qwen3; each method below holds what differs. Sources: transformers, configuration_*.py.
 */
public final class ModelConfig {
  private static final String SERVED = "llama, mistral, qwen2, qwen3";

  private ModelConfig() {}

  /**
   * @param where the file's name, for messages
   * @throws ModelException with the architecture's or the key's name when it is not served
   */
  public static Architecture parse(String where, JsonNode json) throws ModelException {
    ConfigReader config = new ConfigReader(where, json);
    String family = config.text("model_type", "");
    if (config.has("quantization_config")) {
      throw new ModelException(
          where + ": 'quantization_config' is not served: quantized base weights");
    }
    try {
      Architecture architecture =
          switch (family.toLowerCase(Locale.ROOT)) {
            case "llama" -> llama(config);
            case "mistral" -> mistral(config);
            case "qwen2" -> qwen2(config);
            case "qwen3" -> qwen3(config);
            default ->
                throw new ModelException(
                    where
                        + ": 'model_type' is '"
                        + family
                        + "', which is not served (served: "
                        + SERVED
                        + ")");
          };
      config.refuseUnread();
      return architecture;
    } catch (IllegalArgumentException e) {
      throw new ModelException(where + ": " + e.getMessage());
    }
  }

  private static Architecture llama(ConfigReader config) throws ModelException {
    boolean attentionBias = config.flag("attention_bias", false);
    boolean mlpBias = config.flag("mlp_bias", false);
    int layers = config.integer("num_hidden_layers");
    return common(
        config, "llama", 0, 2048, attentionBias, attentionBias, mlpBias, false, new int[layers]);
  }

  private static Architecture mistral(ConfigReader config) throws ModelException {
    int[] windows = new int[config.integer("num_hidden_layers")];
    // An absent key means 4096 there, null means no window.
    int window = config.present("sliding_window") ? config.integer("sliding_window", 0) : 4096;
    List<String> types = config.texts("layer_types");
    for (int i = 0; i < windows.length; i++) {
      windows[i] = types.isEmpty() || type(types, i).equals("sliding_attention") ? window : 0;
    }
    return common(config, "mistral", 0, 4096 * 32, false, false, false, false, windows);
  }

  private static Architecture qwen2(ConfigReader config) throws ModelException {
    return common(config, "qwen2", 0, 32768, true, false, false, false, qwenWindows(config));
  }

  private static Architecture qwen3(ConfigReader config) throws ModelException {
    boolean attentionBias = config.flag("attention_bias", false);
    return common(
        config,
        "qwen3",
        128,
        32768,
        attentionBias,
        attentionBias,
        false,
        true,
        qwenWindows(config));
  }

  /**
   * Qwen: sliding windows only when switched on, from layer {@code max_window_layers} up or as
   * {@code layer_types} says.
   */
  private static int[] qwenWindows(ConfigReader config) throws ModelException {
    int[] windows = new int[config.integer("num_hidden_layers")];
    int window = config.integer("sliding_window", 4096);
    boolean on = config.flag("use_sliding_window", false) && config.has("sliding_window");
    int from = config.integer("max_window_layers", 28);
    List<String> types = config.texts("layer_types");
    for (int i = 0; i < windows.length; i++) {
      boolean sliding = types.isEmpty() ? i >= from : type(types, i).equals("sliding_attention");
      windows[i] = on && sliding ? window : 0;
    }
    return windows;
  }

  private static String type(List<String> types, int layer) {
    if (layer >= types.size()) {
      throw new IllegalArgumentException(
          "layer_types: " + types.size() + " entries (expected: one per layer)");
    }
    String type = types.get(layer);
    if (!type.equals("full_attention") && !type.equals("sliding_attention")) {
      throw new IllegalArgumentException(
          "layer_types: '" + type + "' (expected: full_attention or sliding_attention)");
    }
    return type;
  }

  private static Architecture common(
      ConfigReader config,
      String family,
      int defaultHeadSize,
      int defaultPositions,
      boolean qkvBias,
      boolean outputBias,
      boolean mlpBias,
      boolean qkNorm,
      int[] windows)
      throws ModelException {
    config.only("hidden_act", "silu");
    int hidden = config.integer("hidden_size");
    int heads = config.integer("num_attention_heads");
    if (heads < 1) {
      throw new IllegalArgumentException(
          "num_attention_heads: " + heads + " (expected: at least 1)");
    }
    int headSize =
        config.integer("head_dim", defaultHeadSize > 0 ? defaultHeadSize : hidden / heads);
    int positions = config.integer("max_position_embeddings", defaultPositions);
    return new Architecture(
        family,
        windows.length,
        hidden,
        config.integer("intermediate_size"),
        heads,
        config.integer("num_key_value_heads", heads),
        headSize,
        config.integer("vocab_size"),
        positions,
        (float) config.number("rms_norm_eps", 1e-6),
        config.flag("tie_word_embeddings", false),
        qkvBias,
        outputBias,
        mlpBias,
        qkNorm,
        windows,
        rope(config, positions));
  }

  private static RopeSettings rope(ConfigReader config, int positions) throws ModelException {
    double theta = config.number("rope_theta", 10000.0);
    if (config.number("partial_rotary_factor", 1.0) != 1.0) {
      throw new ModelException("config.json: 'partial_rotary_factor' other than 1 is not served");
    }
    ConfigReader parameters = config.object("rope_parameters");
    ConfigReader scaling = config.object("rope_scaling");
    if (parameters == null) {
      parameters = scaling;
    }
    if (parameters == null) {
      return new RopeSettings.Default(theta);
    }
    theta = parameters.number("rope_theta", theta);
    RopeSettings settings = scaled(parameters, theta, positions, config);
    parameters.refuseUnread();
    return settings;
  }

  private static RopeSettings scaled(
      ConfigReader rope, double theta, int positions, ConfigReader config) throws ModelException {
    String type = rope.text("rope_type", rope.text("type", "default"));
    rope.known("type");
    if (rope.number("partial_rotary_factor", 1.0) != 1.0) {
      throw new ModelException("config.json: 'partial_rotary_factor' other than 1 is not served");
    }
    int original =
        rope.integer(
            "original_max_position_embeddings",
            config.integer("original_max_position_embeddings", 0));
    double factor = rope.number("factor", original > 0 ? (double) positions / original : 1.0);
    return switch (type) {
      case "default" -> new RopeSettings.Default(theta);
      case "linear" -> new RopeSettings.Linear(theta, factor);
      case "llama3" ->
          new RopeSettings.Llama3(
              theta,
              factor,
              rope.number("low_freq_factor", 1.0),
              rope.number("high_freq_factor", 4.0),
              original > 0 ? original : positions);
      case "yarn" ->
          new RopeSettings.Yarn(
              theta,
              factor,
              attentionFactor(rope, factor),
              rope.number("beta_fast", 32),
              rope.number("beta_slow", 1),
              rope.flag("truncate", true),
              original > 0 ? original : positions);
      default ->
          throw new ModelException(
              "config.json: 'rope_type' is '"
                  + type
                  + "', which is not served (served: default, linear, llama3, yarn)");
    };
  }

  private static double attentionFactor(ConfigReader rope, double factor) throws ModelException {
    double mscale = rope.number("mscale", 0);
    double mscaleAll = rope.number("mscale_all_dim", 0);
    double computed =
        mscale != 0 && mscaleAll != 0
            ? mscale(factor, mscale) / mscale(factor, mscaleAll)
            : mscale(factor, 1);
    return rope.number("attention_factor", computed);
  }

  private static double mscale(double scale, double mscale) {
    return scale <= 1 ? 1 : 0.1 * mscale * Math.log(scale) + 1;
  }

  /** Not null where {@code torch_dtype} or {@code dtype} names one. */
  static @Nullable String dtype(JsonNode json) {
    JsonNode node = json.has("dtype") ? json.get("dtype") : json.get("torch_dtype");
    return node != null && node.isString() ? node.stringValue() : null;
  }
}
