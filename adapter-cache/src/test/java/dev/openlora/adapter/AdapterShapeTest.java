package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** What a config makes trainable, and which keys training refuses. */
class AdapterShapeTest {
  @TempDir private Path folder;

  private Ops ops;
  private TinyBase base;
  private TinyBase tied;

  @BeforeEach
  void open() {
    ops = new ReferenceOps();
    base = new TinyBase(TinyBase.Shape.SMALL.withBiases("qkv"), ops);
    tied = new TinyBase(TinyBase.Shape.SMALL.withTied(true), ops);
  }

  @AfterEach
  void close() {
    tied.close();
    base.close();
    ops.close();
  }

  private static AdapterShape shape(BaseModel base, PeftFolder folder) throws AdapterException {
    return AdapterShape.of(folder.configJson().getBytes(StandardCharsets.UTF_8), base);
  }

  private static PeftFolder config() {
    return new PeftFolder(1);
  }

  private void refuses(BaseModel of, PeftFolder config, Reason reason, String message) {
    assertThatThrownBy(() -> shape(of, config))
        .isInstanceOfSatisfying(
            AdapterException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lora_dropout | 0.1 | lora_dropout: 0.1 is not followed in training",
        "alora_invocation_tokens | [3] | alora_invocation_tokens: [3] is not followed in training",
        "loftq_config | {\"bits\": 4} | loftq_config: {\"bits\":4} is not followed in training",
        "eva_config | {\"rho\": 2} | eva_config: {\"rho\":2} is not followed in training",
        "corda_config | {\"a\": 1} | corda_config: {\"a\":1} is not followed in training",
        "velora_config | {\"a\": 1} | velora_config: {\"a\":1} is not followed in training",
        "init_lora_weights | \"gaussian\" | init_lora_weights: \"gaussian\" (trained: true)",
        "init_lora_weights | false | init_lora_weights: false (trained: true)",
        "init_lora_weights | \"pissa\" | init_lora_weights: \"pissa\" changes the base weight",
        "task_type | \"SEQ_CLS\" | task_type: SEQ_CLS (trained: CAUSAL_LM)",
        "target_parameters | [\"a\"] | target_parameters: [\"a\"] is not served",
        "layer_replication | [[0, 1]] | layer_replication: [[0,1]] is not served"
      })
  void refusesWhatTrainingDoesNotFollow(String key, String value, String message) {
    refuses(base, config().with(key, json(value)), Reason.UNSUPPORTED, message);
  }

  private static @Nullable Object json(String value) {
    return new JsonMapper().readValue(value, Object.class);
  }

  @Test
  void refusesWhatNoFileCouldHold() {
    refuses(
        tied,
        config().with("target_modules", List.of()).with("modules_to_save", List.of("norm")),
        Reason.INVALID,
        "target_modules: [] (expected: at least one module)");
    refuses(base, config().with("r", 4_097), Reason.INVALID, "r: 4097 (expected: at most 4096)");
    refuses(
        tied,
        config().with("trainable_token_indices", Map.of("lm_head", List.of(1))),
        Reason.UNSUPPORTED,
        "trainable_token_indices: of a tied lm_head is not served");
    refuses(
        tied,
        config().with("ensure_weight_tying", true).with("target_modules", List.of("embed_tokens")),
        Reason.UNSUPPORTED,
        "ensure_weight_tying: with LoRA on embed_tokens");
  }

  @Test
  void refusesTargetsThatAreMoreThanLinearLayers() throws AdapterException {
    PeftFolder wide = config().with("target_modules", ".*layers\\.1\\.mlp.*");
    String message = " is no linear layer (expected: linear layers alone)";
    refuses(base, wide, Reason.INVALID, "target_modules: 'model.layers.1.mlp'" + message);
    PeftFolder block = config().with("target_modules", List.of("q_proj", "self_attn"));
    refuses(base, block, Reason.INVALID, "'model.layers.0.self_attn'" + message);
    block.with("exclude_modules", List.of("self_attn"));
    assertThat(shape(base, block).linear(0).rank()).isEqualTo(4);
  }

