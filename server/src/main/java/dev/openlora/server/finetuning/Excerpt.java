package dev.openlora.server.finetuning;

/** Text from outside as messages show it: quoted, short, without control characters. */
final class Excerpt {
  private static final int CHARACTERS = 100;

  private Excerpt() {}

  static String of(String text) {
    return "'" + bare(text, CHARACTERS) + "'";
  }

  static String bare(String text, int charactersMax) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(charactersMax)
        .forEach(c ->
            out.appendCodePoint(
                Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE
                    ? '\uFFFD'
                    : c));
    return text.codePointCount(0, text.length()) > charactersMax
        ? out.append('…').toString()
        : out.toString();
  }
}
