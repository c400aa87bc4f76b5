package dev.openlora.engine.text.bpe;

/**
 * The characters that byte-level BPE writes for bytes: a printable byte is its own Latin-1
 * character, the others follow from U+0100 on.
 */
final class ByteAlphabet {
  static final int SIZE = 256;
  private static final char[] LETTERS = letters();

  private ByteAlphabet() {}

  static char letter(int b) {
    return LETTERS[b & 0xFF];
  }

  static String letters(byte[] bytes) {
    StringBuilder text = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      text.append(letter(b));
    }
    return text.toString();
  }

  private static char[] letters() {
    char[] letters = new char[SIZE];
    char next = SIZE;
    for (int b = 0; b < SIZE; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      letters[b] = printable ? (char) b : next++;
    }
    return letters;
  }
}
