package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What transformers does before and after the template: checks the messages, copies reasoning to
 * the names that templates read, and marks the place where a final message is to be continued.
 */
final class Conversation {
  private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG ";
  private static final List<String> REASONING =
      List.of("reasoning_content", "thinking", "reasoning");

  private final Budget budget;
  private final Map<String, Object> values = new LinkedHashMap<>();
  private String continued = "";

  private Conversation(Budget budget) {
    this.budget = budget;
  }

  static Conversation of(TemplateInput input, String source, TemplateLimits limits) {
    Conversation c = new Conversation(new Budget(limits, Integer.MAX_VALUE));
    c.fill(input, source);
    return c;
  }

  /** The variables of the template. */
  Map<String, Object> values() {
    return values;
  }

  long chars() {
    return chars(values.values());
  }

  private static TemplateException refuse(String reason) {
    return new TemplateException(TemplateException.Kind.INPUT, reason);
  }

  private void fill(TemplateInput input, String source) {
    boolean apply = input.entry() == TemplateInput.Entry.APPLY;
    if (apply && input.messages().isEmpty()) {
      throw refuse("messages: none (expected: at least one)");
    }
    if (apply && input.continueField() != null && input.addGenerationPrompt()) {
      throw refuse("continue_final_message and add_generation_prompt cannot both be set");
    }
    List<Object> messages = new ArrayList<>();
    for (Object message : input.messages()) {
      if (!(Values.given(message, budget, 0) instanceof Dict given)) {
        throw refuse("messages[" + messages.size() + "]: not an object");
      }
      messages.add(withReasoning(apply ? withoutNulls(given) : given));
    }
    input.variables().forEach((name, value) -> values.put(name, Values.given(value, budget, 0)));
    values.put("messages", messages);
    values.put("tools", objects("tools", input.tools()));
    values.put("documents", objects("documents", input.documents()));
    values.put("add_generation_prompt", input.addGenerationPrompt());
    if (input.continueField() != null) {
      markLast(messages, input.continueField(), source);
    }
  }

  private Object objects(String name, @Nullable List<?> given) {
    if (given == null) {
      return Thing.None.NONE;
    }
    List<Object> objects = new ArrayList<>();
    for (Object value : given) {
      if (!(Values.given(value, budget, 0) instanceof Dict object)) {
        throw refuse(name + "[" + objects.size() + "]: not an object");
      }
      objects.add(object);
    }
    return objects;
  }

  private Dict withoutNulls(Dict message) {
    Dict kept = new Dict();
    for (Dict.Entry e : message.entries()) {
      if (!(e.value() instanceof Thing.None)) {
        kept.put(budget, e.key(), e.value());
      }
    }
    return kept;
  }

  private @Nullable Object field(Dict message, String name) {
    Object value = message.get(budget, name);
    return value instanceof Thing.None ? null : value;
  }

  private Dict withReasoning(Dict message) {
    for (String name : REASONING) {
      Object reasoning = field(message, name);
      if (reasoning != null) {
        Dict copy = new Dict();
        copy.put(budget, "thinking", reasoning);
        message.entries().forEach(e -> copy.put(budget, e.key(), e.value()));
        copy.put(budget, "reasoning_content", reasoning);
        return copy;
      }
    }
    return message;
  }

  private void markLast(List<Object> messages, String field, String source) {
    if (messages.isEmpty() || !(messages.getLast() instanceof Dict last)) {
      throw refuse("continue_final_message is set but there is no message to continue");
    }
    Object value = field(last, field);
    if (value == null) {
      throw refuse(
          "continue_final_message is set but the final message has no \""
              + field
              + "\" to continue");
    }
    List<String> fields = new ArrayList<>(List.of(field));
    if (REASONING.contains(field)) {
      fields = new ArrayList<>(REASONING);
      fields.removeIf(name -> !isCopy(field(last, name), value));
    }
    if (fields.stream().noneMatch(source::contains)) {
      throw refuse("continue_final_message: the template never reads \"" + field + "\"");
    }
    Dict marked = new Dict();
    marked.putAll(last);
    if (value instanceof List<?> parts) {
      marked.put(budget, field, markedParts(Values.elements(parts)));
    } else if (value instanceof String text) {
      continued = text;
      fields.forEach(name -> marked.put(budget, name, text + MARK));
    } else {
      throw refuse("continue_final_message: \"" + field + "\" is neither text nor a list of parts");
    }
    messages.set(messages.size() - 1, marked);
  }

  private boolean isCopy(@Nullable Object other, Object value) {
    return other != null && Values.equal(budget, other, value);
  }

  private List<Object> markedParts(List<Object> parts) {
    List<Object> out = new ArrayList<>(parts);
    for (int i = parts.size() - 1; i >= 0; i--) {
      if (parts.get(i) instanceof Dict part && part.get(budget, "text") instanceof String text) {
        Dict marked = new Dict();
        marked.putAll(part);
        marked.put(budget, "text", text + MARK);
        out.set(i, marked);
        continued = text;
        return out;
      }
    }
    throw refuse("continue_final_message is set but the final message has no text to continue");
  }

  /**
   * The output up to the mark; without the mark's own space the white space before it was lost, and
   * goes too.
   */
  String cut(String rendered) {
    String mark = MARK.strip();
    int at = rendered.lastIndexOf(mark);
    if (at < 0 || !rendered.contains(Text.strip(continued, true, true))) {
      throw refuse(
          "continue_final_message is set but the final message does not appear in the rendered"
              + " chat");
    }
    String before = rendered.substring(0, at);
    return rendered.startsWith(MARK, at) ? before : Text.strip(before, false, true);
  }

  /** How many characters were given, keys and numbers included. */
  static long chars(Collection<Object> values) {
    long chars = 0;
    for (Object value : values) {
      chars +=
          switch (value) {
            case String s -> s.length();
            case List<?> l -> 2 + chars(Values.elements(l));
            case Dict d ->
                2 + chars(d.keys()) + chars(d.entries().stream().map(Dict.Entry::value).toList());
            default -> 8;
          };
    }
    return chars;
  }
}
