package dev.openlora.engine.text.bpe;

import java.util.List;
import java.util.Random;

/** Words, signs and blanks of many scripts in no sensible order. */
final class RandomText {
  private static final List<String> PIECES =
      List.of(
          "ab",
          "aab",
          "aaaa",
          "bba",
          "the",
          " the",
          "Then",
          " cat's",
          "'ll",
          "'",
          "don't",
          "42",
          " 7",
          "1999",
          ".",
          ", ",
          "!!",
          "?\n",
          "\n",
          "\r\n",
          "  ",
          "   x",
          "\t",
          " \n ",
          "é",
          "ß",
          "да",
          " нет",
          "привет",
          "你好",
          "😀",
          "👩‍👩‍👧",
          "🇫🇷",
          "\u0000",
          "\u0007",
          "\u001b[0m",
          "\u00a0",
          "\u2028",
          "\u200b",
          "ﬁ",
          "e\u0301",
          "½",
          "٣",
          "\uFFFD",
          "-",
          "_",
          "(",
          "$5");

  private RandomText() {}

  static String next(Random random, int piecesMax) {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(piecesMax + 1); n > 0; n--) {
      text.append(PIECES.get(random.nextInt(PIECES.size())));
    }
    return text.toString();
  }
}
