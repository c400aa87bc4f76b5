package dev.openlora.engine.sampling;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * What the choice of the next token depends on besides the logits: the parameters, the seed, and
 * how often each token came. Counts grow by one token at a time and are kept only when a penalty
 * asks for them. It outlives a preemption: the output stays, so the next draw is the same. Engine
 * thread only.
 */
public final class SamplingState {
  private final SamplingParams params;
  private final long seed;
  private final boolean penalized;
  private final boolean onlyLowers;
  private final int[] maskedIds;
  private final Map<Integer, Integer> slots = new HashMap<>();
  private int[] seenIds = {};
  private int[] outputCounts = {};
  private int seen;
  private int outputLength;

  /**
   * The state in front of the first output token.
   *
   * @param eosTokenIds masked together with the stop tokens until min_tokens are out, even under
   *     ignore_eos, as vLLM does
   */
  public SamplingState(SamplingParams params, int[] promptIds, Collection<Integer> eosTokenIds) {
    this.params = params;
    Long given = params.seed();
    this.seed = given == null ? new SplittableRandom().nextLong() : given;
    this.penalized =
        params.repetitionPenalty() != 1
            || params.frequencyPenalty() != 0
            || params.presencePenalty() != 0;
    this.onlyLowers =
        params.repetitionPenalty() >= 1
            && params.frequencyPenalty() >= 0
            && params.presencePenalty() >= 0
            && params.logitBias().values().stream().allMatch(bias -> bias <= 0);
    Set<Integer> masked = new LinkedHashSet<>(params.stopTokenIds());
    masked.addAll(eosTokenIds);
    this.maskedIds = masked.stream().mapToInt(Integer::intValue).toArray();
    if (params.repetitionPenalty() != 1) {
      for (int id : promptIds) {
        slot(id);
      }
    }
  }

  /** Takes the token that was chosen; the next draw is for the position behind it. */
  public void append(int tokenId) {
    outputLength++;
    if (penalized) {
      int slot = slot(tokenId);
      outputCounts[slot]++;
    }
  }

  public SamplingParams params() {
    return params;
  }

  /** The seed of the request, or the one that was drawn for it. */
  public long seed() {
    return seed;
  }

  /** How many tokens came so far. */
  public int outputLength() {
    return outputLength;
  }

  /** Whether any logit changes before temperature. */
  boolean adjusts() {
    return !params.logitBias().isEmpty() || masks() || penalized;
  }

  /** Whether no logit rises. */
  boolean onlyLowers() {
    return onlyLowers;
  }

  /** Bias, mask and penalties, in this order, on {@code x}. */
  void adjust(double[] x, int vocabularySize) {
    params
        .logitBias()
        .forEach((id, bias) -> {
          if (id >= 0 && id < vocabularySize) {
            x[id] += bias;
          }
        });
    if (masks()) {
      for (int id : maskedIds) {
        if (id >= 0 && id < vocabularySize) {
          x[id] = Double.NEGATIVE_INFINITY;
        }
      }
    }
    if (penalized) {
      penalize(x, vocabularySize);
    }
  }

  private void penalize(double[] x, int vocabularySize) {
    double repetition = params.repetitionPenalty();
    double frequency = params.frequencyPenalty();
    double presence = params.presencePenalty();
    for (int i = 0; i < seen; i++) {
      int id = seenIds[i];
      if (id < 0 || id >= vocabularySize) {
        continue;
      }
      double logit = x[id] > 0 ? x[id] / repetition : x[id] * repetition;
      int count = outputCounts[i];
      x[id] = count == 0 ? logit : logit - frequency * count - presence;
    }
  }

  private boolean masks() {
    return outputLength < params.minTokens() && maskedIds.length > 0;
  }

  private int slot(int tokenId) {
    Integer known = slots.get(tokenId);
    if (known != null) {
      return known;
    }
    if (seen == seenIds.length) {
      int capacity = Math.max(16, 2 * seen);
      seenIds = Arrays.copyOf(seenIds, capacity);
      outputCounts = Arrays.copyOf(outputCounts, capacity);
    }
    seenIds[seen] = tokenId;
    slots.put(tokenId, seen);
    return seen++;
  }
}
