package dev.openlora.engine.text;

import java.util.Arrays;

/**
 * Decodes an answer by decoding its last few tokens twice, without and with the newest, and taking
 * the difference: for vocabularies of which only the tokenizer itself knows how tokens join. Text
 * that ends in U+FFFD waits for the rest of its character, but for {@value #HELD_TOKENS_MAX} tokens
 * at most, so neither bytes that are no character nor a real U+FFFD stall it.
 */
final class WindowDecoder implements IncrementalDecoder {
  private static final int CONTEXT_TOKENS = 6;
  private static final int HELD_TOKENS_MAX = 4;

  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
  private int[] window;
  private int read;
  private String readText;

  WindowDecoder(Tokenizer tokenizer, int[] promptIds, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
    int[] visible = Arrays.stream(promptIds).filter(id -> !isSkipped(id)).toArray();
    int start = Math.max(0, visible.length - CONTEXT_TOKENS);
    this.window = Arrays.copyOfRange(visible, start, visible.length);
    this.read = window.length;
    this.readText = decode(window);
  }

  @Override
  public String append(int tokenId) {
    if (isSkipped(tokenId)) {
      return "";
    }
    window = Arrays.copyOf(window, window.length + 1);
    window[window.length - 1] = tokenId;
    String text = decode(window);
    boolean complete = text.length() > readText.length() && !text.endsWith("\uFFFD");
    return complete || window.length - read >= HELD_TOKENS_MAX ? take(text) : "";
  }

  @Override
  public String flush() {
    return window.length > read ? take(decode(window)) : "";
  }

  private String take(String text) {
    String grown = text.substring(Math.min(text.length(), readText.length()));
    window = Arrays.copyOfRange(window, read, window.length);
    read = window.length;
    readText = decode(window);
    return grown;
  }

  private boolean isSkipped(int tokenId) {
    return tokenizer.tokenName(tokenId).isEmpty()
        || (skipSpecialTokens && tokenizer.isSpecial(tokenId));
  }

  private String decode(int[] tokenIds) {
    return tokenizer.decode(tokenIds, skipSpecialTokens);
  }
}
