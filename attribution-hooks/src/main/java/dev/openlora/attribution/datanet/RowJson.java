package dev.openlora.attribution.datanet;

import dev.openlora.attribution.datanet.RowContent.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rows as JSON objects, one a line, in sources and in segments. Strict: unknown keys, keys that
 * stand twice and values of the wrong type are refused with {@link IllegalArgumentException}.
 */
final class RowJson {
  static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(RowLimits.JSON_DEPTH)
                          .maxNumberLength(100)
                          .maxNameLength(1000)
                          .build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final Set<String> SOURCE_KEYS =
      Set.of("text", "messages", "prompt", "completion", "contributor", "licence");
  private static final Set<String> SEGMENT_KEYS =
      Set.of("id", "text", "messages", "contributor", "licence");
  private static final Set<String> MESSAGE_KEYS = Set.of("role", "content");
  private static final String FORMS =
      "text; messages; or prompt and completion; beside it contributor and licence, if need be";

  private RowJson() {}

  /** A line of a source. */
  static ParsedRow parse(long line, String json, int messagesMax) {
    JsonNode row = object(json);
    checkKeys(row, "", SOURCE_KEYS, FORMS);
    String contributor = optional(row, "contributor");
    String licence = optional(row, "licence");
    return new ParsedRow(
        line,
        content(row, messagesMax),
        contributor == null ? null : new Contributor(contributor),
        licence == null ? null : Row.checkLicence(licence));
  }

  /** A line of a segment. */
  static Row parseStored(String json) {
    JsonNode row = object(json);
    checkKeys(row, "", SEGMENT_KEYS, "id, contributor, licence, and text or messages");
    return new Row(
        new RowId(required(row, "id")),
        content(row, RowLimits.MESSAGES_PER_CHAT_MAX),
        new Contributor(required(row, "contributor")),
        required(row, "licence"));
  }

  /** The line of a segment, without its line break. */
  static String write(Row row) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("id", row.id().hex());
    json.put("contributor", row.contributor().address());
    json.put("licence", row.licence());
    switch (row.content()) {
      case RowContent.Text text -> json.put("text", text.text());
      case RowContent.Chat chat -> {
        ArrayNode messages = json.putArray("messages");
        for (Message message : chat.messages()) {
          messages.addObject().put("role", message.role()).put("content", message.content());
        }
      }
    }
    return MAPPER.writeValueAsString(json);
  }

  /** An object from outside, at most {@link RowLimits#JSON_DEPTH} deep. */
  static JsonNode object(String json) {
    JsonNode node;
    try {
      node = MAPPER.readTree(json);
    } catch (JacksonException e) {
      throw new IllegalArgumentException("no valid JSON" + problem(e), e);
    }
    if (!node.isObject()) {
      throw new IllegalArgumentException("a JSON " + kind(node) + " (expected: an object)");
    }
    return node;
  }

  private static String problem(JacksonException e) {
    TokenStreamLocation location = e.getLocation();
    String what = e.getOriginalMessage().replaceAll(", from `[^`]*`", "");
    return (location == null ? ": " : " at column " + location.getColumnNr() + ": ")
        + Excerpt.of(what, 300);
  }

  static void checkKeys(JsonNode object, String path, Set<String> known, String expected) {
    for (String key : object.propertyNames()) {
      if (!known.contains(key)) {
        throw new IllegalArgumentException(
            path + Excerpt.of(key) + ": an unknown key (expected: " + expected + ")");
      }
    }
  }

  static String required(JsonNode object, String key) {
    return text(object, key, "");
  }

  private static @Nullable String optional(JsonNode object, String key) {
    return object.has(key) ? text(object, key, "") : null;
  }

  private static RowContent content(JsonNode row, int messagesMax) {
    boolean pair = row.has("prompt") || row.has("completion");
    int forms = (row.has("text") ? 1 : 0) + (row.has("messages") ? 1 : 0) + (pair ? 1 : 0);
    if (forms != 1) {
      throw new IllegalArgumentException(
          (forms == 0 ? "no content" : "content in " + forms + " forms")
              + " (expected: one of text; messages; or prompt and completion)");
    }
    if (row.has("text")) {
      return new RowContent.Text(text(row, "text", ""));
    }
    return pair
        ? pair(text(row, "prompt", ""), text(row, "completion", ""))
        : chat(row.get("messages"), messagesMax);
  }

  /** A prompt and its completion as a chat. */
  static RowContent.Chat pair(String prompt, String completion) {
    return new RowContent.Chat(
        List.of(
            within("prompt", "content", () -> new Message(Message.USER, prompt)),
            within("completion", "content", () -> new Message(Message.ASSISTANT, completion))));
  }

  private static RowContent.Chat chat(JsonNode list, int messagesMax) {
    if (!list.isArray()) {
      throw wrong("messages", list, "a list");
    }
    if (list.size() > messagesMax) {
      throw new IllegalArgumentException(
          "messages: " + list.size() + " (expected: at most " + messagesMax + ")");
    }
    List<Message> messages = new ArrayList<>();
    for (JsonNode each : list.values()) {
      String path = "messages[" + messages.size() + "]";
      if (!each.isObject()) {
        throw wrong(path, each, "an object");
      }
      checkKeys(each, path + ".", MESSAGE_KEYS, "role and content");
      String role = text(each, "role", path + ".");
      String content = text(each, "content", path + ".");
      messages.add(within(path + ".", "", () -> new Message(role, content)));
    }
    return new RowContent.Chat(messages);
  }

  private static Message within(String path, String dropped, Supplier<Message> message) {
    try {
      return message.get();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          path + String.valueOf(e.getMessage()).substring(dropped.length()), e);
    }
  }

  private static String text(JsonNode object, String key, String path) {
    JsonNode node = object.get(key);
    if (node == null) {
      throw new IllegalArgumentException(path + key + ": missing (expected: text)");
    }
    if (!node.isString()) {
      throw wrong(path + key, node, "text");
    }
    return node.stringValue();
  }

  private static IllegalArgumentException wrong(String path, JsonNode node, String expected) {
    return new IllegalArgumentException(path + ": " + kind(node) + " (expected: " + expected + ")");
  }

  private static String kind(JsonNode node) {
    return node.getNodeType().name().toLowerCase(Locale.ROOT);
  }
}
