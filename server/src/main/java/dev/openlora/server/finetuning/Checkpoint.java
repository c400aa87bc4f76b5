package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/**
 * A state from which a job can go on.
 *
 * @param trainLoss of the step, in nats a token; null when unknown
 * @param validationLoss as last measured; null when it never was
 */
public record Checkpoint(
    String id,
    long createdMillis,
    int step,
    @Nullable Double trainLoss,
    @Nullable Double validationLoss) {}
