package dev.openlora.engine.training;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterShape;
import dev.openlora.adapter.BaseModel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Configs of every kind of adapter that is trained. */
enum AdapterKinds {
  LORA("'r': 3, 'lora_alpha': 5, 'target_modules': ['q_proj', 'v_proj', 'down_proj']"),
  ALL_LINEAR("'r': 2, 'target_modules': 'all-linear'"),
  REGEX("'target_modules': '.*layers\\\\.1\\\\.mlp\\\\..*_proj', 'exclude_modules': ['up_proj']"),
  RS_LORA("'r': 4, 'lora_alpha': 3, 'use_rslora': true, 'target_modules': ['k_proj', 'o_proj']"),
  PATTERNS(
      "'r': 4, 'target_modules': ['q_proj', 'o_proj', 'gate_proj'],"
          + " 'rank_pattern': {'layers.0.self_attn.q_proj': 6, 'gate_proj': 1},"
          + " 'alpha_pattern': {'o_proj': 2}"),
  SOME_LAYERS("'target_modules': ['o_proj', 'up_proj'], 'layers_to_transform': [1]"),
  DORA("'r': 3, 'use_dora': true, 'target_modules': 'all-linear'"),
  DORA_HEAD("'r': 3, 'use_dora': true, 'target_modules': ['down_proj', 'lm_head']"),
  LORA_BIAS("'r': 3, 'lora_bias': true, 'target_modules': ['q_proj', 'o_proj', 'up_proj']"),
  BIAS_LORA_ONLY("'r': 3, 'bias': 'lora_only', 'target_modules': ['q_proj', 'down_proj']"),
  BIAS_ALL("'r': 3, 'bias': 'all', 'target_modules': ['q_proj', 'down_proj']"),
  BIAS_ALL_DORA("'r': 3, 'bias': 'all', 'use_dora': true, 'target_modules': ['k_proj']"),
  SAVED_HEAD("'target_modules': ['q_proj'], 'modules_to_save': ['lm_head']"),
  HEAD_ALONE("'target_modules': ['lm_head']"),
  SAVED_NORMS("'target_modules': ['v_proj'], 'modules_to_save': ['norm']"),
  SAVED_LAST_NORM("'target_modules': ['lm_head'], 'modules_to_save': ['model.norm']"),
  SAVED_EMBEDDING("'target_modules': ['q_proj'], 'modules_to_save': ['embed_tokens']"),
  SAVED_TIED(
      "'target_modules': ['q_proj'], 'modules_to_save': ['embed_tokens'],"
          + " 'ensure_weight_tying': true"),
  SAVED_LINEAR("'target_modules': ['q_proj', 'v_proj'], 'modules_to_save': ['up_proj', 'k_proj']"),
  EMBEDDING_LORA("'r': 3, 'lora_alpha': 4, 'target_modules': ['embed_tokens', 'q_proj']"),
  HEAD_LORA("'r': 3, 'target_modules': ['v_proj', 'lm_head']"),
  TOKEN_ROWS("'target_modules': ['v_proj'], 'trainable_token_indices': [7, 3, 250, 11]"),
  HEAD_TOKEN_ROWS(
      "'target_modules': ['v_proj'],"
          + " 'trainable_token_indices': {'embed_tokens': [7, 3], 'lm_head': [9, 250, 3]}");

  private final String keys;

  AdapterKinds(String keys) {
    this.keys = keys;
  }

  /** Whether it means something for a base, and is not refused. */
  boolean fits(BaseModel base) {
    return switch (this) {
      case BIAS_ALL, BIAS_ALL_DORA ->
          base.linears().stream().anyMatch(module -> module.bias() != null);
      case HEAD_TOKEN_ROWS -> !base.tiedEmbeddings();
      default -> true;
    };
  }

  static List<AdapterKinds> of(BaseModel base) {
    return Arrays.stream(values()).filter(kind -> kind.fits(base)).toList();
  }

  String config() {
    return ("{'peft_type': 'LORA', 'task_type': 'CAUSAL_LM', " + keys + "}").replace('\'', '"');
  }

  AdapterShape shape(BaseModel base) throws AdapterException {
    return AdapterShape.of(config().getBytes(StandardCharsets.UTF_8), base);
  }
}
