package dev.openlora.server.demo.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * A text with slots and choices: {@code One [cold|rainy] day {hero} lost {their hero} {thing}.}
 * Immutable.
 */
sealed interface Template {
  record Text(String text) implements Template {}

  /** What is bound to a name, in a form; with a capital when the slot is written with one. */
  record Slot(int symbol, Form form, boolean capital) implements Template {}

  /** Several texts of one rule in the order in which the rule lists them. */
  record Several(int symbol, int count) implements Template {}

  record Choice(List<Template> options) implements Template {}

  record Sequence(List<Template> parts) implements Template {}

  /**
   * Reads a template.
   *
   * @param symbols the number of a name; throws for a name that is not there
   */
  static Template parse(String source, ToIntFunction<String> symbols) {
    Parser parser = new Parser(source.replace("\\n", "\n"), symbols);
    Template template = parser.sequence(false);
    if (parser.at < parser.source.length()) {
      throw new IllegalArgumentException("']' without '[' in: " + source);
    }
    return template;
  }

  /** One walk over the source. */
  final class Parser {
    private final String source;
    private final ToIntFunction<String> symbols;
    private int at;

    private Parser(String source, ToIntFunction<String> symbols) {
      this.source = source;
      this.symbols = symbols;
    }

    private Template sequence(boolean inChoice) {
      List<Template> parts = new ArrayList<>();
      while (at < source.length()) {
        char c = source.charAt(at);
        if (c == '{') {
          parts.add(slot());
        } else if (c == '[') {
          parts.add(choice());
        } else if (c == ']' || (c == '|' && inChoice)) {
          break;
        } else {
          parts.add(text(inChoice));
        }
      }
      return parts.size() == 1 ? parts.getFirst() : new Sequence(List.copyOf(parts));
    }

    private Template text(boolean inChoice) {
      int from = at++; // a character that ends no text here, '|' outside a choice among them
      while (at < source.length() && (inChoice ? "{[]|" : "{[]").indexOf(source.charAt(at)) < 0) {
        at++;
      }
      return new Text(source.substring(from, at));
    }

    private Template slot() {
      int end = source.indexOf('}', at);
      if (end < 0) {
        throw new IllegalArgumentException("'{' without '}' in: " + source);
      }
      String inside = source.substring(at + 1, end);
      at = end + 1;
      if (inside.matches("[2-9] .+")) {
        return new Several(symbols.applyAsInt(inside.substring(2)), inside.charAt(0) - '0');
      }
      boolean capital = !inside.isEmpty() && Character.isUpperCase(inside.charAt(0));
      String lower =
          capital ? Character.toLowerCase(inside.charAt(0)) + inside.substring(1) : inside;
      int blank = lower.indexOf(' ');
      Form form = blank < 0 ? Form.PLAIN : Form.of(lower.substring(0, blank));
      return new Slot(symbols.applyAsInt(lower.substring(blank + 1)), form, capital);
    }

    private Template choice() {
      String rest = source.substring(at);
      List<Template> options = new ArrayList<>();
      do {
        at++;
        options.add(sequence(true));
      } while (at < source.length() && source.charAt(at) == '|');
      if (at == source.length()) {
        throw new IllegalArgumentException("'[' without ']' in: " + rest);
      }
      at++;
      return new Choice(List.copyOf(options));
    }
  }
}
