package dev.openlora.engine.sampling;

import java.util.ArrayList;
import java.util.List;

/**
 * Log-probabilities under the model itself: the log-softmax of the raw logits, before any parameter
 * of the request, in double. Any thread.
 */
public final class TokenLogprobs {
  private TokenLogprobs() {}

  /**
   * The chosen token first, then the {@code k} best (the chosen one again when it is among them;
   * the lower id first among equals). A rank is one more than the number of tokens that are more
   * likely, so equals share theirs.
   *
   * @throws NonFiniteLogits when the row is no distribution
   */
  public static List<TokenLogprob> of(float[] logits, int chosen, int k) {
    float greatest = logits[Sampler.scan(logits, logits.length)];
    double sum = 0;
    int above = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - greatest);
      above += logit > logits[chosen] ? 1 : 0;
    }
    int[] ids = best(logits, Math.min(k, logits.length));
    float[] values = new float[ids.length];
    for (int i = 0; i < ids.length; i++) {
      values[i] = logits[ids[i]];
    }
    TokenLogprob own = new TokenLogprob(chosen, logprob(logits[chosen], greatest, sum), above + 1);
    return entries(own, ids, values, ids.length, sum);
  }

  /**
   * The same of a row of which the best tell enough: the chosen token is one of them, and {@code k}
   * are there. Log-probabilities are then as exact as the row's sum of exponentials, {@link
   * Logits#SUM_TOLERANCE}.
   */
  public static List<TokenLogprob> of(Logits logits, int chosen, int k) {
    Logits.Best best = logits.best();
    float[] values = best.values();
    int wanted = Math.min(k, logits.vocabularySize());
    int place = 0;
    while (place < values.length && best.ids()[place] != chosen) {
      place++;
    }
    if (!best.isDistribution() || wanted > values.length || place == values.length) {
      return of(logits.all(), chosen, k);
    }
    double sum = logits.sumExp(1);
    int above = place;
    while (above > 0 && values[above - 1] == values[place]) {
      above--;
    }
    TokenLogprob own = new TokenLogprob(chosen, logprob(values[place], values[0], sum), above + 1);
    return entries(own, best.ids(), values, wanted, sum);
  }

  private static float logprob(float logit, float greatest, double sum) {
    return (float) (logit - (greatest + Math.log(sum)));
  }

  /** The chosen one, and the first {@code k} of the best. */
  private static List<TokenLogprob> entries(
      TokenLogprob chosen, int[] ids, float[] values, int k, double sum) {
    List<TokenLogprob> entries = new ArrayList<>(k + 1);
    entries.add(chosen);
    for (int i = 0, rank = 1; i < k; i++) {
      if (i > 0 && values[i] < values[i - 1]) {
        rank = i + 1;
      }
      entries.add(new TokenLogprob(ids[i], logprob(values[i], values[0], sum), rank));
    }
    return entries;
  }

  private static int[] best(float[] logits, int k) {
    int[] ids = new int[k];
    int filled = 0;
    for (int id = 0; id < logits.length && k > 0; id++) {
      if (filled == k && !(logits[id] > logits[ids[k - 1]])) {
        continue;
      }
      int place = filled < k ? filled++ : k - 1;
      for (; place > 0 && logits[id] > logits[ids[place - 1]]; place--) {
        ids[place] = ids[place - 1];
      }
      ids[place] = id;
    }
    return ids;
  }
}
