package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * Fields that other servers know, that change the answer, and that are not served here. Ignoring
 * them would be a wrong answer without a word, so they are refused by name unless they hold the
 * value that asks for nothing. Fields nobody knows are ignored, as everywhere.
 */
final class Unserved {
  private static final Predicate<JsonNode> NEVER = value -> false;
  private static final Predicate<JsonNode> EMPTY = value -> value.isArray() && value.isEmpty();
  private static final Predicate<JsonNode> FALSE =
      value -> value.isBoolean() && !value.booleanValue();
  private static final Predicate<JsonNode> ZERO =
      value -> value.isNumber() && value.doubleValue() == 0;

  /** Field name to what is fine with it. */
  private static final Map<String, Predicate<JsonNode>> BOTH =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("adapter_id", NEVER),
              Map.entry("allowed_token_ids", EMPTY),
              Map.entry("bad_words", EMPTY),
              Map.entry("cache_salt", NEVER),
              Map.entry("guided_choice", NEVER),
              Map.entry("guided_grammar", NEVER),
              Map.entry("guided_json", NEVER),
              Map.entry("guided_regex", NEVER),
              Map.entry("kv_transfer_params", NEVER),
              Map.entry("logits_processors", EMPTY),
              Map.entry("lora", NEVER),
              Map.entry("lora_request", NEVER),
              Map.entry("priority", ZERO),
              Map.entry("prompt_embeds", NEVER),
              Map.entry("response_format", Unserved::isText),
              Map.entry("structured_outputs", NEVER),
              Map.entry("suffix", NEVER),
              Map.entry("use_beam_search", FALSE)));

  private static final Map<String, Predicate<JsonNode>> CHAT =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry("audio", NEVER),
              Map.entry("echo", FALSE),
              Map.entry("function_call", NEVER),
              Map.entry("functions", NEVER),
              Map.entry("mm_processor_kwargs", NEVER),
              Map.entry("modalities", Unserved::isTextOnly),
              Map.entry("prediction", NEVER),
              Map.entry(
                  "tool_choice", value -> value.isString() && value.stringValue().equals("none")),
              Map.entry("tools", NEVER),
              Map.entry("web_search_options", NEVER)));

  private static final Set<String> OTHER_WAY = Set.of("adapter_id", "lora", "lora_request");

  private Unserved() {}

  static void refuse(Fields fields, boolean chat) throws ApiException {
    refuse(fields, BOTH);
    if (chat) {
      refuse(fields, CHAT);
    }
  }

  private static void refuse(Fields fields, Map<String, Predicate<JsonNode>> table)
      throws ApiException {
    for (var entry : table.entrySet()) {
      JsonNode value = fields.value(entry.getKey());
      if (value != null && !entry.getValue().test(value)) {
        throw ApiException.badRequest(
            entry.getKey(),
            entry.getKey()
                + " is not supported by this server, got "
                + Fields.shown(value)
                + (OTHER_WAY.contains(entry.getKey())
                    ? ". Name an adapter in model, or several in adapters."
                    : "."));
      }
    }
  }

  private static boolean isText(JsonNode value) {
    JsonNode type = value.isObject() ? value.get("type") : null;
    return type != null && type.isString() && type.stringValue().equals("text");
  }

  private static boolean isTextOnly(JsonNode value) {
    return value.isArray()
        && value.size() == 1
        && value.get(0).isString()
        && value.get(0).stringValue().equals("text");
  }
}
