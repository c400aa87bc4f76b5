package dev.openlora.server.finetuning;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A job as a client asks for it, its fields checked one by one; whether the files are there is
 * found out when it is created.
 *
 * @param seed null for one of ours
 */
public record JobRequest(
    String trainingFile,
    @Nullable String validationFile,
    @Nullable String suffix,
    @Nullable Integer seed,
    Hyperparameters hyperparameters,
    AdapterShape shape,
    Map<String, String> metadata) {
  public JobRequest {
    metadata = Map.copyOf(metadata);
  }
}
