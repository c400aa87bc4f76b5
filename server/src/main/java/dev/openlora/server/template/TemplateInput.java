package dev.openlora.server.template;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a template is given: plain Java, that is maps with text keys, lists, text, numbers, booleans
 * and null.
 *
 * @param messages the conversation, each a map
 * @param tools null for none, which the template sees as {@code none}
 * @param documents null for none
 * @param continueField the field of the last message to be continued, or null to render whole turns
 * @param now what {@code strftime_now} prints; null asks the clock
 * @param variables everything else by name: {@code bos_token}, {@code enable_thinking} …
 */
public record TemplateInput(
    Entry entry,
    List<?> messages,
    @Nullable List<?> tools,
    @Nullable List<?> documents,
    boolean addGenerationPrompt,
    @Nullable String continueField,
    @Nullable LocalDateTime now,
    Map<String, ? extends @Nullable Object> variables) {

  /** Which of transformers' two ways in is meant. */
  public enum Entry {
    /** {@code render_jinja_template}: the messages as they are. */
    RENDER,
    /**
     * {@code apply_chat_template}, which servers call: refuses no messages, and drops keys whose
     * value is null.
     */
    APPLY
  }

  /** The field that {@code continue_final_message: true} means. */
  public static final String CONTENT = "content";

  public static TemplateInput of(List<?> messages) {
    return new TemplateInput(Entry.APPLY, messages, null, null, false, null, null, Map.of());
  }

  public TemplateInput withTools(@Nullable List<?> given) {
    return new TemplateInput(
        entry, messages, given, documents, addGenerationPrompt, continueField, now, variables);
  }

  public TemplateInput withGenerationPrompt(boolean add) {
    return new TemplateInput(entry, messages, tools, documents, add, continueField, now, variables);
  }

  public TemplateInput continuing(@Nullable String field) {
    return new TemplateInput(
        entry, messages, tools, documents, addGenerationPrompt, field, now, variables);
  }

  public TemplateInput at(@Nullable LocalDateTime time) {
    return new TemplateInput(
        entry, messages, tools, documents, addGenerationPrompt, continueField, time, variables);
  }

  public TemplateInput withVariables(Map<String, ? extends @Nullable Object> given) {
    return new TemplateInput(
        entry, messages, tools, documents, addGenerationPrompt, continueField, now, given);
  }
}
