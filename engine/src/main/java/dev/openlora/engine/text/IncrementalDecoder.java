package dev.openlora.engine.text;

/** Turns tokens into text as they come, never splitting a character. One thread. */
public interface IncrementalDecoder {
  /** The text that is certain once this token has come; "" while a character is incomplete. */
  String append(int tokenId);

  /** What remains at the end: an incomplete character as U+FFFD. */
  String flush();
}
