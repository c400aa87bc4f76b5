package dev.openlora.adapter;

import java.util.List;

/** What a tensor of an adapter file is to its module, by the end of its name. Longer ends first. */
enum TensorPart {
  B_BIAS(".lora_B.bias"),
  A(".lora_A.weight"),
  B(".lora_B.weight"),
  MAGNITUDE(".lora_magnitude_vector", ".lora_magnitude_vector.weight"),
  EMBEDDING_A(".lora_embedding_A"),
  EMBEDDING_B(".lora_embedding_B"),
  TOKEN_ROWS(".token_adapter.trainable_tokens_delta"),
  BASE_WEIGHT(".base_layer.weight"),
  BASE_BIAS(".base_layer.bias"),
  WEIGHT(".weight"),
  BIAS(".bias");

  private final List<String> endings;

  TensorPart(String... endings) {
    this.endings = List.of(endings);
  }

  List<String> endings() {
    return endings;
  }

  /** The usual end of such a name, for messages. */
  String ending() {
    return endings.getFirst();
  }
}
