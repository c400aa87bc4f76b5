package dev.openlora.server.tuning;

import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.LocalEngine;
import java.util.concurrent.CompletableFuture;

/** The whole text that one request to the engine generates. */
public final class AnswerText extends GenerationResult<String> {
  private final StringBuilder text = new StringBuilder();

  private AnswerText() {}

  /** The text when it is there; the leases of the request are given back on every path. */
  public static CompletableFuture<String> ask(LocalEngine engine, GenerationRequest request) {
    return new AnswerText().of(engine, request);
  }

  @Override
  public void onToken(Token token) {
    text.append(token.text());
  }

  @Override
  String value(Finish finish) {
    return text.append(finish.text()).toString();
  }
}
