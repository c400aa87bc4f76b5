package dev.openlora.engine.sampling;

import java.util.Arrays;

/**
 * Chooses the next token of a sequence. The order is vLLM's: logit_bias, min_tokens mask,
 * repetition penalty, frequency and presence penalty, temperature, min_p, top_k, top_p. Arithmetic
 * is in double.
 *
 * <ul>
 *   <li>Temperature 0 takes the greatest logit, the lowest id among equals.
 *   <li>top_k keeps every token that equals the k-th.
 *   <li>top_p drops tokens from the least likely up (the lower id first among equals) while what is
 *       dropped sums to at most 1 - top_p, and never the last one.
 *   <li>The draw inverts the cumulative distribution in the order of ids, at {@link
 *       CounterRandom}'s number for the seed and the position.
 * </ul>
 *
 * <p>Greedy without penalties only scans; plain temperature adds one pass of exponentials; top_p
 * sorts, and no more than the few tokens around its cut. Where the best of a row tell its token,
 * the rest is not asked for: greedy; top_k, min_p or top_p that provably keep nothing else; all
 * that behind bias and penalties that only lower. The token is the same as of the whole row. Logits
 * are read, never written. One sampler serves all sequences of an engine, for it holds nothing but
 * scratch rows. Engine thread only.
 */
public final class Sampler {
  private static final int TOP_BUCKET = bucket(1);
  private static final int UNTOLD = -1;

  private double[] x = {};
  private double[] weights = {};
  private double[] heap = {};
  private final double[] bucketSums = new double[TOP_BUCKET + 1];
  private int[] order = {};
  private int[] orderSpare = {};
  private final Shortlist shortlist = new Shortlist();

  /**
   * The next token; the caller appends it to the state.
   *
   * @throws NonFiniteLogits when the row gives no distribution
   */
  public int sample(Logits logits, SamplingState state) {
    int tokenId = mayTell(logits, state) ? sampleBest(logits, state) : UNTOLD;
    return tokenId == UNTOLD ? sample(logits.all(), logits.vocabularySize(), state) : tokenId;
  }

  /** Whether the best of a row could tell its token under these parameters. */
  private static boolean mayTell(Logits logits, SamplingState state) {
    SamplingParams params = state.params();
    boolean cuts =
        params.topP() < 1
            || params.minP() > 0
            || (params.topK() > 0 && params.topK() < logits.vocabularySize());
    return (params.temperature() == 0 || cuts) && state.onlyLowers();
  }

  private int sampleBest(Logits logits, SamplingState state) {
    Logits.Best list = logits.best();
    SamplingParams params = state.params();
    if (!list.isDistribution()) {
      return UNTOLD;
    }
    if (params.temperature() == 0 && !state.adjusts()) {
      return list.ids()[0];
    }
    reserve(list.ids().length);
    shortlist.fill(list, logits.vocabularySize(), state, x);
    int n = shortlist.size();
    int best = greatest(n);
    if (best < 0 || x[best] <= shortlist.bound()) {
      return UNTOLD;
    }
    if (params.temperature() == 0) {
      return shortlist.id(best);
    }
    double total;
    if (keepsNoOther(n, logits.vocabularySize(), params, x[best])) {
      total = weigh(n, params, x[best]);
    } else if (params.topP() < 1 && params.minP() == 0 && !state.adjusts()) {
      total = weighUnderTopP(n, logits, params, x[best]);
    } else {
      return UNTOLD;
    }
    return total > 0 ? shortlist.id(draw(n, total, best, state)) : UNTOLD;
  }

  /** Whether min_p or top_k drop all that is not on the list; weights fall with logits. */
  private boolean keepsNoOther(int n, int vocabularySize, SamplingParams params, double greatest) {
    double bound = shortlist.bound();
    int k = params.topK();
    return bound == Double.NEGATIVE_INFINITY
        || weight(bound, greatest, params) < params.minP()
        || (k > 0 && k <= n && k < vocabularySize && kthGreatest(n, k) > bound);
  }

  /**
   * As {@link #weigh} where only top_p cuts, or 0. The sum of the row is not exact: the cut must be
   * further from where it would fall otherwise than that can matter, and above what is not on the
   * list.
   */
  private double weighUnderTopP(int n, Logits logits, SamplingParams params, double greatest) {
    double scale = 1 / params.temperature();
    if (params.topK() > 0 && params.topK() < logits.vocabularySize() || scale > Float.MAX_VALUE) {
      return 0;
    }
    double total = logits.sumExp(scale);
    double listed = weighAll(n, params, greatest, Double.NEGATIVE_INFINITY);
    double left = cutTail(n, Math.max(0, total - listed), total, 1 - params.topP());
    double least = 1;
    for (int i = 0; i < n; i++) {
      least = weights[i] > 0 ? Math.min(least, weights[i]) : least;
    }
    double wanted = params.topP() * total;
    double unsure = wanted * Logits.SUM_TOLERANCE;
    boolean sure =
        left > wanted + unsure
            && left - least < wanted - unsure
            && least > weight(shortlist.bound(), greatest, params);
    return sure ? left : 0;
  }

