package dev.openlora.server.template;

/**
 * Strings as Python sees them, in code points: what counts as white space, a letter or a word, and
 * the case maps.
 *
 * <p>Offsets here are code points unless a name says otherwise; strings without surrogates take the
 * short way.
 */
final class Text {
  private static final int SMALL_DOTLESS_I = 0x131;
  private static final int CAPITAL_SIGMA = 0x3a3;

  /** The ideographs that stand for numbers. */
  private static final String NUMERALS =
      "\u3405\u3483\u382a\u3b4d\u4e00\u4e03\u4e07\u4e09\u4e5d\u4e8c\u4e94\u4e96\u4ebf\u4ec0"
          + "\u4edf\u4ee8\u4f0d\u4f70\u5104\u5146\u5169\u516b\u516d\u5341\u5343\u5344\u5345\u534c"
          + "\u53c1\u53c2\u53c3\u53c4\u56db\u58f1\u58f9\u5e7a\u5efe\u5eff\u5f0c\u5f0d\u5f0e\u5f10"
          + "\u62fe\u634c\u67d2\u6f06\u7396\u767e\u8086\u842c\u8cae\u8cb3\u8d30\u9621\u9646\u964c"
          + "\u9678\u96f6\uf96b\uf973\uf978\uf9b2\uf9d1\uf9d3\uf9fd";

  private Text() {}

  static int length(String s) {
    return s.codePointCount(0, s.length());
  }

  static boolean isPlain(String s) {
    for (int i = 0; i < s.length(); i++) {
      if (Character.isSurrogate(s.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  /** The UTF-16 index of a code point; an offset beyond the end gives the end. */
  static int index(String s, int codePoint) {
    return codePoint >= length(s) ? s.length() : s.offsetByCodePoints(0, codePoint);
  }

  static String slice(String s, int from, int to) {
    if (from >= to) {
      return "";
    }
    int start = index(s, from);
    return s.substring(
        start, to - from >= length(s) - from ? s.length() : s.offsetByCodePoints(start, to - from));
  }

  static int compare(String a, String b) {
    int shared = Math.min(a.length(), b.length());
    for (int i = 0; i < shared; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean wide = Character.isSurrogate(x);
        return wide == Character.isSurrogate(y) ? Character.compare(x, y) : wide ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  static boolean isSpace(int c) {
    return c == ' '
        || (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1f)
        || c == 0x85
        || c == 0xa0
        || (c > 0xff && Character.isSpaceChar(c));
  }

  static boolean isLineEnd(char c) {
    return (c >= 0x0a && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  static int skipSpace(String s, int index) {
    int i = index;
    while (i < s.length() && isSpace(s.charAt(i))) {
      i++;
    }
    return i;
  }

  static String strip(String s, boolean left, boolean right) {
    int from = left ? skipSpace(s, 0) : 0;
    int to = s.length();
    while (right && to > from && isSpace(s.charAt(to - 1))) {
      to--;
    }
    return s.substring(from, to);
  }

  static String strip(String s, String chars, boolean left, boolean right) {
    int from = 0;
    int to = s.length();
    while (left && from < to && chars.indexOf(s.codePointAt(from)) >= 0) {
      from += Character.charCount(s.codePointAt(from));
    }
    while (right && to > from && chars.indexOf(s.codePointBefore(to)) >= 0) {
      to -= Character.charCount(s.codePointBefore(to));
    }
    return s.substring(from, to);
  }

  static boolean isAlpha(int c) {
    return Character.isLetter(c);
  }

  static boolean isDecimal(int c) {
    return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER;
  }

  static boolean isDigit(int c) {
    return isDecimal(c)
        || c == 0xb2
        || c == 0xb3
        || c == 0xb9
        || (c >= 0x1369 && c <= 0x1371)
        || c == 0x19da
        || c == 0x2070
        || (c >= 0x2074 && c <= 0x2079)
        || (c >= 0x2080 && c <= 0x2089)
        || (c >= 0x2460 && c <= 0x2468)
        || (c >= 0x2474 && c <= 0x247c)
        || (c >= 0x2488 && c <= 0x2490)
        || c == 0x24ea
        || (c >= 0x24f5 && c <= 0x24fd)
        || c == 0x24ff
        || (c >= 0x10a40 && c <= 0x10a43)
        || (c >= 0x10e60 && c <= 0x10e68)
        || (c >= 0x11052 && c <= 0x1105a)
        || (c >= 0x1f100 && c <= 0x1f10a)
        || (c >= 0x2776 && c <= 0x277e)
        || (c >= 0x2780 && c <= 0x2788)
        || (c >= 0x278a && c <= 0x2792);
  }

  static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER
        || NUMERALS.indexOf(c) >= 0;
  }

  static boolean isAlnum(int c) {
    return isAlpha(c) || isNumeric(c);
  }

  static boolean isIdentifier(String s) {
    if (s.isEmpty()) {
      return false;
    }
    int first = s.codePointAt(0);
    return (first == '_' || Character.isUnicodeIdentifierStart(first))
        && s.codePoints()
            .allMatch(c -> c == '_' || (Character.isUnicodeIdentifierPart(c) && !ignorable(c)));
  }

  private static boolean ignorable(int c) {
    return Character.isIdentifierIgnorable(c);
  }

  static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  private static boolean isCaseIgnorable(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default ->
          "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
                  .indexOf(c)
              >= 0;
    };
  }

  static String upper(int c) {
    return Character.toString(c).toUpperCase(java.util.Locale.ROOT);
  }

  /** The full lower case of the code point at {@code i}, with the sigma that ends a word. */
  static String lower(int[] text, int i) {
    if (text[i] != CAPITAL_SIGMA) {
      return Character.toString(text[i]).toLowerCase(java.util.Locale.ROOT);
    }
    int before = i - 1;
    while (before >= 0 && isCaseIgnorable(text[before])) {
      before--;
    }
    int after = i + 1;
    while (after < text.length && isCaseIgnorable(text[after])) {
      after++;
    }
    boolean last =
        before >= 0 && isCased(text[before]) && !(after < text.length && isCased(text[after]));
    return last ? "\u03c2" : "\u03c3";
  }

  /**
   * The full title case: where only the upper case has several letters, all but the first become
   * small again.
   */
  static String title(int c) {
    int simple = Character.toTitleCase(c);
    String upper = upper(c);
    if (simple != c || upper.codePointCount(0, upper.length()) == 1) {
      return Character.toString(simple);
    }
    int first = upper.codePointAt(0);
    String rest = upper.substring(Character.charCount(first));
    if (!isCased(first)) {
      return upper;
    }
    boolean greekIota = c >= 0x1f80 && c < 0x2000;
    return Character.toString(Character.toTitleCase(first))
        + (greekIota ? rest.replace('\u0399', '\u0345') : rest.toLowerCase(java.util.Locale.ROOT));
  }

  static String fold(int c) {
    if (c == SMALL_DOTLESS_I) {
      return Character.toString(c);
    }
    String upper = upper(Character.toLowerCase(c));
    StringBuilder out = new StringBuilder();
    upper.codePoints().forEach(u -> out.appendCodePoint(Character.toLowerCase(u)));
    return out.toString();
  }
}
