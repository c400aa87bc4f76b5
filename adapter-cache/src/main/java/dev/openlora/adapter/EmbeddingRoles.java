package dev.openlora.adapter;

import java.util.Map;

/**
 * What a config says about the embedding and the head, which may be one matrix: their roles, the
 * ids of rows that are replaced, and which of these go together.
 *
 * @param tokenIds of replaced rows of the embedding; empty for none
 * @param headTokenIds of replaced rows of an untied head; empty for none
 */
record EmbeddingRoles(
    ModuleRoles.Role embedding, ModuleRoles.Role head, int[] tokenIds, int[] headTokenIds) {

  static EmbeddingRoles of(AdapterConfig config, ModuleRoles roles, BaseModel base)
      throws AdapterException {
    String head = base.linears().getLast().name();
    int[] tokenIds = {};
    int[] headTokenIds = {};
    for (Map.Entry<String, int[]> entry : config.tokenIds().entrySet()) {
      boolean embedding = ModuleRoles.EMBEDDING.endsWith(entry.getKey());
      boolean ofHead = head.endsWith(entry.getKey());
      if (entry.getKey().isEmpty()
          || embedding == ofHead
          || (embedding ? tokenIds : headTokenIds).length > 0) {
        throw Refusal.invalid(
            "trainable_token_indices",
            "'"
                + Refusal.shown(entry.getKey())
                + "' (expected: embed_tokens or "
                + head
                + ", once)");
      }
      for (int id : entry.getValue()) {
        if (id >= base.vocabularySize()) {
          throw Refusal.invalid(
              "trainable_token_indices",
              id + " (expected: an id below the vocabulary's " + base.vocabularySize() + ")");
        }
      }
      if (embedding) {
        tokenIds = entry.getValue();
      } else {
        headTokenIds = entry.getValue();
      }
    }
    EmbeddingRoles found =
        new EmbeddingRoles(
            roles.embedding(), roles.linear(base.linears().size() - 1), tokenIds, headTokenIds);
    found.checkCombinations(config, head, base.tiedEmbeddings());
    return found;
  }

  private void checkCombinations(AdapterConfig config, String headName, boolean tied)
      throws AdapterException {
    String tokens = "trainable_token_indices";
    refuse(
        embedding.target() && config.dora(), "use_dora", "with embed_tokens among target_modules");
    refuse(
        embedding.target() && config.loraBias(),
        "lora_bias",
        "with embed_tokens among target_modules");
    refuse(
        tokenIds.length > 0 && (embedding.target() || embedding.saved()),
        tokens,
        "of embed_tokens, which target_modules or modules_to_save names as well");
    refuse(
        headTokenIds.length > 0 && (head.target() || head.saved()),
        tokens,
        "of " + headName + ", which target_modules or modules_to_save names as well");
    refuse(headTokenIds.length > 0 && tied, tokens, "of a tied " + headName);
    refuse(
        tokenIds.length > 0 && tied && (head.target() || head.saved()),
        tokens,
        "of a tied base whose " + headName + " is changed as well");
    refuse(
        config.ensureWeightTying()
            && tied
            && (embedding.target() || head.target() || (head.saved() && !embedding.saved())),
        "ensure_weight_tying",
        "with LoRA on embed_tokens or " + headName + ", or with only the head saved");
  }

  private static void refuse(boolean wrong, String key, String what) throws AdapterException {
    if (wrong) {
      throw Refusal.unsupported(key, what + " is not served");
    }
  }
}
