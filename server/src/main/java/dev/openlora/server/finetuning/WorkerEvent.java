package dev.openlora.server.finetuning;

import org.jspecify.annotations.Nullable;

/** What a worker tells while it tunes. Losses are in nats a token. */
public sealed interface WorkerEvent {
  record Started(int steps, long examples, long heldOut, long learnedTokens)
      implements WorkerEvent {}

  record Step(
      int step,
      int steps,
      double epoch,
      double loss,
      double learningRate,
      double gradientNorm,
      double tokensPerSecond,
      double secondsLeft)
      implements WorkerEvent {}

  record Evaluated(int step, double loss, double perplexity) implements WorkerEvent {}

  record Checkpointed(int step, String folder) implements WorkerEvent {}

  record Done(
      String adapter, String sha256, double loss, @Nullable Double heldOutLoss, long trainedTokens)
      implements WorkerEvent {}

  record Failed(String message) implements WorkerEvent {}
}