  /**
   * The next token; the caller appends it to the state.
   *
   * @param logits the row of the sequence: the first {@code vocabularySize} values count
   * @throws NonFiniteLogits when they give no distribution
   */
  public int sample(float[] logits, int vocabularySize, SamplingState state) {
    int best = scan(logits, vocabularySize);
    boolean greedy = state.params().temperature() == 0;
    if (greedy && !state.adjusts()) {
      return best;
    }
    best = adjust(logits, vocabularySize, state, best);
    if (greedy) {
      return best;
    }
    return draw(vocabularySize, weigh(vocabularySize, state.params(), x[best]), best, state);
  }

  /** Draws by {@link #weights}; {@code best} has one. */
  private int draw(int n, double total, int best, SamplingState state) {
    double target = total * CounterRandom.uniform(state.seed(), state.outputLength());
    double cumulative = 0;
    int last = best;
    for (int i = 0; i < n; i++) {
      if (weights[i] > 0) {
        cumulative += weights[i];
        last = i;
        if (cumulative > target) {
          break;
        }
      }
    }
    return last;
  }

  /** The distribution from which {@link #sample} draws. */
  public double[] probabilities(float[] logits, int vocabularySize, SamplingState state) {
    int best = adjust(logits, vocabularySize, state, scan(logits, vocabularySize));
    if (state.params().temperature() == 0) {
      double[] certain = new double[vocabularySize];
      certain[best] = 1;
      return certain;
    }
    double total = weigh(vocabularySize, state.params(), x[best]);
    double[] shares = Arrays.copyOf(weights, vocabularySize);
    for (int i = 0; i < vocabularySize; i++) {
      shares[i] /= total;
    }
    return shares;
  }

