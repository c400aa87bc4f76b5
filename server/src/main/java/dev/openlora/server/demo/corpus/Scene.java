package dev.openlora.server.demo.corpus;

import dev.openlora.server.demo.corpus.Symbol.Column;
import dev.openlora.server.demo.corpus.Symbol.Computed;
import dev.openlora.server.demo.corpus.Symbol.Entry;
import dev.openlora.server.demo.corpus.Symbol.Range;
import dev.openlora.server.demo.corpus.Symbol.Rule;
import dev.openlora.server.demo.corpus.Symbol.Table;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What one passage has settled so far: who, what, how many. One passage, one thread. */
final class Scene {
  private static final int DEPTH_MAX = 40;
  private static final int TRIES_MAX = 12;

  private final Grammar grammar;
  private final RandomGenerator random;
  private final @Nullable Object[] bound; // by symbol: an Entry or an Integer
  private final @Nullable BitSet[] used; // by pool: rows or variants
  private final StringBuilder out = new StringBuilder(1024);
  private int depth;

  Scene(Grammar grammar, RandomGenerator random) {
    this.grammar = grammar;
    this.random = random;
    this.bound = new Object[grammar.symbolCount()];
    this.used = new BitSet[grammar.poolCount()];
  }

  /** Writes the text of a rule. */
  String tell(int symbol) {
    write(new Template.Slot(symbol, Form.PLAIN, false));
    return out.toString();
  }

  private void write(Template template) {
    switch (template) {
      case Template.Text(String text) -> out.append(text);
      case Template.Sequence(List<Template> parts) -> parts.forEach(this::write);
      case Template.Choice(List<Template> options) ->
          write(options.get(random.nextInt(options.size())));
      case Template.Slot slot -> write(slot);
      case Template.Several(int symbol, int count) -> several(symbol, count);
    }
  }

  private void write(Template.Slot slot) {
    if (++depth > DEPTH_MAX) {
      throw new IllegalStateException(grammar.nameOf(slot.symbol()) + ": refers to itself");
    }
    int from = out.length();
    switch (grammar.symbol(slot.symbol())) {
      case Rule rule -> write(rule.variants().get(variant(rule)));
      case Column column -> write(entry(slot.symbol(), column), slot.form());
      case Range ignored -> out.append(number(slot.symbol()));
      case Computed ignored -> out.append(number(slot.symbol()));
    }
    switch (slot.form()) {
      case ARTICLE -> out.insert(from, English.article(out.substring(from)) + " ");
      case PLURAL -> {
        String plural = English.plural(out.substring(from));
        if (!(bound[slot.symbol()] instanceof Entry entry) || entry.plural() == null) {
          out.setLength(from);
          out.append(plural);
        }
      }
      case WORDS -> {
        out.setLength(from);
        out.append(English.words(number(slot.symbol())));
      }
      case PLAIN, THEY, THEM, THEIR, THEMSELF -> {}
    }
    if (slot.capital() && from < out.length()) {
      out.setCharAt(from, Character.toUpperCase(out.charAt(from)));
    }
    depth--;
  }

  private void write(Entry entry, Form form) {
    if (form.isPronoun()) {
      out.append(Objects.requireNonNull(entry.pronouns()).form(form));
    } else if (form == Form.PLURAL && entry.plural() != null) {
      out.append(entry.plural());
    } else {
      write(entry.text());
    }
  }

  private void several(int symbol, int count) {
    if (!(grammar.symbol(symbol) instanceof Rule rule)) {
      throw new IllegalStateException(grammar.nameOf(symbol) + ": no rule (expected: texts)");
    }
    BitSet chosen = new BitSet();
    if (rule.leads() > 0) {
      chosen.set(random.nextInt(rule.leads()));
    }
    int others = rule.variants().size() - rule.leads();
    while (chosen.cardinality() < Math.min(count, others)) {
      chosen.set(rule.leads() + random.nextInt(others));
    }
    for (int i = chosen.nextSetBit(0); i >= 0; i = chosen.nextSetBit(i + 1)) {
      write(rule.variants().get(i));
      out.append(' ');
    }
  }

  /** A variant that this passage has not seen, until it has seen all. */
  private int variant(Rule rule) {
    BitSet seen = used(rule.pool());
    int[] weights = rule.weights();
    int count = weights.length;
    if (seen.cardinality() == count) {
      seen.clear();
    }
    int choice = 0;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
      int ticket = random.nextInt(weights[count - 1]);
      choice = 0;
      while (weights[choice] <= ticket) {
        choice++;
      }
      if (!seen.get(choice)) {
        break;
      }
    }
    if (seen.get(choice)) {
      choice = seen.nextClearBit(0);
    }
    seen.set(choice);
    return choice;
  }

  private Entry entry(int symbol, Column column) {
    if (bound[symbol] == null) {
      Table table = column.table();
      List<Entry> row = table.rows().get(row(table));
      for (int i = 0; i < row.size(); i++) {
        bound[table.symbols()[i]] = row.get(i);
      }
    }
    return (Entry) Objects.requireNonNull(bound[symbol]);
  }

  private int row(Table table) {
    BitSet taken = used(table.pool());
    int count = table.rows().size();
    int left = count - taken.cardinality();
    if (left == 0) {
      throw new IllegalStateException(table.name() + ": all " + count + " rows are used");
    }
    int row = -1;
    for (int skip = random.nextInt(left); skip >= 0; skip--) {
      row = taken.nextClearBit(row + 1);
    }
    taken.set(row);
    return row;
  }

  private int number(int symbol) {
    if (bound[symbol] instanceof Integer known) {
      return known;
    }
    int number =
        switch (grammar.symbol(symbol)) {
          case Range(int low, int high) -> random.nextInt(low, high + 1);
          case Computed(Sum sum) -> sum.value(this::number);
          case Rule ignored -> throw noNumber(symbol);
          case Column ignored -> throw noNumber(symbol);
        };
    bound[symbol] = number;
    return number;
  }

  private IllegalStateException noNumber(int symbol) {
    return new IllegalStateException(grammar.nameOf(symbol) + ": words (expected: a number)");
  }

  private BitSet used(int pool) {
    BitSet set = used[pool];
    if (set == null) {
      set = new BitSet();
      used[pool] = set;
    }
    return set;
  }
}
