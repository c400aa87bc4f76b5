package dev.openlora.adapter;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an {@code adapter_config.json} means at inference, as PEFT means it. Every key is served,
 * known to have no effect at inference, or refused by its name; a key nobody knows is refused
 * unless its value says nothing, since it may change results.
 *
 * @param rank the rank of modules that no {@code rankPattern} names
 * @param alpha likewise
 * @param layers the layers among which targets are chosen; empty for all
 * @param layersPatterns expressions for the name part before a layer's number; empty for any
 * @param tokenIds ids of replaced embedding rows by the module's name in the file's order
 * @param invocationTokens empty: always active
 */
record AdapterConfig(
    @Nullable String taskType,
    int rank,
    double alpha,
    NumberPatterns rankPattern,
    NumberPatterns alphaPattern,
    boolean rsLora,
    boolean dora,
    boolean loraBias,
    Bias bias,
    ModuleNames targets,
    @Nullable ModuleNames excluded,
    int[] layers,
    List<NamePattern> layersPatterns,
    List<String> modulesToSave,
    Map<String, int[]> tokenIds,
    boolean ensureWeightTying,
    int[] invocationTokens) {

  /** Which of the base's biases the file replaces. */
  enum Bias {
    NONE,
    ALL,
    LORA_ONLY
  }

  /** The module that a plain list of {@code trainable_token_indices} stands for. */
  static final String EMBEDDING = "embed_tokens";

  static final int DEFAULT_RANK = 8;
  static final int DEFAULT_ALPHA = 8;
  private static final int MAX_INVOCATION_TOKENS = 1_000;

  private static final Set<String> SERVED =
      Set.of(
          "peft_type",
          "task_type",
          "r",
          "lora_alpha",
          "use_rslora",
          "rank_pattern",
          "alpha_pattern",
          "target_modules",
          "exclude_modules",
          "layers_to_transform",
          "layers_pattern",
          "bias",
          "lora_bias",
          "modules_to_save",
          "trainable_token_indices",
          "ensure_weight_tying",
          "use_dora",
          "alora_invocation_tokens",
          "init_lora_weights");

  private static final Set<String> WITHOUT_EFFECT =
      Set.of(
          "velora_config",
          "runtime_config",
          "lora_dropout",
          "loftq_config",
          "eva_config",
          "corda_config",
          "inference_mode",
          "revision",
          "auto_mapping",
          "peft_version",
          "megatron_core",
          "qalora_group_size",
          "base_model_name_or_path",
          "fan_in_fan_out");

  private static final Set<String> TASKS =
      Set.of(
          "CAUSAL_LM",
          "SEQ_CLS",
          "TOKEN_CLS",
          "QUESTION_ANS",
          "FEATURE_EXTRACTION",
          "SEQ_2_SEQ_LM");

  private static final Set<String> HARMLESS_INITS = Set.of("gaussian", "orthogonal", "eva", "mica");

  static AdapterConfig parse(byte[] bytes) throws AdapterException {
    return parse(ConfigJson.read(bytes));
  }

  static AdapterConfig parse(ConfigJson json) throws AdapterException {
    checkType(json);
    checkInit(json);
    checkUnserved(json);
    int rank = json.integer("r", DEFAULT_RANK);
    if (rank < 1) {
      throw Refusal.invalid("r", rank + " (expected: at least 1)");
    }
    NumberPatterns rankPattern = ranks(json.numbers("rank_pattern"));
    AdapterConfig config =
        new AdapterConfig(
            task(json),
            rank,
            json.number("lora_alpha", DEFAULT_ALPHA),
            rankPattern,
            NumberPatterns.of("alpha_pattern", json.numbers("alpha_pattern")),
            json.flag("use_rslora"),
            json.flag("use_dora"),
            json.flag("lora_bias"),
            bias(json),
            targets(json),
            excluded(json),
            layers(json),
            layersPatterns(json),
            savedModules(json),
            tokenIds(json),
            json.flag("ensure_weight_tying"),
            invocationTokens(json));
    config.checkCombinations(json);
    return config;
  }

  private static void checkType(ConfigJson json) throws AdapterException {
    String type = json.text("peft_type");
    if (type == null) {
      throw Refusal.invalid("peft_type", "null (expected: LORA)");
    }
    if (!type.equals("LORA")) {
      throw Refusal.unsupported("peft_type", json.quote("peft_type") + " (served: LORA)");
    }
  }

  private static @Nullable String task(ConfigJson json) throws AdapterException {
    String task = json.text("task_type");
    if (task != null && !TASKS.contains(task)) {
      throw Refusal.invalid("task_type", json.quote("task_type") + " (expected: CAUSAL_LM)");
    }
    if ("SEQ_2_SEQ_LM".equals(task)) {
      throw Refusal.unsupported("task_type", "SEQ_2_SEQ_LM (served: CAUSAL_LM)");
    }
    return task;
  }

  private static void checkInit(ConfigJson json) throws AdapterException {
    String key = "init_lora_weights";
    if (!json.has(key) || json.isFlag(key)) {
      return;
    }
    String init = json.text(key);
    if (init == null || !HARMLESS_INITS.contains(init.toLowerCase(Locale.ROOT))) {
      throw Refusal.unsupported(
          key,
          json.quote(key)
              + " changes the base weight when the adapter is made, or is unknown (served: true,"
              + " false, gaussian, orthogonal, eva, mica; a converted adapter says true)");
    }
  }

  private static void checkUnserved(ConfigJson json) throws AdapterException {
    for (String key : json.keys()) {
      if (!SERVED.contains(key) && !WITHOUT_EFFECT.contains(key) && !json.isEmpty(key)) {
        throw Refusal.unsupported(
            Refusal.shown(key), json.quote(key) + " is not served and may change results");
      }
    }
  }

  private static NumberPatterns ranks(Map<String, Double> ranks) throws AdapterException {
    for (Map.Entry<String, Double> entry : ranks.entrySet()) {
      double rank = entry.getValue();
      if (rank < 1 || rank != Math.rint(rank) || rank > Integer.MAX_VALUE) {
        throw Refusal.invalid(
            "rank_pattern." + Refusal.shown(entry.getKey()),
            rank + " (expected: an integer, at least 1)");
      }
    }
    return NumberPatterns.of("rank_pattern", ranks);
  }

  private static Bias bias(ConfigJson json) throws AdapterException {
    String bias = json.text("bias");
    return switch (bias == null ? "none" : bias) {
      case "none" -> Bias.NONE;
      case "all" -> Bias.ALL;
      case "lora_only" -> Bias.LORA_ONLY;
      default ->
          throw Refusal.invalid("bias", json.quote("bias") + " (expected: none, all or lora_only)");
    };
  }

  private static ModuleNames targets(ConfigJson json) throws AdapterException {
    String key = "target_modules";
    if (!json.has(key)) {
      throw Refusal.invalid(key, "null (expected: a list, a regular expression or all-linear)");
    }
    if (json.isText(key)) {
      String text = json.text(key);
      return text != null && text.toLowerCase(Locale.ROOT).equals("all-linear")
          ? new ModuleNames.AllLinear()
          : new ModuleNames.Matching(NamePattern.compile(key, text == null ? "" : text));
    }
    return new ModuleNames.Listed(json.texts(key));
  }

  private static @Nullable ModuleNames excluded(ConfigJson json) throws AdapterException {
    String key = "exclude_modules";
    if (json.isEmpty(key)) {
      return null;
    }
    String text = json.isText(key) ? json.text(key) : null;
    return text == null
        ? new ModuleNames.Listed(json.texts(key))
        : new ModuleNames.Matching(NamePattern.compile(key, text));
  }

  private static int[] layers(ConfigJson json) throws AdapterException {
    String key = "layers_to_transform";
    int[] layers = json.isInteger(key) ? new int[] {json.integer(key, 0)} : json.integers(key);
    for (int layer : layers) {
      if (layer < 0) {
        throw Refusal.invalid(key, layer + " (expected: at least 0)");
      }
    }
    return layers;
  }

  private static List<NamePattern> layersPatterns(ConfigJson json) throws AdapterException {
    String key = "layers_pattern";
    if (json.isEmpty(key)) {
      return List.of();
    }
    String text = json.isText(key) ? json.text(key) : null;
    List<NamePattern> patterns = new ArrayList<>();
    for (String pattern : text == null ? json.texts(key) : List.of(text)) {
      if (pattern.indexOf('|') >= 0) {
        throw Refusal.unsupported(key, json.quote(key) + " holds a | (served: no alternatives)");
      }
      patterns.add(NamePattern.compile(key, ".*\\." + pattern));
    }
    return patterns;
  }

  private static List<String> savedModules(ConfigJson json) throws AdapterException {
    String key = "modules_to_save";
    List<String> names = json.texts(key);
    for (String name : names) {
      if (!name.matches("[A-Za-z0-9_][A-Za-z0-9_.]{0,199}")) {
        throw Refusal.invalid(
            key, "'" + Refusal.shown(name) + "' (expected: names of modules or their ends)");
      }
    }
    return names;
  }

  private static Map<String, int[]> tokenIds(ConfigJson json) throws AdapterException {
    String key = "trainable_token_indices";
    if (json.isEmpty(key)) {
      return Map.of();
    }
    Map<String, int[]> all =
        json.isObject(key) ? json.integerLists(key) : Map.of(EMBEDDING, json.integers(key));
    for (Map.Entry<String, int[]> entry : all.entrySet()) {
      Set<Integer> seen = new HashSet<>();
      if (entry.getValue().length == 0) {
        throw Refusal.invalid(
            key, Refusal.shown(entry.getKey()) + " without ids (expected: at least one)");
      }
      for (int id : entry.getValue()) {
        if (id < 0) {
          throw Refusal.invalid(key, id + " (expected: a token id)");
        }
        if (!seen.add(id)) {
          throw Refusal.invalid(key, id + " twice (expected: each id once)");
        }
      }
    }
    return all;
  }

  private static int[] invocationTokens(ConfigJson json) throws AdapterException {
    String key = "alora_invocation_tokens";
    int[] tokens = json.integers(key);
    if (json.has(key) && (tokens.length == 0 || tokens.length > MAX_INVOCATION_TOKENS)) {
      throw Refusal.invalid(
          key, tokens.length + " ids (expected: null, or 1 to " + MAX_INVOCATION_TOKENS + " ids)");
    }
    for (int id : tokens) {
      if (id < 0) {
        throw Refusal.invalid(key, id + " (expected: a token id)");
      }
    }
    return tokens;
  }

  private void checkCombinations(ConfigJson json) throws AdapterException {
    if (loraBias && dora) {
      throw Refusal.unsupported("lora_bias", "true together with use_dora");
    }
    if (layers.length > 0 && !(targets instanceof ModuleNames.Listed)) {
      throw Refusal.invalid(
          "layers_to_transform",
          json.quote("layers_to_transform")
              + " with target_modules "
              + json.quote("target_modules")
              + " (expected: a list of target_modules)");
    }
    if (!layersPatterns.isEmpty() && layers.length == 0) {
      throw Refusal.invalid(
          "layers_pattern",
          json.quote("layers_pattern") + " without layers_to_transform (expected: both)");
    }
    if (targets instanceof ModuleNames.Listed(List<String> names)
        && names.isEmpty()
        && modulesToSave.isEmpty()
        && tokenIds.isEmpty()
        && bias != Bias.ALL) {
      throw Refusal.invalid("target_modules", "[] (expected: at least one module)");
    }
    if (invocationTokens.length > 0) {
      String other =
          dora
              ? "use_dora"
              : bias != Bias.NONE
                  ? "bias"
                  : !modulesToSave.isEmpty()
                      ? "modules_to_save"
                      : !tokenIds.isEmpty() ? "trainable_token_indices" : "";
      if (!other.isEmpty()) {
        throw Refusal.unsupported("alora_invocation_tokens", "together with " + other);
      }
    }
  }
}
