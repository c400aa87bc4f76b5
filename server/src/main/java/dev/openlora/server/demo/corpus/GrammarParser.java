package dev.openlora.server.demo.corpus;

import dev.openlora.server.demo.corpus.Symbol.Column;
import dev.openlora.server.demo.corpus.Symbol.Computed;
import dev.openlora.server.demo.corpus.Symbol.Entry;
import dev.openlora.server.demo.corpus.Symbol.Range;
import dev.openlora.server.demo.corpus.Symbol.Rule;
import dev.openlora.server.demo.corpus.Symbol.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the text of a {@link Grammar}; every error names the text and the line. One thread. */
final class GrammarParser {
  private static final int INCLUDES_MAX = 16;
  private static final String NAME = "[a-z][a-z0-9-]*";
  private static final Pattern HEAD =
      Pattern.compile(
          "(?<names>\\(?" + NAME + "(?:, " + NAME + ")*\\)?) ?(?<kind>:=|=|~|:)(?<rest>.*)");
  private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.\\.(\\d+)");
  private static final String LEAD = "+ ";
  private static final Pattern WEIGHT = Pattern.compile("\\*(\\d+) (.*)");
  private static final Pattern TAG = Pattern.compile("(.*\\S) @(\\w+)");

  /** One definition: its names, the sign between, and what it says, a row a line. */
  private record Definition(
      String where, List<String> names, boolean tuple, String kind, List<String> lines) {}

  private final UnaryOperator<String> texts;
  private final List<Definition> definitions = new ArrayList<>();
  private final List<String> included = new ArrayList<>();
  private final List<String> names = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, Table> tables = new HashMap<>(); // by the first name
  private final Map<String, Definition> byName = new HashMap<>();
  private final List<@Nullable Symbol> symbols = new ArrayList<>();
  private int pools;

  private GrammarParser(UnaryOperator<String> texts) {
    this.texts = texts;
  }

  /**
   * Reads a grammar.
   *
   * @param texts the text behind a name that is included
   */
  static Grammar parse(String name, String text, UnaryOperator<String> texts) {
    GrammarParser parser = new GrammarParser(texts);
    parser.read(name, text);
    for (Definition definition : parser.definitions) {
      parser.declare(definition);
    }
    for (Definition definition : parser.definitions) {
      try {
        parser.define(definition);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(definition.where() + ": " + e.getMessage(), e);
      }
    }
    parser.refusePronounsOfThings();
    return new Grammar(
        name,
        parser.names,
        parser.symbols.stream().map(Objects::requireNonNull).toList(),
        parser.pools);
  }

