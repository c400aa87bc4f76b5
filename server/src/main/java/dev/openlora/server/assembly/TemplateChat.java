package dev.openlora.server.assembly;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.server.openai.ChatPrompt;
import dev.openlora.server.openai.ChatRenderer;
import dev.openlora.server.openai.ChatTemplateException;
import dev.openlora.server.template.ChatTemplate;
import dev.openlora.server.template.TemplateException;
import dev.openlora.server.template.TemplateInput;
import dev.openlora.server.template.TemplateLimits;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's chat template behind the API: the special tokens are its variables, what it refuses is
 * the client's error. Any thread.
 */
public final class TemplateChat implements ChatRenderer {
  private static final Logger LOG = LoggerFactory.getLogger(TemplateChat.class);

  private final ChatTemplate template;
  private final Map<String, Object> specialTokens;

  private TemplateChat(ChatTemplate template, Map<String, Object> specialTokens) {
    this.template = template;
    this.specialTokens = specialTokens;
  }

  /**
   * The model's default template, or nothing when it has none. One that does not compile answers
   * every conversation with the reason, so that completions are served all the same.
   */
  public static Optional<ChatRenderer> of(HuggingFaceTokenizer tokenizer) {
    Optional<String> source = tokenizer.chatTemplates().source();
    if (source.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(compile(source.get(), tokenizer));
    } catch (TemplateException e) {
      String reason = "the model's chat template is not supported: " + e.getMessage();
      LOG.warn("{}; chat completions will be refused", reason);
      return Optional.of(prompt -> {
        throw new ChatTemplateException(reason);
      });
    }
  }

  static TemplateChat compile(String source, HuggingFaceTokenizer tokenizer) {
    return new TemplateChat(
        ChatTemplate.compile(source, TemplateLimits.DEFAULT),
        new LinkedHashMap<>(tokenizer.specialTokens().texts()));
  }

  @Override
  public String render(ChatPrompt prompt) throws ChatTemplateException {
    Map<String, @Nullable Object> variables = new LinkedHashMap<>(specialTokens);
    variables.putAll(prompt.arguments());
    List<?> documents = prompt.documents().isEmpty() ? null : prompt.documents();
    try {
      return template.render(
          new TemplateInput(
              TemplateInput.Entry.APPLY,
              prompt.messages(),
              null,
              documents,
              prompt.addGenerationPrompt(),
              prompt.continueFinalMessage() ? TemplateInput.CONTENT : null,
              null,
              variables));
    } catch (TemplateException e) {
      throw new ChatTemplateException(String.valueOf(e.getMessage()));
    }
  }
}
