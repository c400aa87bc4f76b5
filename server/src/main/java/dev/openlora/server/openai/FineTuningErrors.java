package dev.openlora.server.openai;

import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.finetuning.FineTuningException;
import dev.openlora.server.http.ApiException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How failures around files and jobs are answered. */
final class FineTuningErrors {
  private static final Logger LOG = LoggerFactory.getLogger(FineTuningErrors.class);

  private FineTuningErrors() {}

  static FineTuning required(@Nullable FineTuning fineTuning) throws ApiException {
    if (fineTuning == null) {
      throw ApiException.notFound(
          null, "This server does no fine-tuning: its operator has set no tuning.directory.");
    }
    return fineTuning;
  }

  static ApiException answer(FineTuningException e) {
    String message = String.valueOf(e.getMessage());
    return switch (e.reason()) {
      case INVALID -> ApiException.badRequest(e.param(), message);
      case NOT_FOUND -> ApiException.notFound(e.param(), message);
      case CONFLICT -> new ApiException(409, "ConflictError", e.param(), message);
      case TOO_LARGE -> new ApiException(413, "RequestTooLargeError", e.param(), message);
      case BUSY ->
          new ApiException(429, "RateLimitError", e.param(), message).header("retry-after", "30");
      case OFF -> new ApiException(403, "PermissionDeniedError", e.param(), message);
      case NO_SPACE -> new ApiException(507, "InsufficientStorageError", e.param(), message);
    };
  }

  static ApiException answer(IOException e) {
    LOG.error("fine-tuning: the disk does not do what it should", e);
    return new ApiException(
        507, "InsufficientStorageError", null, "The server cannot write to its disk.");
  }
}
