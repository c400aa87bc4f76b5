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
 * sorts, and no more than the few tokens around its cut. Logits are read, never written. One
 * sampler serves all sequences of an engine, for it holds nothing but scratch rows. Engine thread
 * only.
 */
public final class Sampler {
  private static final int TOP_BUCKET = bucket(1);

  private double[] x = {};
  private double[] weights = {};
  private double[] heap = {};
  private final double[] bucketSums = new double[TOP_BUCKET + 1];
  private int[] order = {};
  private int[] orderSpare = {};

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
    double total = weigh(vocabularySize, state.params(), x[best]);
    double target = total * CounterRandom.uniform(state.seed(), state.outputLength());
    double cumulative = 0;
    int last = best;
    for (int i = 0; i < vocabularySize; i++) {
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
    if (x.length < vocabularySize) {
      x = new double[vocabularySize];
      weights = new double[vocabularySize];
    }
    for (int i = 0; i < vocabularySize; i++) {
      x[i] = logits[i];
    }
    if (!state.adjusts()) {
      return rawBest;
    }
    state.adjust(x, vocabularySize);
    int best = -1;
    double greatest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < vocabularySize; i++) {
      if (!(x[i] < Double.POSITIVE_INFINITY)) {
        throw new NonFiniteLogits(
            "logits: " + x[i] + " at token " + i + " behind bias and penalties");
      }
      if (x[i] > greatest) {
        greatest = x[i];
        best = i;
      }
    }
    if (best < 0) {
      throw new NonFiniteLogits(
          "logits: -Infinity for every token behind logit_bias and min_tokens");
    }
    return best;
  }

  /** Fills {@link #weights}, the greatest 1 and what is cut 0; returns their sum. */
  private double weigh(int vocabularySize, SamplingParams params, double greatest) {
    int n = vocabularySize;
    double temperature = params.temperature();
    double least = Double.NEGATIVE_INFINITY;
    if (params.topK() > 0 && params.topK() < n) {
      least = params.minP() > 0 ? kthAboveMinP(n, params, greatest) : kthGreatest(n, params.topK());
    }
    double minWeight = params.minP() > 0 ? params.minP() : 0;
    double total = 0;
    for (int i = 0; i < n; i++) {
      double weight = x[i] >= least ? Math.exp((x[i] - greatest) / temperature) : 0;
      weights[i] = weight >= minWeight ? weight : 0;
      total += weights[i];
    }
    return params.topP() < 1 ? cutTail(n, total, 1 - params.topP()) : total;
  }

  /** min_p comes first: what it cuts has left when top_k counts. */
  private double kthAboveMinP(int n, SamplingParams params, double greatest) {
    for (int i = 0; i < n; i++) {
      if (Math.exp((x[i] - greatest) / params.temperature()) < params.minP()) {
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
   * Drops the least likely while what goes is at most {@code tail} of the total. Buckets of weights
   * go whole; only the one in which the cut lies is sorted.
   */
  private double cutTail(int n, double total, double tail) {
    Arrays.fill(bucketSums, 0);
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
