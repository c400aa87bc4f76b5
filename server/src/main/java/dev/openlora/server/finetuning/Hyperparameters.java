package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/**
 * What a client may turn; null is {@code "auto"}, which leaves the choice to the tuner.
 *
 * @param epochs times that every row is seen
 * @param batchSize rows of one step
 * @param learningRateMultiplier a factor on the tuner's own learning rate
 */
public record Hyperparameters(
    @Nullable Integer epochs,
    @Nullable Integer batchSize,
    @Nullable Double learningRateMultiplier) {
  public static final Hyperparameters AUTO = new Hyperparameters(null, null, null);
}
