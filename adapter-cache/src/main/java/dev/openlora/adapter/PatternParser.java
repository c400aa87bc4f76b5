package dev.openlora.adapter;

import dev.openlora.adapter.PatternNode.Anchor;
import java.util.ArrayList;
import java.util.List;

/** Reads Python's syntax of regular expressions, or refuses what it has no exact meaning for. */
final class PatternParser {
  private static final int MAX_DEPTH = 50;
  private static final int MAX_REPEAT = 1_000;

  private final String key;
  private final String text;
  private int at;
  private int depth;

  PatternParser(String key, String text) {
    this.key = key;
    this.text = text;
  }

  PatternNode parse() throws AdapterException {
    PatternNode node = choice();
    if (at < text.length()) {
      throw wrong("unbalanced )");
    }
    return node;
  }

  private PatternNode choice() throws AdapterException {
    if (++depth > MAX_DEPTH) {
      throw wrong("more than " + MAX_DEPTH + " groups inside each other");
    }
    List<PatternNode> options = new ArrayList<>();
    options.add(sequence());
    while (take('|')) {
      options.add(sequence());
    }
    depth--;
    return options.size() == 1 ? options.getFirst() : new PatternNode.Choice(options);
  }

  private PatternNode sequence() throws AdapterException {
    List<PatternNode> parts = new ArrayList<>();
    while (at < text.length() && text.charAt(at) != '|' && text.charAt(at) != ')') {
      parts.add(repeated());
    }
    return new PatternNode.Sequence(parts);
  }

  private PatternNode repeated() throws AdapterException {
    PatternNode atom = atom();
    int min;
    int max;
    if (take('*')) {
      min = 0;
      max = PatternNode.Repeat.UNBOUNDED;
    } else if (take('+')) {
      min = 1;
      max = PatternNode.Repeat.UNBOUNDED;
    } else if (take('?')) {
      min = 0;
      max = 1;
    } else if (take('{')) {
      String low = digits();
      boolean range = take(',');
      String high = range ? digits() : low;
      if (!take('}') || (low.isEmpty() && high.isEmpty())) {
        throw wrong("a { that starts no repetition");
      }
      min = low.isEmpty() ? 0 : Integer.parseInt(low);
      max = high.isEmpty() ? PatternNode.Repeat.UNBOUNDED : Integer.parseInt(high);
      if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min)) {
        throw wrong("a repetition that is not between 0 and " + MAX_REPEAT);
      }
    } else {
      return atom;
    }
    if (atom instanceof Anchor || atom instanceof PatternNode.Look) {
      throw wrong("a repeated anchor");
    }
    take('?');
    if (at < text.length() && "*+?{".indexOf(text.charAt(at)) >= 0) {
      throw wrong("a repetition of a repetition");
    }
    return new PatternNode.Repeat(atom, min, max);
  }

  private PatternNode atom() throws AdapterException {
    char c = text.charAt(at++);
    return switch (c) {
      case '.' -> new PatternNode.One(CharacterSet.NOT_NEWLINE);
      case '^' -> new Anchor(Anchor.Kind.START);
      case '$' -> new Anchor(Anchor.Kind.END);
      case '(' -> group();
      case '[' -> set();
      case '\\' -> escape();
      case '*', '+', '?', '{' -> throw wrong("nothing to repeat");
      default -> new PatternNode.One(CharacterSet.of(c));
    };
  }

  private PatternNode group() throws AdapterException {
    boolean look = false;
    boolean negative = false;
    if (take('?')) {
      if (take('=')) {
        look = true;
      } else if (take('!')) {
        look = true;
        negative = true;
      } else if (!take(':')) {
        throw wrong("a group that starts with (? and is none of (?: (?= (?!");
      }
    }
    PatternNode body = choice();
    if (!take(')')) {
      throw wrong("a missing )");
    }
    return look ? new PatternNode.Look(body, negative) : body;
  }

  private PatternNode escape() throws AdapterException {
    if (at == text.length()) {
      throw wrong("a \\ at the end");
    }
    char c = text.charAt(at++);
    return switch (c) {
      case 'A' -> new Anchor(Anchor.Kind.START);
      case 'Z' -> new Anchor(Anchor.Kind.END);
      case 'b' -> new Anchor(Anchor.Kind.BOUNDARY);
      case 'B' -> new Anchor(Anchor.Kind.NO_BOUNDARY);
      default -> new PatternNode.One(escaped(c));
    };
  }

  private CharacterSet escaped(char c) throws AdapterException {
    return switch (c) {
      case 'd' -> CharacterSet.DIGIT;
      case 'D' -> CharacterSet.DIGIT.complement();
      case 'w' -> CharacterSet.WORD;
      case 'W' -> CharacterSet.WORD.complement();
      case 's' -> CharacterSet.SPACE;
      case 'S' -> CharacterSet.SPACE.complement();
      default -> {
        if (CharacterSet.WORD.contains(c)) {
          throw wrong("the escape \\" + c);
        }
        yield CharacterSet.of(c);
      }
    };
  }

  private PatternNode set() throws AdapterException {
    boolean negative = take('^');
    List<CharacterSet.Range> ranges = new ArrayList<>();
    for (boolean first = true; ; first = false) {
      if (at == text.length()) {
        throw wrong("a missing ]");
      }
      char c = text.charAt(at++);
      if (c == ']' && !first) {
        return new PatternNode.One(new CharacterSet(ranges, negative));
      }
      CharacterSet one = c == '\\' ? escapedInSet() : CharacterSet.of(c);
      if (one.negative()) {
        throw wrong("a negated class inside [ ]");
      }
      boolean range =
          at + 1 < text.length() && text.charAt(at) == '-' && text.charAt(at + 1) != ']';
      if (!range) {
        ranges.addAll(one.ranges());
        continue;
      }
      at++;
      char last = text.charAt(at++);
      CharacterSet end = last == '\\' ? escapedInSet() : CharacterSet.of(last);
      if (!single(one) || !single(end)) {
        throw wrong("a range of classes");
      }
      char low = one.ranges().getFirst().first();
      char high = end.ranges().getFirst().first();
      if (high < low) {
        throw wrong("the range " + low + "-" + high);
      }
      ranges.add(new CharacterSet.Range(low, high));
    }
  }

  private CharacterSet escapedInSet() throws AdapterException {
    if (at == text.length()) {
      throw wrong("a missing ]");
    }
    return escaped(text.charAt(at++));
  }

  private static boolean single(CharacterSet set) {
    return !set.negative()
        && set.ranges().size() == 1
        && set.ranges().getFirst().first() == set.ranges().getFirst().last();
  }

  private String digits() {
    int from = at;
    while (at < text.length() && at - from < 6 && CharacterSet.DIGIT.contains(text.charAt(at))) {
      at++;
    }
    return text.substring(from, at);
  }

  private boolean take(char c) {
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private AdapterException wrong(String what) {
    return Refusal.unsupported(
        key,
        "the regular expression '"
            + Refusal.shown(text)
            + "' has "
            + what
            + " before character "
            + at);
  }
}
