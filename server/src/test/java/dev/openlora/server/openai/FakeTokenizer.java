package dev.openlora.server.openai;

import dev.openlora.engine.text.IncrementalDecoder;
import dev.openlora.engine.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** One token per UTF-8 byte; 256 is {@code <s>}, 257 is {@code </s>}. */
final class FakeTokenizer implements Tokenizer {
  static final int BOS = 256;
  static final int EOS = 257;
  static final int SIZE = 258;

  @Override
  public int[] encode(String text, boolean addSpecialTokens) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int first = addSpecialTokens ? 1 : 0;
    int[] ids = new int[bytes.length + first];
    if (addSpecialTokens) {
      ids[0] = BOS;
    }
    for (int i = 0; i < bytes.length; i++) {
      ids[first + i] = bytes[i] & 0xff;
    }
    return ids;
  }

  @Override
  public String decode(int[] tokenIds, boolean skipSpecialTokens) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int id : tokenIds) {
      if (!skipSpecialTokens || !isSpecial(id)) {
        out.writeBytes(tokenBytes(id));
      }
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] tokenBytes(int tokenId) {
    return switch (tokenId) {
      case BOS -> "<s>".getBytes(StandardCharsets.UTF_8);
      case EOS -> "</s>".getBytes(StandardCharsets.UTF_8);
      default -> new byte[] {(byte) tokenId};
    };
  }

  @Override
  public String tokenName(int tokenId) {
    return new String(tokenBytes(tokenId), StandardCharsets.ISO_8859_1);
  }

  @Override
  public boolean isSpecial(int tokenId) {
    return tokenId >= BOS;
  }

  @Override
  public int size() {
    return SIZE;
  }

  @Override
  public IncrementalDecoder newDecoder(int[] promptIds, boolean skipSpecialTokens) {
    ByteArrayOutputStream pending = new ByteArrayOutputStream();
    return new IncrementalDecoder() {
      @Override
      public String append(int tokenId) {
        if (isSpecial(tokenId) && skipSpecialTokens) {
          return "";
        }
        pending.writeBytes(tokenBytes(tokenId));
        String text = pending.toString(StandardCharsets.UTF_8);
        if (text.endsWith("\uFFFD")) {
          return "";
        }
        pending.reset();
        return text;
      }

      @Override
      public String flush() {
        String text = pending.toString(StandardCharsets.UTF_8);
        pending.reset();
        return text;
      }
    };
  }

  @Override
  public void close() {}
}
