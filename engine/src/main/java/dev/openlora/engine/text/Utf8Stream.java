package dev.openlora.engine.text;

/**
 * UTF-8 that comes in pieces, as text. What can never become a character is U+FFFD at once, one for
 * each maximal part of a sequence (as Unicode recommends); what still may become one waits: three
 * bytes at most. One thread.
 */
final class Utf8Stream {
  private static final char REPLACEMENT = '\uFFFD';

  private int codePoint;
  private int missing;
  private int lower = 0x80;
  private int upper = 0xBF;

  void append(byte[] bytes, StringBuilder text) {
    for (byte b : bytes) {
      int unit = b & 0xFF;
      if (missing > 0 && (unit < lower || unit > upper)) {
        finish(text);
      }
      if (missing > 0) {
        lower = 0x80;
        upper = 0xBF;
        codePoint = (codePoint << 6) | (unit & 0x3F);
        if (--missing == 0) {
          text.appendCodePoint(codePoint);
        }
      } else {
        begin(unit, text);
      }
    }
  }

  /** Ends the text: what waits is U+FFFD. */
  void finish(StringBuilder text) {
    if (missing > 0) {
      text.append(REPLACEMENT);
      missing = 0;
      lower = 0x80;
      upper = 0xBF;
    }
  }

  private void begin(int unit, StringBuilder text) {
    if (unit < 0x80) {
      text.append((char) unit);
    } else if (unit >= 0xC2 && unit <= 0xDF) {
      missing = 1;
      codePoint = unit & 0x1F;
    } else if (unit >= 0xE0 && unit <= 0xEF) {
      missing = 2;
      codePoint = unit & 0x0F;
      lower = unit == 0xE0 ? 0xA0 : 0x80;
      upper = unit == 0xED ? 0x9F : 0xBF;
    } else if (unit >= 0xF0 && unit <= 0xF4) {
      missing = 3;
      codePoint = unit & 0x07;
      lower = unit == 0xF0 ? 0x90 : 0x80;
      upper = unit == 0xF4 ? 0x8F : 0xBF;
    } else {
      text.append(REPLACEMENT);
    }
  }
}