  @Test
  void namesThePartsOfEachModule() throws AdapterException {
    AdapterShape shape =
        shape(
            base,
            config()
                .with("target_modules", List.of("q_proj", "o_proj", "embed_tokens"))
                .with("modules_to_save", List.of("lm_head", "k_proj", "input_layernorm"))
                .with("rank_pattern", Map.of("layers.1.self_attn.q_proj", 2))
                .with("use_rslora", true)
                .with("bias", "lora_only"));
    String layer = "base_model.model.model.layers.1.";
    assertThat(shape.linear(module("model.layers.1.self_attn.q_proj")))
        .isEqualTo(
            new AdapterShape.Linear(
                layer + "self_attn.q_proj.lora_A.weight",
                layer + "self_attn.q_proj.lora_B.weight",
                2,
                (float) (8 / Math.sqrt(2)),
                null,
                null,
                null,
                layer + "self_attn.q_proj.base_layer.bias"));
    assertThat(shape.linear(module("model.layers.1.self_attn.k_proj")))
        .isEqualTo(
            new AdapterShape.Linear(
                null,
                null,
                0,
                0,
                null,
                null,
                layer + "self_attn.k_proj.weight",
                layer + "self_attn.k_proj.bias"));
    assertThat(shape.linear(module("model.layers.1.self_attn.v_proj")))
        .isEqualTo(new AdapterShape.Linear(null, null, 0, 0, null, null, null, null));
    assertThat(shape.linear(module("model.layers.1.self_attn.o_proj")).bias()).isNull();
    assertThat(shape.linear(module("lm_head")).weight())
        .isEqualTo("base_model.model.lm_head.weight");
    assertThat(shape.norm(0)).isEqualTo("base_model.model.model.layers.0.input_layernorm.weight");
    assertThat(shape.norm(1)).isNull();
    assertThat(shape.embedding().a())
        .isEqualTo("base_model.model.model.embed_tokens.lora_embedding_A");
    assertThat(shape.embedding().tied()).isFalse();
  }

  @Test
  void namesMagnitudesAndTheBiasOfB() throws AdapterException {
    int query = module("model.layers.0.self_attn.q_proj");
    assertThat(shape(base, config().with("use_dora", true)).linear(query).magnitude())
        .isEqualTo("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector");
    assertThat(shape(base, config().with("lora_bias", true)).linear(query).productBias())
        .isEqualTo("base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias");
  }

  @Test
  void knowsWhichMatrixATiedHeadHas() throws AdapterException {
    PeftFolder rows = config().with("trainable_token_indices", List.of(3, 1));
    String name = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta";
    assertThat(shape(tied, rows).embedding().rows())
        .extracting(AdapterShape.TokenRows::name)
        .isEqualTo(name);
    assertThat(shape(tied, rows).embedding().rows())
        .extracting(AdapterShape.TokenRows::tokenIds)
        .isEqualTo(new int[] {3, 1});
    assertThat(shape(tied, rows).embedding().tied()).isTrue();
    assertThat(shape(base, rows).embedding().tied()).isFalse();
    PeftFolder saved = config().with("modules_to_save", List.of("embed_tokens"));
    assertThat(shape(tied, saved).embedding().tied()).isFalse();
    assertThat(shape(tied, saved).embedding().headTable()).isNull();
    saved.with("ensure_weight_tying", true);
    assertThat(shape(tied, saved).embedding().tied()).isTrue();
    assertThat(shape(tied, saved).embedding().headTable())
        .isEqualTo("base_model.model.lm_head.weight");
    assertThat(shape(base, saved).embedding().tied()).isFalse();
    PeftFolder head = config().with("trainable_token_indices", Map.of("lm_head", List.of(2)));
    assertThat(shape(base, head).headRows())
        .extracting(AdapterShape.TokenRows::tokenIds)
        .isEqualTo(new int[] {2});
  }

  @Test
  void writesAConfigThatLoadsAsItself() throws AdapterException {
    PeftFolder sparse =
        config().without("r").without("lora_alpha").without("task_type").with("bias", "all");
    sparse.without("base_model_name_or_path").with("inference_mode", false);
    byte[] written = shape(base, sparse).config("tiny");
    String text = new String(written, StandardCharsets.UTF_8).replace(" ", "");
    assertThat(text)
        .contains("\"r\":8", "\"lora_alpha\":8", "\"task_type\":\"CAUSAL_LM\"")
        .contains("\"base_model_name_or_path\":\"tiny\"", "\"inference_mode\":true");
    assertThat(AdapterShape.of(written, base).config("other")).isEqualTo(written);
    AdapterShape shape = AdapterShape.of(written, base);
    PeftFolder file = new PeftFolder(2).pairs(base, 8, "q_proj");
    for (int i = 0; i < base.linears().size(); i++) {
      String bias = shape.linear(i).bias();
      if (bias != null) {
        int width = base.linears().get(i).out();
        file.tensor(bias.substring("base_model.model.".length()), width);
      }
    }
    PeftFolder.write(folder, new String(written, StandardCharsets.UTF_8), file.weights());
    try (LoadedAdapter loaded = AdapterLoader.load("written", folder, base, ops)) {
      assertThat(loaded.description()).isEqualTo("LoRA r8, bias");
    }
  }

  private int module(String name) {
    for (int i = 0; i < base.linears().size(); i++) {
      if (base.linears().get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalArgumentException(name);
  }
}
