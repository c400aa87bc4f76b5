package dev.openlora.server.demo.corpus;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Rules that write passages, from a text of definitions. A name begins a line; what belongs to it
 * may go on in indented lines; a {@code \} at the end of a line joins the next; {@code #} begins a
 * comment.
 *
 * <pre>
 * colour = red | blue | green           words: one is drawn, and kept for the passage
 * hero, friend = *name                  two more of the words of "name", all different
 * (tool, work) =                        a table: a row is drawn, and kept
 *   a spade | dig
 *   an axe | chop wood
 * price = 2..9                          a number
 * total := price * 3 + 1                a sum
 * mood ~ glad | sad                     a rule: another one each time
 * opening:                              the same with one text a line; *3 makes it likelier
 *   *3 One day {hero} found {a tool}.
 *   {Hero} wanted to {work}[ at once|].
 * trouble:                              {3 trouble} tells three in this order; one marked + leads
 *   + One night the wind rose.
 *   The {tool} broke.
 * passage:                              where a passage begins: title || prompt || answer
 *   {tool} || Write about {a tool}. || {opening} {They hero} was {mood}.
 * include names                         the definitions of another text
 * </pre>
 *
 * A slot may ask for a form (see {@link Form}) and, by a capital, for a capital. Words may carry
 * {@code /plural} and, for a character, {@code @she}, {@code @he} or {@code @it}. Immutable.
 */
public final class Grammar {
  private final String name;
  private final List<String> names;
  private final List<Symbol> symbols;
  private final int poolCount;
  private final int passage;

  Grammar(String name, List<String> names, List<Symbol> symbols, int poolCount) {
    this.name = name;
    this.names = List.copyOf(names);
    this.symbols = List.copyOf(symbols);
    this.poolCount = poolCount;
    this.passage = names.indexOf("passage");
    if (passage < 0) {
      throw new IllegalArgumentException(name + ": no rule 'passage'");
    }
  }

  /** The grammar NAME.txt among this package's resources. */
  static Grammar resource(String name) {
    return GrammarParser.parse(name, resourceText(name), Grammar::resourceText);
  }

  private static String resourceText(String name) {
    try (InputStream in = Grammar.class.getResourceAsStream(name + ".txt")) {
      if (in == null) {
        throw new IllegalArgumentException("grammar: '" + name + "' (expected: a resource)");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Title, prompt and answer. */
  List<String> passage(RandomGenerator random) {
    String[] parts = new Scene(this, random).tell(passage).split("\\|\\|", -1);
    if (parts.length != 3) {
      throw new IllegalStateException(
          name + ": passage of " + parts.length + " parts (expected: title || prompt || answer)");
    }
    return List.of(
        English.sentences(parts[0]), English.sentences(parts[1]), English.sentences(parts[2]));
  }

  Symbol symbol(int symbol) {
    return symbols.get(symbol);
  }

  List<Symbol> symbols() {
    return symbols;
  }

  String nameOf(int symbol) {
    return name + ": " + names.get(symbol);
  }

  int symbolCount() {
    return symbols.size();
  }

  int poolCount() {
    return poolCount;
  }
}
