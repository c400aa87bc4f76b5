package dev.openlora.bench.streams;

/** An answer that is not what was asked for. The message says what came. */
final class BadAnswerException extends Exception {
  private static final long serialVersionUID = 1L;

  BadAnswerException(String message) {
    super(message);
  }
}
