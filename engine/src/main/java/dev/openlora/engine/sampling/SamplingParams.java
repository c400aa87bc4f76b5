package dev.openlora.engine.sampling;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How tokens are chosen, in the order vLLM applies it: logit_bias, min_tokens mask, repetition
 * penalty (prompt and output), frequency and presence penalty (output), temperature, min_p, top_k,
 * top_p. Ranges are checked where requests enter; this record refuses what makes no sense at all.
 *
 * @param temperature 0 is greedy
 * @param topK 0 or at least the vocabulary: all
 * @param seed null draws one from the system
 * @param logprobs alternatives to return with each token; 0: the token alone, -1: none at all
 * @param promptLogprobs likewise for each prompt token but the first
 */
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Float> logitBias,
    @Nullable Long seed,
    int minTokens,
    int maxTokens,
    List<Integer> stopTokenIds,
    List<String> stop,
    boolean includeStopInOutput,
    boolean ignoreEos,
    boolean skipSpecialTokens,
    int logprobs,
    int promptLogprobs) {
  public SamplingParams {
    logitBias = Map.copyOf(logitBias);
    stopTokenIds = List.copyOf(stopTokenIds);
    stop = List.copyOf(stop);
    if (!(temperature >= 0)) {
      throw new IllegalArgumentException("temperature: " + temperature + " (expected: at least 0)");
    }
    if (maxTokens < 0 || minTokens < 0 || minTokens > maxTokens) {
      throw new IllegalArgumentException(
          "min_tokens, max_tokens: "
              + minTokens
              + ", "
              + maxTokens
              + " (expected: 0 <= min <= max)");
    }
  }

  /** Greedy, {@code maxTokens} at most, everything else neutral. */
  public static SamplingParams greedy(int maxTokens) {
    return new SamplingParams(
        0, 0, 1, 0, 1, 0, 0, Map.of(), null, 0, maxTokens, List.of(), List.of(), false, false, true,
        -1, -1);
  }
}
