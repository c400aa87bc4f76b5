package dev.openlora.engine.text;

/**
 * Decodes an answer from the bytes of its tokens: byte-level vocabularies and SentencePiece ones
 * with byte fallback. A token costs its own bytes, nothing is decoded twice, and at most three
 * bytes wait. A real U+FFFD comes out like any character.
 *
 * <p>The prompt matters in two ways: a character that it leaves unfinished is finished by the
 * answer, and the space that SentencePiece puts in front of a text is not stripped behind one. The
 * text is that of {@link Tokenizer#decode} but for one case: where lone bytes of a SentencePiece
 * vocabulary are not UTF-8, decode replaces each byte of their whole run, even characters that were
 * complete, and a stream cannot take those back.
 */
final class ByteDecoder implements IncrementalDecoder {
  private static final int CONTEXT_BYTES = 3;

  private final Vocabulary vocabulary;
  private final boolean skipSpecialTokens;
  private final Utf8Stream utf8 = new Utf8Stream();
  private boolean stripNext;
  private boolean began;

  ByteDecoder(Vocabulary vocabulary, int[] promptIds, boolean skipSpecialTokens) {
    this.vocabulary = vocabulary;
    this.skipSpecialTokens = skipSpecialTokens;
    int start = promptIds.length;
    for (int context = 0; start > 0 && context < CONTEXT_BYTES; ) {
      context += bytes(promptIds[--start]).length;
      began |= context > 0;
    }
    this.stripNext = vocabulary.stripsFirstSpace() && !began;
    StringBuilder ignored = new StringBuilder();
    for (int i = start; i < promptIds.length; i++) {
      utf8.append(bytes(promptIds[i]), ignored);
    }
    this.began = false;
  }

  @Override
  public String append(int tokenId) {
    byte[] bytes = bytes(tokenId);
    if (bytes.length == 0) {
      return "";
    }
    began = true;
    StringBuilder text = new StringBuilder();
    utf8.append(bytes, text);
    if (stripNext && !text.isEmpty()) {
      stripNext = false;
      if (text.charAt(0) == ' ') {
        text.deleteCharAt(0);
      }
    }
    return text.toString();
  }

  @Override
  public String flush() {
    StringBuilder text = new StringBuilder();
    if (began) {
      utf8.finish(text);
    }
    return text.toString();
  }

  private byte[] bytes(int tokenId) {
    return skipSpecialTokens && vocabulary.isSpecial(tokenId)
        ? new byte[0]
        : vocabulary.bytes(tokenId);
  }
}
