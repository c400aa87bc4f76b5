package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.kernels.ReferenceOps;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterConfigTest {
  private final ReferenceOps ops = new ReferenceOps();
  private final TinyBase base = new TinyBase(TinyBase.Shape.SMALL, ops);

  @AfterEach
  void free() {
    base.close();
    ops.close();
  }

  private static AdapterConfig parse(PeftFolder folder) throws AdapterException {
    return AdapterConfig.parse(folder.configJson().getBytes(StandardCharsets.UTF_8));
  }

  /** A config with one key given as JSON text. */
  private static AdapterConfig parse(String key, String json) throws AdapterException {
    String config = new PeftFolder(1).without(key).configJson();
    String all = "{\"" + key + "\":" + json + "," + config.substring(1);
    return AdapterConfig.parse(all.getBytes(StandardCharsets.UTF_8));
  }

  private List<String> targets(PeftFolder folder) throws AdapterException {
    ModuleRoles roles = ModuleRoles.of(parse(folder), base);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < base.linears().size(); i++) {
      if (roles.linear(i).target()) {
        names.add(base.linears().get(i).name().replace("model.layers.", ""));
      }
    }
    if (roles.embedding().target()) {
      names.add("embed_tokens");
    }
    return names;
  }

  private ModuleRoles.Role role(PeftFolder folder, String module) throws AdapterException {
    return ModuleRoles.of(parse(folder), base).linear(base.linear(module));
  }

  @Test
  void takesPeftsDefaultsForAbsentRankAndAlpha() throws AdapterException {
    AdapterConfig config = parse(new PeftFolder(1).without("r").without("lora_alpha"));
    assertThat(config.rank()).isEqualTo(8);
    assertThat(config.alpha()).isEqualTo(8);
  }

  @Test
  void scalesByAlphaOverRankOrItsRoot() throws AdapterException {
    String q = "model.layers.0.self_attn.q_proj";
    assertThat(role(new PeftFolder(1), q).scale()).isEqualTo(2f);
    assertThat(role(new PeftFolder(1).with("use_rslora", true), q).scale()).isEqualTo(4f);
    assertThat(role(new PeftFolder(1).with("lora_alpha", 0.5), q).scale()).isEqualTo(0.125f);
  }

  @Test
  void takesTheFirstPatternOfTheFile() throws AdapterException {
    String two = "model.layers.1.self_attn.o_proj";
    PeftFolder folder = new PeftFolder(1).with("target_modules", List.of("o_proj"));
    Map<String, Object> alphas = new LinkedHashMap<>();
    alphas.put("layers\\.1\\..*_proj", 3);
    alphas.put("o_proj", 64);
    folder.with("alpha_pattern", alphas).with("rank_pattern", Map.of("1.*", 2));
    assertThat(role(folder, two).scale()).isEqualTo(3f / 2);
    assertThat(role(folder, two).rank()).isEqualTo(2);
    assertThat(role(folder, "model.layers.0.self_attn.o_proj").scale()).isEqualTo(64f / 4);
  }

  @Test
  void matchesPatternsAtDotsOnly() throws AdapterException {
    PeftFolder folder = new PeftFolder(1).with("rank_pattern", Map.of("proj", 2));
    assertThat(role(folder, "model.layers.0.self_attn.q_proj").rank()).isEqualTo(4);
    folder.with("rank_pattern", Map.of("^model\\.layers\\.0\\..*", 2));
    assertThat(role(folder, "model.layers.0.self_attn.q_proj").rank()).isEqualTo(2);
    assertThat(role(folder, "model.layers.1.self_attn.q_proj").rank()).isEqualTo(4);
  }

  @Test
  void choosesTargetsByListPathRegexAndAllLinear() throws AdapterException {
    assertThat(targets(new PeftFolder(1)))
        .containsExactly("0.self_attn.q_proj", "1.self_attn.q_proj");
    assertThat(
            targets(
                new PeftFolder(1)
                    .with(
                        "target_modules",
                        List.of("layers.1.mlp.down_proj", "model.layers.0.self_attn.q_proj"))))
        .containsExactly("0.self_attn.q_proj", "1.mlp.down_proj");
    assertThat(targets(new PeftFolder(1).with("target_modules", ".*\\.0\\..*(q|up)_proj")))
        .containsExactly("0.self_attn.q_proj", "0.mlp.up_proj");
    assertThat(targets(new PeftFolder(1).with("target_modules", "All-Linear"))).hasSize(14);
    assertThat(
            targets(new PeftFolder(1).with("target_modules", List.of("lm_head", "embed_tokens"))))
        .containsExactly("lm_head", "embed_tokens");
  }

  @Test
  void excludesModulesAndSavedOnes() throws AdapterException {
    PeftFolder all = new PeftFolder(1).with("target_modules", "all-linear");
    assertThat(
            targets(all.with("exclude_modules", List.of("q_proj", "model.layers.1.mlp.up_proj"))))
        .hasSize(11)
        .doesNotContain("1.mlp.up_proj")
        .contains("0.mlp.up_proj");
    assertThat(targets(all.with("exclude_modules", ".*mlp.*"))).hasSize(8);
    assertThat(targets(all.with("modules_to_save", List.of("0.self_attn"))))
        .containsExactly(
            "1.self_attn.q_proj", "1.self_attn.k_proj", "1.self_attn.v_proj", "1.self_attn.o_proj");
  }

  @Test
  void choosesLayers() throws AdapterException {
    PeftFolder folder = new PeftFolder(1).with("layers_to_transform", List.of(1));
    assertThat(targets(folder)).containsExactly("1.self_attn.q_proj");
    assertThat(targets(folder.with("layers_to_transform", 0)))
        .containsExactly("0.self_attn.q_proj");
    assertThat(targets(folder.with("layers_pattern", "layers")))
        .containsExactly("0.self_attn.q_proj");
    assertThat(targets(folder.with("layers_pattern", List.of("h", "lay.*"))))
        .containsExactly("0.self_attn.q_proj");
    assertThatThrownBy(() -> targets(folder.with("layers_pattern", "blocks")))
        .hasMessageContaining("target_modules");
    PeftFolder named =
        new PeftFolder(1)
            .with("layers_to_transform", List.of(0))
            .with("target_modules", List.of("model.layers.1.self_attn.q_proj", "k_proj"));
    assertThat(targets(named)).containsExactly("0.self_attn.k_proj", "1.self_attn.q_proj");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "fan_in_fan_out~true",
        "velora_config~{\"a\":1}",
        "runtime_config~{\"ephemeral_gpu_offload\":true}",
        "lora_dropout~0.1",
        "loftq_config~{\"loftq_bits\":4}",
        "eva_config~{\"rho\":2.0}",
        "corda_config~{\"x\":1}",
        "inference_mode~false",
        "revision~\"main\"",
        "auto_mapping~{\"a\":\"b\"}",
        "peft_version~\"0.5.0\"",
        "megatron_core~\"megatron.core\"",
        "qalora_group_size~16",
        "base_model_name_or_path~\"another/base\"",
        "init_lora_weights~false",
        "init_lora_weights~\"gaussian\"",
        "init_lora_weights~\"orthogonal\"",
        "init_lora_weights~\"eva\"",
        "init_lora_weights~\"mica\"",
        "init_lora_weights~null",
        "task_type~null",
        "kasa_config~null",
        "layer_replication~[]",
        "use_qalora~false",
        "use_bdlora~null",
        "arrow_config~{}",
        "monteclora_config~null",
        "megatron_config~null",
        "target_parameters~[]",
        "a_new_key~0",
        "a_new_key~\"\"",
        "a_new_key~0.0",
      })
  void ignoresWhatHasNoEffect(String key, String json) throws AdapterException {
    assertThat(parse(key, json).rank()).isEqualTo(4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "kasa_config~{\"beta\":1}",
        "layer_replication~[[0,4]]",
        "use_qalora~true",
        "use_bdlora~{\"a\":1}",
        "arrow_config~{\"a\":1}",
        "monteclora_config~{\"a\":1}",
        "megatron_config~{\"a\":1}",
        "target_parameters~[\"mlp.experts.gate_up_proj\"]",
        "lora_ga_config~{\"a\":1}",
        "a_new_key~true",
        "a_new_key~1",
        "a_new_key~\"x\"",
        "init_lora_weights~\"pissa\"",
        "init_lora_weights~\"pissa_niter_16\"",
        "init_lora_weights~\"olora\"",
        "init_lora_weights~\"corda\"",
        "init_lora_weights~\"loftq\"",
        "init_lora_weights~\"lora_ga\"",
        "init_lora_weights~\"something\"",
        "peft_type~\"IA3\"",
        "peft_type~\"ADALORA\"",
        "task_type~\"SEQ_2_SEQ_LM\"",
      })
  void refusesByNameWhatIsNotServed(String key, String json) {
    assertThatThrownBy(() -> parse(key, json))
        .isInstanceOfSatisfying(
            AdapterException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNSUPPORTED))
        .hasMessageStartingWith(key)
        .hasMessageContaining(json.startsWith("\"") ? json.replace("\"", "") : "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "peft_type~null",
        "peft_type~1",
        "task_type~\"NONSENSE\"",
        "r~0",
        "r~-1",
        "r~8.5",
        "r~\"8\"",
        "r~null",
        "r~true",
        "r~99999999999",
        "lora_alpha~null",
        "lora_alpha~\"16\"",
        "lora_alpha~1e999",
        "use_rslora~1",
        "use_dora~\"true\"",
        "bias~\"some\"",
        "bias~1",
        "target_modules~null",
        "target_modules~5",
        "target_modules~[]",
        "target_modules~[1]",
        "target_modules~{\"a\":1}",
        "exclude_modules~5",
        "layers_to_transform~[\"0\"]",
        "layers_to_transform~[-1]",
        "layers_to_transform~1.5",
        "layers_pattern~\"layers\"",
        "layers_pattern~7",
        "rank_pattern~[]",
        "rank_pattern~{\"q_proj\":0}",
        "rank_pattern~{\"q_proj\":1.5}",
        "rank_pattern~{\"q_proj\":\"4\"}",
        "alpha_pattern~{\"q_proj\":null}",
        "modules_to_save~\"lm_head\"",
        "modules_to_save~[\"../lm_head\"]",
        "modules_to_save~[\"\"]",
        "trainable_token_indices~7",
        "trainable_token_indices~[-1]",
        "trainable_token_indices~[1,1]",
        "trainable_token_indices~{\"embed_tokens\":[]}",
        "trainable_token_indices~{\"embed_tokens\":[0.5]}",
        "alora_invocation_tokens~[]",
        "alora_invocation_tokens~[-2]",
        "alora_invocation_tokens~\"abc\"",
        "init_lora_weights~5",
        "ensure_weight_tying~\"yes\"",
        "lora_bias~[]",
      })
  void refusesByKeyAWrongValue(String key, String json) {
    assertThatThrownBy(() -> parse(key, json))
        .isInstanceOfSatisfying(
            AdapterException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID))
        .hasMessageContaining(key);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "\"x\"",
        "null",
        "{",
        "{}x",
        "{\"a\":NaN}",
        "{\"r\":8,\"r\":9}",
        "{'r':8}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}",
        "{\"peft_type\":\"LORA\"} {}"
      })
  void refusesWhatIsNoObject(String text) {
    assertThatThrownBy(() -> AdapterConfig.parse(text.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(AdapterException.class)
        .hasMessageContaining("adapter_config.json");
  }

  @Test
  void refusesAnOversizedConfig() {
    byte[] bytes = ("{\"a\":\"" + "x".repeat(1 << 20) + "\"}").getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> AdapterConfig.parse(bytes)).hasMessageContaining("1048576");
  }

  @Test
  void refusesContradictions() {
    PeftFolder folder = new PeftFolder(1).with("use_dora", true);
    assertThatThrownBy(() -> parse(folder.with("lora_bias", true)))
        .hasMessageContaining("lora_bias");
    assertThatThrownBy(() ->
            parse(
                new PeftFolder(1)
                    .with("use_dora", true)
                    .with("alora_invocation_tokens", List.of(1))))
        .hasMessageContaining("alora_invocation_tokens")
        .hasMessageContaining("use_dora");
    assertThatThrownBy(() ->
            parse(
                new PeftFolder(1)
                    .with("target_modules", ".*q_proj")
                    .with("layers_to_transform", List.of(0))))
        .hasMessageContaining("layers_to_transform");
  }

  @Test
  void showsNoControlCharactersOfTheFile() {
    assertThatThrownBy(() -> parse("bias", "\"a\\u0000\\u202eb\\n\""))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContainPattern("[\\p{Cntrl}\\u202e]"));
  }
}
