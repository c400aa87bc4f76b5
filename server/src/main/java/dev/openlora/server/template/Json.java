package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The filter tojson: Python's {@code json.dumps} with {@code ensure_ascii=False} by default. */
final class Json {
  private static final Signature SIGNATURE =
      Signature.of("tojson", 1, "x", "ensure_ascii", "indent", "separators", "sort_keys");

  private final Budget budget;
  private final boolean ascii;
  private final boolean sortKeys;
  private final @Nullable String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final StringBuilder out = new StringBuilder();

  private Json(
      Budget budget,
      boolean ascii,
      boolean sortKeys,
      @Nullable String indent,
      String item,
      String key) {
    this.budget = budget;
    this.ascii = ascii;
    this.sortKeys = sortKeys;
    this.indent = indent;
    this.itemSeparator = item;
    this.keySeparator = key;
  }

  static Object filter(Interpreter in, Callable.Args args) {
    Budget budget = in.budget();
    Signature.Bound a = SIGNATURE.bind(args);
    String indent = null;
    if (a.hasValue(2)) {
      indent = Values.textOf(a.get(2));
      if (indent == null) {
        int width = Math.max(0, Numbers.index(a.get(2)));
        budget.text(width);
        indent = " ".repeat(width);
      }
    }
    String item = indent == null ? ", " : ",";
    String key = ": ";
    if (a.hasValue(3)) {
      List<Object> pair = Values.list(budget, a.get(3));
      if (pair.size() != 2
          || !(pair.get(0) instanceof String s)
          || !(pair.get(1) instanceof String t)) {
        throw TemplateException.type(
            "separators: " + Printer.repr(budget, pair) + " (expected: two strings)");
      }
      item = s;
      key = t;
    }
    Json json = new Json(budget, a.truth(1, false), a.truth(4, false), indent, item, key);
    json.write(a.get(0), 0);
    return json.out.toString();
  }

  private void write(Object v, int depth) {
    budget.step();
    budget.nesting(depth);
    switch (v) {
      case String s -> quote(s);
      case Thing.Markup m -> quote(m.text());
      case Boolean b -> append(b ? "true" : "false");
      case Thing.None n -> append("null");
      case Long l -> append(l.toString());
      case BigInteger b -> append(Numbers.repr(budget, b));
      case Double d -> append(number(d));
      case List<?> l -> writeList(Values.elements(l), depth);
      case Thing.Tuple t -> writeList(t.items(), depth);
      case Dict d -> writeDict(d, depth);
      default ->
          throw TemplateException.type(
              "Object of type " + Values.type(v) + " is not JSON serializable");
    }
  }

  private static String number(double d) {
    return Double.isNaN(d)
        ? "NaN"
        : Double.isInfinite(d) ? (d > 0 ? "Infinity" : "-Infinity") : Numbers.repr(d);
  }

  private void writeList(List<Object> items, int depth) {
    if (items.isEmpty()) {
      append("[]");
      return;
    }
    append("[");
    String separator = "";
    for (Object item : items) {
      append(separator);
      separator = itemSeparator;
      newline(depth + 1);
      write(item, depth + 1);
    }
    newline(depth);
    append("]");
  }

  private void writeDict(Dict dict, int depth) {
    if (dict.size() == 0) {
      append("{}");
      return;
    }
    append("{");
    List<Dict.Entry> entries = List.copyOf(dict.entries());
    if (sortKeys) {
      entries = Sorting.sorted(budget, entries, Dict.Entry::key, false);
    }
    String separator = "";
    for (Iterator<Dict.Entry> i = entries.iterator(); i.hasNext(); separator = itemSeparator) {
      Dict.Entry e = i.next();
      append(separator);
      newline(depth + 1);
      quote(key(e.key()));
      append(keySeparator);
      write(e.value(), depth + 1);
    }
    newline(depth);
    append("}");
  }

  private String key(Object key) {
    return switch (key) {
      case String s -> s;
      case Thing.Markup m -> m.text();
      case Boolean b -> b ? "true" : "false";
      case Thing.None n -> "null";
      case Long l -> l.toString();
      case BigInteger b -> Numbers.repr(budget, b);
      case Double d -> number(d);
      default ->
          throw TemplateException.type(
              "keys must be str, int, float, bool or None, not " + Values.type(key));
    };
  }

  private void newline(int depth) {
    if (indent != null) {
      append("\n");
      for (int i = 0; i < depth; i++) {
        append(indent);
      }
    }
  }

  private void append(String text) {
    budget.text(text.length());
    if (out.length() + (long) text.length() > budget.limits().stringChars()) {
      budget.text(out.length() + (long) text.length());
    }
    out.append(text);
  }

  private void quote(String s) {
    append(s);
    out.setLength(out.length() - s.length());
    out.append('"');
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            out.append("\\u").append(Escapes.padded(Integer.toHexString(c), 4));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
