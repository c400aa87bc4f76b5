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
    double logSum = greatest + Math.log(sum);
    int[] best = best(logits, Math.min(k, logits.length));
    List<TokenLogprob> entries = new ArrayList<>(best.length + 1);
    entries.add(new TokenLogprob(chosen, (float) (logits[chosen] - logSum), above + 1));
    for (int i = 0, rank = 1; i < best.length; i++) {
      if (i > 0 && logits[best[i]] < logits[best[i - 1]]) {
        rank = i + 1;
      }
      entries.add(new TokenLogprob(best[i], (float) (logits[best[i]] - logSum), rank));
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
