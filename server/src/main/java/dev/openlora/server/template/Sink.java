package dev.openlora.server.template;

/**
 * Where a block prints to: the output itself, or text that a macro, a set block or a filter takes.
 */
final class Sink {
  private final StringBuilder text = new StringBuilder();
  private final long charsMax;
  private final String name;

  Sink(String name, long charsMax) {
    this.name = name;
    this.charsMax = charsMax;
  }

  void append(String part) {
    if (text.length() + (long) part.length() > charsMax) {
      throw TemplateException.limit(name + " of more than " + charsMax + " characters");
    }
    text.append(part);
  }

  int codePoints() {
    return Character.codePointCount(text, 0, text.length());
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
