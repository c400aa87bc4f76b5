package dev.openlora.bench.streams;

import dev.openlora.engine.text.IncrementalDecoder;
import dev.openlora.engine.text.Tokenizer;
import java.nio.charset.StandardCharsets;

/**
 * Words of a blank and three letters: {@code " aaa"} is 0, {@code " aab"} is 1. Every answer counts
 * up from its prompt, so that a client knows each token before it comes. Any thread.
 */
public final class NullTokenizer implements Tokenizer {
  static final int WORD_BYTES = 4;
  private static final int LETTERS = 26;
  static final int VOCABULARY = LETTERS * LETTERS * LETTERS;

  private final String[] words = new String[VOCABULARY];

  public NullTokenizer() {
    for (int id = 0; id < VOCABULARY; id++) {
      words[id] = new String(word(id), StandardCharsets.US_ASCII);
    }
  }

  /** The {@code n}-th token of the answer to a prompt that ends with {@code promptId}. */
  static int answer(int promptId, int n) {
    return (promptId + 1 + n) % VOCABULARY;
  }

  static byte[] word(int id) {
    return new byte[] {
      ' ',
      (byte) ('a' + id / (LETTERS * LETTERS)),
      (byte) ('a' + id / LETTERS % LETTERS),
      (byte) ('a' + id % LETTERS)
    };
  }

  /**
   * @throws IllegalArgumentException for a text that is not made of whole words
   */
  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length / WORD_BYTES];
    boolean whole = bytes.length % WORD_BYTES == 0;
    for (int i = 0; i < ids.length; i++) {
      whole &= bytes[i * WORD_BYTES] == ' ';
      for (int k = 1; k < WORD_BYTES; k++) {
        byte letter = bytes[i * WORD_BYTES + k];
        whole &= letter >= 'a' && letter <= 'z';
        ids[i] = ids[i] * LETTERS + letter - 'a';
      }
    }
    if (!whole) {
      throw new IllegalArgumentException(
          "text: '" + text + "' (expected: words of a blank and three letters a to z)");
    }
    return ids;
  }

  @Override
  public String decode(int[] tokenIds, boolean skipSpecialTokens) {
    StringBuilder text = new StringBuilder();
    for (int id : tokenIds) {
      text.append(words[id]);
    }
    return text.toString();
  }

  @Override
  public byte[] tokenBytes(int tokenId) {
    return word(tokenId);
  }

  @Override
  public String tokenName(int tokenId) {
    return words[tokenId];
  }

  @Override
  public boolean isSpecial(int tokenId) {
    return false;
  }

  @Override
  public int size() {
    return VOCABULARY;
  }

  @Override
  public IncrementalDecoder newDecoder(int[] promptIds, boolean skipSpecialTokens) {
    return new IncrementalDecoder() {
      @Override
      public String append(int tokenId) {
        return words[tokenId];
      }

      @Override
      public String flush() {
        return "";
      }
    };
  }

  @Override
  public void close() {}
}
