package dev.openlora.engine.text;

/** Text to token ids and back, without any truncation. Any thread. */
public interface Tokenizer extends AutoCloseable {
  /**
   * Token ids of the text; {@code addSpecialTokens} adds what the tokenizer's post-processor adds
   * (BOS).
   */
  int[] encode(String text, boolean addSpecialTokens);

  String decode(int[] tokenIds, boolean skipSpecialTokens);

  /** The bytes that a token stands for on its own; a special token's are its name's. */
  byte[] tokenBytes(int tokenId);

  /**
   * The token as the vocabulary writes it, e.g. {@code ▁the} or {@code Ġthe}; "" when there is
   * none.
   */
  String tokenName(int tokenId);

  boolean isSpecial(int tokenId);

  /** One more than the largest id of the vocabulary and the added tokens. */
  int size();

  /** A decoder of one growing answer, which begins behind {@code promptIds}. */
  IncrementalDecoder newDecoder(int[] promptIds, boolean skipSpecialTokens);

  @Override
  void close();
}
