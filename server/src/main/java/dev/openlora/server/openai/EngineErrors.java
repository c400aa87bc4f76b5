package dev.openlora.server.openai;

import dev.openlora.engine.GenerationException;
import dev.openlora.server.http.ApiException;
import java.util.Objects;

/** How the engine's failures are answered. */
final class EngineErrors {
  private EngineErrors() {}

  static ApiException answer(GenerationException failure) {
    String message = Objects.requireNonNullElse(failure.getMessage(), "The generation failed.");
    return switch (failure.kind()) {
      case OVERLOADED -> ApiException.tooManyRequests(message);
      case TOO_LARGE -> ApiException.badRequest("input_tokens", message);
      case CLOSED -> ApiException.unavailable(message);
      case ADAPTER_FAILED -> new ApiException(500, "AdapterError", "model", message);
      case CANCELLED -> ApiException.unavailable("The generation was cancelled: " + message);
      case INTERNAL -> ApiException.internal(message);
    };
  }
}
