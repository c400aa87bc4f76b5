package dev.openlora.engine.text;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * The tokens with a role. A text may end at any of {@link #eosTokenIds}: the tokenizer's own one
 * and those of {@code generation_config.json}, or of {@code config.json} where the former has none.
 *
 * @param texts by role, as chat templates call them: {@code bos_token} to its text
 * @param bosTokenId what a prompt begins with, where the model has such a thing
 */
public record SpecialTokens(
    Map<String, String> texts, OptionalInt bosTokenId, Set<Integer> eosTokenIds) {
  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "pad_token",
          "sep_token",
          "cls_token",
          "mask_token");

  private static final long FILE_BYTES_MAX = 16L << 20;

  public SpecialTokens {
    texts = Collections.unmodifiableMap(new LinkedHashMap<>(texts));
    eosTokenIds = Collections.unmodifiableSet(new LinkedHashSet<>(eosTokenIds));
  }

  static SpecialTokens read(Path directory, JsonNode tokenizerConfig, Vocabulary vocabulary)
      throws IOException {
    JsonNode map = ModelJson.object(directory, "special_tokens_map.json", FILE_BYTES_MAX);
    Map<String, String> texts = new LinkedHashMap<>();
    for (String role : ROLES) {
      String file =
          tokenizerConfig.hasNonNull(role) ? "tokenizer_config.json" : "special_tokens_map.json";
      JsonNode node = tokenizerConfig.hasNonNull(role) ? tokenizerConfig.get(role) : map.path(role);
      JsonNode content = node.isObject() ? node.path("content") : node;
      if (content.isString()) {
        texts.put(role, content.stringValue());
      } else if (!node.isMissingNode() && !node.isNull()) {
        throw ModelJson.wrong(file, role, node, "a string or an object with content");
      }
    }
    JsonNode generation = ModelJson.object(directory, "generation_config.json", FILE_BYTES_MAX);
    JsonNode config = ModelJson.object(directory, "config.json", FILE_BYTES_MAX);
    Set<Integer> eos = new LinkedHashSet<>();
    id(texts, "eos_token", vocabulary).ifPresent(eos::add);
    List<Integer> generated = ids("generation_config.json", generation, "eos_token_id");
    eos.addAll(generated.isEmpty() ? ids("config.json", config, "eos_token_id") : generated);
    OptionalInt bos = id(texts, "bos_token", vocabulary);
    if (bos.isEmpty()) {
      bos = first(ids("generation_config.json", generation, "bos_token_id"));
    }
    if (bos.isEmpty()) {
      bos = first(ids("config.json", config, "bos_token_id"));
    }
    return new SpecialTokens(texts, bos, eos);
  }

  private static OptionalInt id(Map<String, String> texts, String role, Vocabulary vocabulary) {
    String text = texts.get(role);
    return text == null ? OptionalInt.empty() : vocabulary.id(text);
  }

  private static OptionalInt first(List<Integer> ids) {
    return ids.isEmpty() ? OptionalInt.empty() : OptionalInt.of(ids.getFirst());
  }

  private static List<Integer> ids(String file, JsonNode config, String field) throws IOException {
    JsonNode node = config.path(field);
    if (node.isMissingNode() || node.isNull()) {
      return List.of();
    }
    Set<Integer> ids = new LinkedHashSet<>();
    for (JsonNode id : node.isArray() ? node.values() : List.of(node)) {
      if (!id.isInt() || id.intValue() < 0) {
        throw ModelJson.wrong(file, field, node, "a token id or a list of them");
      }
      ids.add(id.intValue());
    }
    return List.copyOf(ids);
  }
}
