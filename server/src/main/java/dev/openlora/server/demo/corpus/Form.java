package dev.openlora.server.demo.corpus;

import java.util.Arrays;
import java.util.Locale;

/** How a slot writes what is bound to it: {@code {a thing}}, {@code {their hero}}, … */
enum Form {
  PLAIN(""),
  ARTICLE("a"),
  PLURAL("s"),
  WORDS("words"), // a number up to 100
  THEY("they"),
  THEM("them"),
  THEIR("their"),
  THEMSELF("themself");

  private final String mark;

  Form(String mark) {
    this.mark = mark;
  }

  boolean isPronoun() {
    return compareTo(THEY) >= 0;
  }

  static Form of(String mark) {
    return Arrays.stream(values())
        .filter(form -> form.mark.equals(mark.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "{"
                    + mark
                    + " …} (expected: a, s, words, they, them, their or themself before the"
                    + " name)"));
  }
}
