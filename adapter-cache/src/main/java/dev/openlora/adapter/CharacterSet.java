package dev.openlora.adapter;

import java.util.List;

/** A set of characters of a {@link NamePattern}: ranges, inclusive, or their complement. */
record CharacterSet(List<Range> ranges, boolean negative) {
  static final CharacterSet DIGIT = of(new Range('0', '9'));
  static final CharacterSet WORD =
      of(new Range('0', '9'), new Range('A', 'Z'), new Range('_', '_'), new Range('a', 'z'));
  static final CharacterSet SPACE =
      of(new Range('\t', '\r'), new Range('\u001c', '\u001f'), new Range(' ', ' '));
  static final CharacterSet NOT_NEWLINE = new CharacterSet(List.of(new Range('\n', '\n')), true);

  /** From first to last, both inside. */
  record Range(char first, char last) {}

  static CharacterSet of(Range... ranges) {
    return new CharacterSet(List.of(ranges), false);
  }

  static CharacterSet of(char only) {
    return of(new Range(only, only));
  }

  CharacterSet complement() {
    return new CharacterSet(ranges, !negative);
  }

  boolean contains(char c) {
    for (Range range : ranges) {
      if (c >= range.first() && c <= range.last()) {
        return !negative;
      }
    }
    return negative;
  }
}
