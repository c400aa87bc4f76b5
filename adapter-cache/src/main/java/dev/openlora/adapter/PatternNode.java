package dev.openlora.adapter;

import java.util.List;

/** The tree of a {@link NamePattern}. */
sealed interface PatternNode {
  /** One character of a set. */
  record One(CharacterSet set) implements PatternNode {}

  /** All parts, one after the other. */
  record Sequence(List<PatternNode> parts) implements PatternNode {}

  /** One of the options. */
  record Choice(List<PatternNode> options) implements PatternNode {}

  /** The body min to max times; max may be {@link #UNBOUNDED}. */
  record Repeat(PatternNode body, int min, int max) implements PatternNode {
    static final int UNBOUNDED = -1;
  }

  /** A look-ahead. */
  record Look(PatternNode body, boolean negative) implements PatternNode {}

  /** A place between characters. */
  record Anchor(Kind kind) implements PatternNode {
    enum Kind {
      START,
      END,
      BOUNDARY,
      NO_BOUNDARY
    }
  }
}
