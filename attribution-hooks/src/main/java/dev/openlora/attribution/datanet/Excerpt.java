package dev.openlora.attribution.datanet;

/** Text from outside as it may stand in a message or on a terminal: one line, no control codes. */
public final class Excerpt {
  private static final int LENGTH = 100;

  private Excerpt() {}

  static String of(String text) {
    return of(text, LENGTH);
  }

  /** The first {@code length} code points; line breaks become spaces, other controls '?'. */
  public static String of(String text, int length) {
    StringBuilder clean = new StringBuilder();
    text.codePoints()
        .limit(length)
        .forEach(c -> {
          if (c == '\n' || c == '\t') {
            clean.append(' ');
          } else if (Character.isISOControl(c)
              || Character.getType(c) == Character.FORMAT
              || Character.getType(c) == Character.SURROGATE) {
            clean.append('?');
          } else {
            clean.appendCodePoint(c);
          }
        });
    return text.codePointCount(0, text.length()) > length ? clean + "…" : clean.toString();
  }
}
