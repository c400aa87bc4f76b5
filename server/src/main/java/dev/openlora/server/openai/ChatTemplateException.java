package dev.openlora.server.openai;

/** A conversation that the model's chat template does not take. The message is for the client. */
public class ChatTemplateException extends Exception {
  private static final long serialVersionUID = 1L;

  public ChatTemplateException(String message) {
    super(message);
  }
}