  /** The id of the greatest logit; refuses a row that is no distribution. */
  static int scan(float[] logits, int vocabularySize) {
    int best = -1;
    float greatest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabularySize; i++) {
      float logit = logits[i];
      if (!(logit < Float.POSITIVE_INFINITY)) {
        throw new NonFiniteLogits(
            "logits: " + logit + " at token " + i + " (expected: a number or -Infinity)");
      }
      if (logit > greatest) {
        greatest = logit;
        best = i;
      }
    }
    if (best < 0) {
      throw new NonFiniteLogits(
          "logits: -Infinity for every token (expected: at least one number)");
    }
    return best;
  }

  /** Fills {@link #x} with what the logits are before temperature; returns the best. */
  private int adjust(float[] logits, int vocabularySize, SamplingState state, int rawBest) {
    reserve(vocabularySize);
    for (int i = 0; i < vocabularySize; i++) {
      x[i] = logits[i];
    }
    if (!state.adjusts()) {
      return rawBest;
    }
    state.adjust(x, vocabularySize);
    int best = greatest(vocabularySize);
    if (best < 0) {
      throw new NonFiniteLogits(
          "logits: -Infinity for every token behind logit_bias and min_tokens");
    }
    return best;
  }

  private void reserve(int n) {
    if (x.length < n) {
      x = new double[n];
      weights = new double[n];
    }
  }

  /** The index of the greatest of {@link #x}, the first among equals; -1: all are -∞. */
  private int greatest(int n) {
    int best = -1;
    double greatest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      if (!(x[i] < Double.POSITIVE_INFINITY)) {
        throw new NonFiniteLogits(
            "logits: " + x[i] + " at token " + i + " behind bias and penalties");
      }
      if (x[i] > greatest) {
        greatest = x[i];
        best = i;
      }
    }
    return best;
  }

  /** Fills {@link #weights}, the greatest 1 and what is cut 0; returns their sum. */
  private double weigh(int vocabularySize, SamplingParams params, double greatest) {
    int n = vocabularySize;
    double least = Double.NEGATIVE_INFINITY;
    if (params.topK() > 0 && params.topK() < n) {
      least = params.minP() > 0 ? kthAboveMinP(n, params, greatest) : kthGreatest(n, params.topK());
    }
    double total = weighAll(n, params, greatest, least);
    return params.topP() < 1 ? cutTail(n, 0, total, 1 - params.topP()) : total;
  }

  /** Without top_p. */
  private double weighAll(int n, SamplingParams params, double greatest, double least) {
    double minWeight = params.minP() > 0 ? params.minP() : 0;
    double total = 0;
    for (int i = 0; i < n; i++) {
      double weight = x[i] >= least ? weight(x[i], greatest, params) : 0;
      weights[i] = weight >= minWeight ? weight : 0;
      total += weights[i];
    }
    return total;
  }

  private static double weight(double logit, double greatest, SamplingParams params) {
    return Math.exp((logit - greatest) / params.temperature());
  }

  /** min_p comes first: what it cuts has left when top_k counts. */
  private double kthAboveMinP(int n, SamplingParams params, double greatest) {
    for (int i = 0; i < n; i++) {
      if (weight(x[i], greatest, params) < params.minP()) {
        x[i] = Double.NEGATIVE_INFINITY;
      }
    }
    return kthGreatest(n, params.topK());
  }

  /** The k-th greatest of {@link #x}, over a min-heap of the k greatest so far. */
  private double kthGreatest(int n, int k) {
    if (heap.length < k) {
      heap = new double[k];
    }
    System.arraycopy(x, 0, heap, 0, k);
    for (int i = k / 2 - 1; i >= 0; i--) {
      siftDown(k, i, heap[i]);
    }
    for (int i = k; i < n; i++) {
      if (x[i] > heap[0]) {
        siftDown(k, 0, x[i]);
      }
    }
    return heap[0];
  }

  private void siftDown(int size, int from, double value) {
    int parent = from;
    for (int child; (child = 2 * parent + 1) < size; parent = child) {
      if (child + 1 < size && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= value) {
        break;
      }
      heap[parent] = heap[child];
    }
    heap[parent] = value;
  }

  /**
   * Drops the least likely while what goes is at most {@code tail} of the total; {@code others},
   * weights that are not here, go first. Buckets of weights go whole; only the one in which the cut
   * lies is sorted.
   */
  private double cutTail(int n, double others, double total, double tail) {
    Arrays.fill(bucketSums, 0);
    bucketSums[0] = others;
    for (int i = 0; i < n; i++) {
      bucketSums[bucket(weights[i])] += weights[i];
    }
    double most = total * tail;
    double dropped = 0;
    int edge = 0;
    while (edge < TOP_BUCKET && dropped + bucketSums[edge] <= most) {
      dropped += bucketSums[edge++];
    }
    double left = 0;
    for (int bucket = edge + 1; bucket <= TOP_BUCKET; bucket++) {
      left += bucketSums[bucket];
    }
    return left + cutWithin(edge, n, dropped, most);
  }

  /** Cuts within one bucket and drops those below; returns what is left of the one. */
  private double cutWithin(int edge, int n, double droppedBelow, double most) {
    if (order.length < n) {
      order = new int[n];
      orderSpare = new int[n];
    }
    int members = 0;
    for (int i = 0; i < n; i++) {
      int bucket = bucket(weights[i]);
      if (bucket < edge) {
        weights[i] = 0;
      } else if (bucket == edge) {
        order[members++] = i;
      }
    }
    int[] sorted = sortByWeight(members);
    int droppable = edge == TOP_BUCKET ? members - 1 : members;
    double dropped = droppedBelow;
    int first = 0;
    for (; first < droppable; first++) {
      dropped += weights[sorted[first]];
      if (dropped > most) {
        break;
      }
      weights[sorted[first]] = 0;
    }
    double left = 0;
    for (int i = first; i < members; i++) {
      left += weights[sorted[i]];
    }
    return left;
  }

  /** Weights in order, sixteen buckets per power of two; {@link #TOP_BUCKET} is weight 1. */
  private static int bucket(double weight) {
    return (int) (Double.doubleToRawLongBits(weight) >>> 48);
  }

  /** A stable bottom-up merge sort of {@link #order}, ascending. */
  private int[] sortByWeight(int n) {
    int[] from = order;
    int[] to = orderSpare;
    for (int width = 1; width < n; width *= 2) {
      for (int start = 0; start < n; start += 2 * width) {
        int middle = Math.min(start + width, n);
        int end = Math.min(start + 2 * width, n);
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++) {
          boolean takeLeft =
              left < middle && (right >= end || weights[from[left]] <= weights[from[right]]);
          to[i] = takeLeft ? from[left++] : from[right++];
        }
      }
      int[] swapped = from;
      from = to;
      to = swapped;
    }
    return from;
  }
}
