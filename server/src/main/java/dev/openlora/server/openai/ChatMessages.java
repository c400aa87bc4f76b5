package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** From the messages of a chat to the prompt's text. */
final class ChatMessages {
  private static final int MESSAGES_MAX = 10_000;
  private static final int PARTS_MAX = 1_000;
  private static final int DOCUMENTS_MAX = 1_000;
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");
  private static final List<String> KEPT = List.of("name", "reasoning_content", "reasoning");
  private static final List<String> REFUSED = List.of("tool_calls", "function_call", "audio");

  private static final Set<String> TAKEN =
      Set.of(
          "messages",
          "chat_template",
          "add_generation_prompt",
          "continue_final_message",
          "documents",
          "tools");

  private final @Nullable ChatRenderer renderer;

  ChatMessages(@Nullable ChatRenderer renderer) {
    this.renderer = renderer;
  }

  String render(Fields fields) throws ApiException {
    if (fields.has("chat_template")) {
      throw ApiException.badRequest(
          "chat_template",
          "chat_template is passed with the request, and templates from requests are not trusted"
              + " here. Leave it out to use the model's.");
    }
    ChatPrompt prompt = prompt(fields);
    if (renderer == null) {
      throw ApiException.badRequest(
          "messages",
          "This model has no chat template, so it takes no messages. Use /v1/completions with a"
              + " prompt.");
    }
    try {
      return renderer.render(prompt);
    } catch (ChatTemplateException e) {
      throw ApiException.badRequest(
          "messages", "The chat template refused the messages: " + e.getMessage());
    }
  }

  static ChatPrompt prompt(Fields fields) throws ApiException {
    JsonNode list = fields.value("messages");
    if (list == null) {
      throw ApiException.badRequest(
          "messages", "messages must be a list of messages, got nothing.");
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (JsonNode item : Fields.array("messages", list, "a list of messages", MESSAGES_MAX)) {
      messages.add(message(item, "messages[" + messages.size() + "]"));
    }
    if (messages.isEmpty()) {
      throw ApiException.badRequest(
          "messages", "messages must have at least one message, got none.");
    }
    boolean addGenerationPrompt = fields.flag("add_generation_prompt", true);
    boolean continueFinal = fields.flag("continue_final_message", false);
    if (addGenerationPrompt && continueFinal) {
      throw ApiException.badRequest(
          "continue_final_message",
          "Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
    }
    return new ChatPrompt(
        messages, addGenerationPrompt, continueFinal, documents(fields), arguments(fields));
  }

  private static Map<String, Object> message(JsonNode item, String path) throws ApiException {
    Fields fields = Fields.of(item, path);
    String role = fields.string("role");
    if (role == null || !ROLES.contains(role)) {
      throw ApiException.badRequest(
          path + ".role",
          path
              + ".role must be system, developer, user, assistant or tool, got "
              + (role == null
                  ? "nothing"
                  : Fields.shown(Objects.requireNonNull(fields.value("role"))))
              + ".");
    }
    for (String name : REFUSED) {
      JsonNode value = fields.value(name);
      if (value != null && !(value.isArray() && value.isEmpty())) {
        throw ApiException.badRequest(
            fields.path(name), fields.path(name) + " is not supported by this server.");
      }
    }
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content(fields, role));
    for (String name : KEPT) {
      String value = fields.string(name);
      if (value != null) {
        message.put(name, value);
      }
    }
    return message;
  }

  private static String content(Fields fields, String role) throws ApiException {
    JsonNode content = fields.value("content");
    String path = fields.path("content");
    if (content == null) {
      if (role.equals("assistant")) {
        return "";
      }
      throw ApiException.badRequest(
          path, path + " must be a string or a list of parts, got nothing.");
    }
    if (content.isString()) {
      return content.stringValue();
    }
    List<String> texts = new ArrayList<>();
    int i = 0;
    for (JsonNode item : Fields.array(path, content, "a string or a list of parts", PARTS_MAX)) {
      String partPath = path + "[" + i++ + "]";
      if (item.isString()) {
        texts.add(item.stringValue());
        continue;
      }
      Fields part = Fields.of(item, partPath);
      String type = part.string("type");
      if (type == null || !type.equals("text")) {
        throw ApiException.badRequest(
            partPath + ".type",
            partPath
                + ".type must be text, got "
                + (type == null
                    ? "nothing"
                    : Fields.shown(Objects.requireNonNull(part.value("type"))))
                + ".");
      }
      String text = part.string("text");
      if (text == null) {
        throw ApiException.badRequest(
            partPath + ".text", partPath + ".text must be a string, got nothing.");
      }
      texts.add(text);
    }
    return String.join("\n", texts);
  }

  private static List<Object> documents(Fields fields) throws ApiException {
    JsonNode list = fields.value("documents");
    List<Object> documents = new ArrayList<>();
    if (list != null) {
      for (JsonNode item : Fields.array("documents", list, "a list of objects", DOCUMENTS_MAX)) {
        Fields.of(item, "documents[" + documents.size() + "]");
        documents.add(Objects.requireNonNull(JsonValues.of(item)));
      }
    }
    return documents;
  }

  private static Map<String, Object> arguments(Fields fields) throws ApiException {
    Map<String, Object> arguments = new LinkedHashMap<>();
    String effort = fields.string("reasoning_effort");
    if (effort != null) {
      arguments.put("reasoning_effort", effort);
    }
    JsonNode given = fields.value("chat_template_kwargs");
    if (given != null) {
      if (!given.isObject()) {
        throw Fields.wrong("chat_template_kwargs", "an object", given);
      }
      for (var entry : given.properties()) {
        if (TAKEN.contains(entry.getKey())) {
          throw ApiException.badRequest(
              "chat_template_kwargs",
              "chat_template_kwargs must not set "
                  + entry.getKey()
                  + ", which is a field of the request.");
        }
        Object value = JsonValues.of(entry.getValue());
        if (value != null) {
          arguments.put(entry.getKey(), value);
        }
      }
    }
    return arguments;
  }
}
