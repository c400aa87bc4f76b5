package dev.openlora.adapter;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an {@code adapter_config.json} makes trainable in a base model, module by module, under the
 * names that PEFT gives the tensors of the file. It follows the same rules as loading, so that what
 * is trained by it loads; a key that would change training and is not followed is refused by its
 * name. Immutable; any thread.
 */
public final class AdapterShape {
  private static final int RANK_MAX = 4_096;

  /** Keys that change how training goes or starts, not what it ends with at inference. */
  private static final List<String> UNTRAINED =
      List.of(
          "lora_dropout",
          "alora_invocation_tokens",
          "loftq_config",
          "eva_config",
          "corda_config",
          "velora_config");

  private final ObjectNode config;
  private final List<Linear> linears = new ArrayList<>();
  private final List<@Nullable String> norms = new ArrayList<>();
  private final Embedding embedding;
  private final @Nullable TokenRows headRows;

  /**
   * A linear module [out, in]. A name is that of a tensor in the file, null where there is none.
   *
   * @param a [rank, in]
   * @param b [out, rank]
   * @param scale alpha / rank or alpha / √rank; 0 without a pair
   * @param magnitude [out], of DoRA
   * @param productBias [out], the bias of B, under the same scale
   * @param weight [out, in], in the place of the base's weight
   * @param bias [out], in the place of the base's bias
   */
  public record Linear(
      @Nullable String a,
      @Nullable String b,
      int rank,
      float scale,
      @Nullable String magnitude,
      @Nullable String productBias,
      @Nullable String weight,
      @Nullable String bias) {}

  /** A tensor [ids, hidden] whose rows stand in for those of a matrix. */
  public record TokenRows(String name, int[] tokenIds) {}

  /**
   * The embedding [vocabulary, hidden].
   *
   * @param table [vocabulary, hidden], in the place of the base's
   * @param headTable the name under which PEFT wants the table a second time, for the head that has
   *     to stay tied to it, or null
   * @param rows in the place of some of the base's
   * @param tied whether table or rows take the same place in the head
   * @param a [rank, vocabulary]
   * @param b [hidden, rank]
   */
  public record Embedding(
      @Nullable String table,
      @Nullable String headTable,
      @Nullable TokenRows rows,
      boolean tied,
      @Nullable String a,
      @Nullable String b,
      int rank,
      float scale) {}

  private AdapterShape(ConfigJson json, BaseModel base) throws AdapterException {
    AdapterConfig parsed = AdapterConfig.parse(json);
    refuseUntrained(json, parsed);
    config = json.copy();
    ModuleRoles roles = ModuleRoles.of(parsed, base);
    roles.refuseBlocks(base);
    EmbeddingRoles ends = EmbeddingRoles.of(parsed, roles, base);
    for (int i = 0; i < base.linears().size(); i++) {
      linears.add(linear(base.linears().get(i), roles.linear(i), parsed));
    }
    for (int i = 0; i < base.norms().size(); i++) {
      boolean saved = roles.norm(i).saved();
      norms.add(saved ? name(base.norms().get(i).name(), TensorPart.WEIGHT) : null);
    }
    embedding = embedding(ends, parsed, base);
    String head = base.linears().getLast().name();
    headRows = rows(head, ends.headTokenIds());
    requirePair();
  }

  /**
   * Reads a config for a base.
   *
   * @throws AdapterException naming the key that is wrong, does not fit the base, or is not
   *     followed in training
   */
  public static AdapterShape of(byte[] config, BaseModel base) throws AdapterException {
    return new AdapterShape(ConfigJson.read(config), base);
  }

  private static void refuseUntrained(ConfigJson json, AdapterConfig parsed)
      throws AdapterException {
    for (String key : UNTRAINED) {
      if (!json.isEmpty(key)) {
        throw Refusal.unsupported(key, json.quote(key) + " is not followed in training");
      }
    }
    String init = "init_lora_weights";
    if (json.has(init) && !(json.isFlag(init) && json.flag(init))) {
      throw Refusal.unsupported(init, json.quote(init) + " (trained: true)");
    }
    if (parsed.taskType() != null && !parsed.taskType().equals("CAUSAL_LM")) {
      throw Refusal.unsupported("task_type", parsed.taskType() + " (trained: CAUSAL_LM)");
    }
  }