  private void read(String name, String text) {
    if (included.contains(name)) {
      return;
    }
    if (included.size() == INCLUDES_MAX) {
      throw new IllegalArgumentException(name + ": more than " + INCLUDES_MAX + " includes");
    }
    included.add(name);
    String[] lines = text.split("\n", -1);
    Definition open = null;
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < lines.length; i++) {
      line.append(line.isEmpty() ? lines[i].stripTrailing() : lines[i].strip());
      if (!line.isEmpty() && line.charAt(line.length() - 1) == '\\') {
        line.setLength(line.length() - 1);
        continue;
      }
      String whole = line.toString();
      line.setLength(0);
      if (whole.isBlank() || whole.startsWith("#")) {
        continue;
      }
      String where = name + ":" + (i + 1);
      if (whole.startsWith("include ")) {
        String other = whole.substring("include ".length());
        read(other, texts.apply(other));
      } else if (whole.startsWith(" ")) {
        if (open == null) {
          throw new IllegalArgumentException(where + ": belongs to no name");
        }
        open.lines().add(whole.strip());
      } else {
        open = head(where, whole);
        definitions.add(open);
      }
    }
  }

  private static Definition head(String where, String line) {
    Matcher matcher = HEAD.matcher(line);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          where + ": '" + line + "' (expected: name = …, name ~ …, name := …, or name:)");
    }
    String head = matcher.group("names");
    boolean tuple = head.startsWith("(") && head.endsWith(")");
    List<String> lines = new ArrayList<>();
    if (!matcher.group("rest").isBlank()) {
      lines.add(matcher.group("rest").strip());
    }
    return new Definition(
        where,
        List.of((tuple ? head.substring(1, head.length() - 1) : head).split(", ")),
        tuple,
        matcher.group("kind"),
        lines);
  }

  private void declare(Definition definition) {
    for (String name : definition.names()) {
      if (ids.putIfAbsent(name, names.size()) != null) {
        throw new IllegalArgumentException(definition.where() + ": " + name + ": defined twice");
      }
      names.add(name);
      symbols.add(null);
    }
    byName.put(definition.names().getFirst(), definition);
  }

  private int id(String name) {
    Integer id = ids.get(name);
    if (id == null) {
      throw new IllegalArgumentException("{" + name + "}: no such name");
    }
    return id;
  }

  private Template template(String source) {
    return Template.parse(source, this::id);
  }

  private void define(Definition definition) {
    if (definition.lines().isEmpty()) {
      throw new IllegalArgumentException(definition.names() + ": says nothing");
    }
    String first = definition.lines().getFirst();
    switch (definition.kind()) {
      case ":" -> rule(definition, definition.lines());
      case "~" -> rule(definition, cells(String.join(" ", definition.lines())));
      case ":=" -> set(definition, new Computed(Sum.parse(first, this::id)));
      default -> {
        Matcher numbers = NUMBERS.matcher(first);
        if (numbers.matches()) {
          for (String name : definition.names()) {
            symbols.set(id(name), range(numbers));
          }
        } else {
          drawn(definition, first);
        }
      }
    }
  }

  private static Range range(Matcher numbers) {
    int low = Integer.parseInt(numbers.group(1));
    int high = Integer.parseInt(numbers.group(2));
    if (low > high) {
      throw new IllegalArgumentException(numbers.group() + " (expected: the smaller number first)");
    }
    return new Range(low, high);
  }

  private void set(Definition definition, Symbol symbol) {
    if (definition.names().size() > 1) {
      throw new IllegalArgumentException(definition.names() + " (expected: one name)");
    }
    symbols.set(id(definition.names().getFirst()), symbol);
  }

  private void rule(Definition definition, List<String> variants) {
    int[] weights = new int[variants.size()];
    List<Template> templates = new ArrayList<>();
    int sum = 0;
    int leads = 0;
    for (int i = 0; i < weights.length; i++) {
      String variant = variants.get(i);
      if (variant.startsWith(LEAD)) {
        if (leads++ < i) {
          throw new IllegalArgumentException("'" + variant + "' (expected: before the others)");
        }
        variant = variant.substring(LEAD.length());
      }
      Matcher weighted = WEIGHT.matcher(variant);
      boolean has = weighted.matches();
      sum += has ? Integer.parseInt(weighted.group(1)) : 1;
      weights[i] = sum;
      templates.add(template(has ? weighted.group(2) : variant));
    }
    set(definition, new Rule(pools++, List.copyOf(templates), leads, weights));
  }

  /** Words, a table, or more draws from one of these. */
  private void drawn(Definition definition, String first) {
    if (!first.startsWith("*")) {
      table(definition);
      return;
    }
    Definition source = byName.get(first.substring(1));
    if (source == null || !source.kind().equals("=")) {
      throw new IllegalArgumentException(first + " (expected: * and the name of words or a table)");
    }
    Table rows = table(source);
    if (definition.tuple()) {
      bind(definition, definition.names(), rows);
    } else {
      definition.names().forEach(name -> bind(definition, List.of(name), rows));
    }
  }

  private Table table(Definition definition) {
    Table known = tables.get(definition.names().getFirst());
    if (known != null) {
      return known;
    }
    if (!definition.tuple() && definition.names().size() > 1) {
      throw new IllegalArgumentException(
          definition.names() + " (expected: one name, or a table's in brackets)");
    }
    List<List<Entry>> rows = new ArrayList<>();
    if (definition.tuple()) {
      definition.lines().forEach(line -> rows.add(cells(line).stream().map(this::entry).toList()));
    } else {
      cells(String.join(" ", definition.lines())).forEach(word -> rows.add(List.of(entry(word))));
    }
    return bind(definition, definition.names(), new Table(pools++, "", new int[0], rows));
  }

  private Table bind(Definition definition, List<String> columns, Table rows) {
    for (List<Entry> row : rows.rows()) {
      if (row.size() != columns.size()) {
        throw new IllegalArgumentException(
            definition.names()
                + ": a row of "
                + row.size()
                + " (expected: "
                + columns.size()
                + "): "
                + row.getFirst().text());
      }
    }
    int[] columnIds = columns.stream().mapToInt(this::id).toArray();
    Table table = new Table(rows.pool(), columns.getFirst(), columnIds, rows.rows());
    for (int i = 0; i < columnIds.length; i++) {
      symbols.set(columnIds[i], new Column(table, i));
    }
    tables.put(columns.getFirst(), table);
    return table;
  }

  /** Cut at bars that stand in no choice. */
  private static List<String> cells(String line) {
    List<String> cells = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == '|' && depth == 0) {
        cells.add(line.substring(from, i).strip());
        from = i + 1;
      }
    }
    cells.add(line.substring(from).strip());
    return cells;
  }

  private Entry entry(String cell) {
    String word = cell;
    Pronouns pronouns = null;
    Matcher tagged = TAG.matcher(word);
    if (tagged.matches()) {
      word = tagged.group(1);
      pronouns = Pronouns.of(tagged.group(2));
    }
    String plural = null;
    int slash = word.indexOf('/');
    if (slash > 0) {
      plural = word.substring(slash + 1).strip();
      word = word.substring(0, slash).strip();
    }
    return new Entry(template(word), plural, pronouns);
  }

  /** A pronoun is only for names whose words all say which. */
  private void refusePronounsOfThings() {
    for (Symbol symbol : symbols) {
      switch (Objects.requireNonNull(symbol)) {
        case Rule rule -> rule.variants().forEach(this::check);
        case Column column ->
            column.table().rows().forEach(row -> row.forEach(entry -> check(entry.text())));
        case Range ignored -> {}
        case Computed ignored -> {}
      }
    }
  }

  private void check(Template template) {
    switch (template) {
      case Template.Text ignored -> {}
      case Template.Sequence(List<Template> parts) -> parts.forEach(this::check);
      case Template.Choice(List<Template> options) -> options.forEach(this::check);
      case Template.Slot slot -> check(slot);
      case Template.Several several -> check(several);
    }
  }

  private void check(Template.Several several) {
    if (!(symbols.get(several.symbol()) instanceof Rule rule)
        || rule.variants().size() - Math.min(1, rule.leads()) < several.count()) {
      throw new IllegalArgumentException(
          names.get(several.symbol())
              + ": "
              + several.count()
              + " in order (expected: a rule with more texts)");
    }
  }

  private void check(Template.Slot slot) {
    boolean numeric =
        symbols.get(slot.symbol()) instanceof Range
            || symbols.get(slot.symbol()) instanceof Computed;
    boolean person =
        symbols.get(slot.symbol()) instanceof Column(Table table, int column)
            && table.rows().stream().allMatch(row -> row.get(column).pronouns() != null);
    if (slot.form().isPronoun() && !person || slot.form() == Form.WORDS && !numeric) {
      throw new IllegalArgumentException(
          names.get(slot.symbol())
              + ": "
              + slot.form()
              + (numeric || slot.form() != Form.WORDS
                  ? " (expected: words with @she, @he or @it)"
                  : " (expected: a number)"));
    }
  }
}
