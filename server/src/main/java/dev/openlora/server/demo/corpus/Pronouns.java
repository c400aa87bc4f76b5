package dev.openlora.server.demo.corpus;

import java.util.Locale;

/** The words that stand for a character. */
enum Pronouns {
  SHE("she", "her", "her", "herself"),
  HE("he", "him", "his", "himself"),
  IT("it", "it", "its", "itself");

  private final String they;
  private final String them;
  private final String their;
  private final String themself;

  Pronouns(String they, String them, String their, String themself) {
    this.they = they;
    this.them = them;
    this.their = their;
    this.themself = themself;
  }

  /** The one written {@code @she}, {@code @he} or {@code @it} in a grammar. */
  static Pronouns of(String tag) {
    for (Pronouns pronouns : values()) {
      if (pronouns.they.equals(tag.toLowerCase(Locale.ROOT))) {
        return pronouns;
      }
    }
    throw new IllegalArgumentException("@" + tag + " (expected: @she, @he or @it)");
  }

  String form(Form form) {
    return switch (form) {
      case THEY -> they;
      case THEM -> them;
      case THEIR -> their;
      case THEMSELF -> themself;
      case PLAIN, ARTICLE, PLURAL, WORDS -> throw new IllegalArgumentException(form.name());
    };
  }
}
