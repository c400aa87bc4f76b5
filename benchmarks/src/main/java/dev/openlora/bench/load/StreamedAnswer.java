package dev.openlora.bench.load;

import java.util.Arrays;

/** An answer as its events come in. One thread. */
final class StreamedAnswer {
  private final StringBuilder text = new StringBuilder();
  private long[] pieceNanos = new long[64];
  private int pieces;
  private int promptTokens;
  private int outputTokens;
  private boolean counted;
  private boolean done;

  /** A piece of text; an empty one is no sign of a token. */
  void piece(String piece, long nanos) {
    if (piece.isEmpty()) {
      return;
    }
    text.append(piece);
    if (pieces == pieceNanos.length) {
      pieceNanos = Arrays.copyOf(pieceNanos, 2 * pieces);
    }
    pieceNanos[pieces++] = nanos;
  }

  void count(int prompt, int output) {
    promptTokens = prompt;
    outputTokens = output;
    counted = true;
  }

  void finish() {
    done = true;
  }

  boolean isDone() {
    return done;
  }

  boolean isCounted() {
    return counted;
  }

  int promptTokens() {
    return promptTokens;
  }

  int outputTokens() {
    return outputTokens;
  }

  String text() {
    return text.toString();
  }

  /** When pieces came, in order. */
  long[] pieceNanos() {
    return Arrays.copyOf(pieceNanos, pieces);
  }
}
