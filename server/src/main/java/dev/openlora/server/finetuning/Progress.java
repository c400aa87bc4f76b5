package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/** How far a running job has come; all of it null until its worker has told. */
public record Progress(
    @Nullable Integer step,
    @Nullable Integer steps,
    @Nullable Double loss,
    @Nullable Double validationLoss,
    @Nullable Double tokensPerSecond,
    @Nullable Double secondsLeft) {
  static final Progress NONE = new Progress(null, null, null, null, null, null);
}