  private static Linear linear(
      BaseModel.LinearModule module, ModuleRoles.Role role, AdapterConfig config)
      throws AdapterException {
    String name = module.name();
    boolean pair = role.target();
    boolean bias =
        module.bias() != null
            && (role.saved()
                || config.bias() == AdapterConfig.Bias.ALL
                || (config.bias() == AdapterConfig.Bias.LORA_ONLY && pair));
    return new Linear(
        pair ? name(name, TensorPart.A) : null,
        pair ? name(name, TensorPart.B) : null,
        rank(role),
        role.scale(),
        pair && config.dora() ? name(name, TensorPart.MAGNITUDE) : null,
        pair && config.loraBias() ? name(name, TensorPart.B_BIAS) : null,
        role.saved() ? name(name, TensorPart.WEIGHT) : null,
        bias ? name(name, pair ? TensorPart.BASE_BIAS : TensorPart.BIAS) : null);
  }

  private static int rank(ModuleRoles.Role role) throws AdapterException {
    if (role.rank() > RANK_MAX) {
      throw Refusal.invalid("r", role.rank() + " (expected: at most " + RANK_MAX + ")");
    }
    return role.rank();
  }

  private static Embedding embedding(EmbeddingRoles ends, AdapterConfig config, BaseModel base)
      throws AdapterException {
    ModuleRoles.Role role = ends.embedding();
    String module = ModuleRoles.EMBEDDING;
    boolean rows = base.tiedEmbeddings() && ends.tokenIds().length > 0;
    boolean table = base.tiedEmbeddings() && role.saved() && config.ensureWeightTying();
    return new Embedding(
        role.saved() ? name(module, TensorPart.WEIGHT) : null,
        table ? name(base.linears().getLast().name(), TensorPart.WEIGHT) : null,
        rows(module, ends.tokenIds()),
        rows || table,
        role.target() ? name(module, TensorPart.EMBEDDING_A) : null,
        role.target() ? name(module, TensorPart.EMBEDDING_B) : null,
        rank(role),
        role.scale());
  }

  private static @Nullable TokenRows rows(String module, int[] tokenIds) {
    return tokenIds.length == 0
        ? null
        : new TokenRows(name(module, TensorPart.TOKEN_ROWS), tokenIds);
  }

  private static String name(String module, TensorPart part) {
    return AdapterTensors.expected(module, part);
  }

  /** PEFT opens no LoRA adapter that has no pair, whatever else it changes. */
  private void requirePair() throws AdapterException {
    if (embedding.a() == null && linears.stream().allMatch(linear -> linear.a() == null)) {
      throw Refusal.invalid("target_modules", "[] (expected: at least one module)");
    }
  }

  /** By the module's position in {@link BaseModel#linears}. */
  public Linear linear(int module) {
    return linears.get(module);
  }

  /** The tensor [width] by the module's position in {@link BaseModel#norms}, or null. */
  public @Nullable String norm(int module) {
    return norms.get(module);
  }

  public Embedding embedding() {
    return embedding;
  }

  /** Rows of an untied head that stand in for the base's, or null. */
  public @Nullable TokenRows headRows() {
    return headRows;
  }

  /** The config as it goes beside the tensors: for inference, with what PEFT needs spelled out. */
  public byte[] config(String baseName) {
    ObjectNode written = config.deepCopy();
    written.put("inference_mode", true);
    ifAbsent(written, "task_type", "CAUSAL_LM");
    ifAbsent(written, "base_model_name_or_path", baseName);
    if (!written.hasNonNull("r")) {
      written.put("r", AdapterConfig.DEFAULT_RANK);
    }
    if (!written.hasNonNull("lora_alpha")) {
      written.put("lora_alpha", AdapterConfig.DEFAULT_ALPHA);
    }
    return written.toPrettyString().getBytes(StandardCharsets.UTF_8);
  }

  private static void ifAbsent(ObjectNode config, String key, String value) {
    if (!config.hasNonNull(key)) {
      config.put(key, value);
    }
  }
}
