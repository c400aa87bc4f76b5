package dev.openlora.server.openai;

/** From messages to the text that the model reads. Any thread; may take a while, but is bounded. */
@FunctionalInterface
public interface ChatRenderer {
  String render(ChatPrompt prompt) throws ChatTemplateException;
}
