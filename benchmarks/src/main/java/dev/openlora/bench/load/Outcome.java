package dev.openlora.bench.load;

import org.jspecify.annotations.Nullable;

/**
 * What became of one request. Times are nanoseconds from the moment at which it was meant to be
 * sent, so that a client or a server that falls behind shows as latency.
 *
 * @param adapter as asked
 * @param end when it was over, well or not
 * @param first the first text; {@link #NO_TEXT} when none came
 * @param last the last text, or the first
 * @param gaps between one text and the next
 * @param promptTokens as the server counts; 0 when it did not
 * @param outputTokens as the server counts; 0 when it did not
 * @param fault null when the answer is right
 */
record Outcome(
    int adapter,
    long end,
    long first,
    long last,
    long[] gaps,
    int promptTokens,
    int outputTokens,
    String text,
    @Nullable Fault fault) {
  static final long NO_TEXT = -1;

  boolean right() {
    return fault == null;
  }

  /** Output tokens a second, over the whole request. */
  double tokensPerSecond() {
    return outputTokens / (end / 1e9);
  }

  /** The mean time between tokens after the first; 0 for one token. */
  double nanosPerOutputToken() {
    return outputTokens < 2 ? 0 : (last - first) / (outputTokens - 1.0);
  }
}
