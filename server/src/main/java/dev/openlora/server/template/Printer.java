package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;

/**
 * Writes values as Python's {@code str} and {@code repr} do. Stops at the limits before the text
 * outgrows them.
 */
final class Printer {
  private final Budget budget;
  private final boolean sortKeys;
  private final StringBuilder out = new StringBuilder();

  private Printer(Budget budget, boolean sortKeys) {
    this.budget = budget;
    this.sortKeys = sortKeys;
  }

  /**
   * What a template writes where it wants a value in its output. Of a generator or function Python
   * would write where in memory it lies: never meant for a prompt, and refused.
   */
  static String output(Budget budget, Object v) {
    return switch (v) {
      case Thing.Lazy lazy -> throw textless(v);
      case Callable.Function f -> throw textless(v);
      case Callable.Counter c -> throw textless(v);
      default -> str(budget, v);
    };
  }

  private static TemplateException textless(Object v) {
    return TemplateException.type(
        "a " + Values.type(v) + " has no text (was it meant to be called or listed?)");
  }

  /** What printing a value gives; marked text is plain text here. */
  static String str(Budget budget, Object v) {
    return switch (v) {
      case String s -> s;
      case Thing.Markup m -> m.text();
      case Thing.Undefined u -> "";
      default -> repr(budget, v);
    };
  }

  static String repr(Budget budget, Object v) {
    return repr(budget, v, false);
  }

  static String repr(Budget budget, Object v, boolean sortKeys) {
    return switch (v) {
      case Long l -> Long.toString(l);
      case Boolean b -> b ? "True" : "False";
      case Thing.None n -> "None";
      case Double d -> Numbers.repr(d);
      case BigInteger b -> Numbers.repr(budget, b);
      default -> {
        Printer printer = new Printer(budget, sortKeys);
        printer.write(v, 0);
        budget.text(printer.out.length());
        yield printer.out.toString();
      }
    };
  }

  private void write(Object v, int depth) {
    budget.step();
    budget.nesting(depth);
    if (out.length() > budget.limits().stringChars()) {
      budget.text(out.length());
    }
    switch (v) {
      case String s -> quote(s);
      case List<?> l -> writeAll("[", Values.elements(l).iterator(), "]", depth);
      case Thing.Tuple t ->
          writeAll("(", t.items().iterator(), t.items().size() == 1 ? ",)" : ")", depth);
      case Dict d -> writeDict(d, depth);
      case Thing.Markup m -> {
        out.append("Markup(");
        quote(m.text());
        out.append(')');
      }
      case Thing.Undefined u -> out.append("Undefined");
      case Thing.Range r -> {
        out.append("range(").append(r.start()).append(", ").append(r.stop());
        out.append(r.step().equals(1L) ? "" : ", " + r.step()).append(')');
      }
      case Thing.DictView view -> {
        out.append(Values.type(view)).append('(');
        writeAll("[", view.items().iterator(), "]", depth);
        out.append(')');
      }
      case Thing.Namespace n -> {
        Dict dict = new Dict();
        n.attributes.forEach((name, value) -> dict.put(budget, name, value));
        out.append("<Namespace ");
        writeDict(dict, depth);
        out.append('>');
      }
      case Loop l ->
          out.append("<LoopContext ").append(l.index()).append('/').append(l.length()).append('>');
      case Macro m -> {
        out.append("<Macro ");
        quote(m.definition().name());
        out.append('>');
      }
      case Thing.Lazy lazy -> out.append('<').append(lazy.type()).append(" object>");
      case Callable.Function f ->
          out.append('<').append(f.type()).append(' ').append(f.name()).append('>');
      case Callable.Counter c -> out.append('<').append(Values.type(c)).append(" object>");
      case Callable.Self s -> out.append("<TemplateReference None>");
      default -> out.append(repr(budget, v));
    }
  }

  private void writeAll(String open, Iterator<Object> items, String close, int depth) {
    out.append(open);
    for (String separator = ""; items.hasNext(); separator = ", ") {
      out.append(separator);
      write(items.next(), depth + 1);
    }
    out.append(close);
  }

  private void writeDict(Dict d, int depth) {
    out.append('{');
    String separator = "";
    List<Dict.Entry> entries = List.copyOf(d.entries());
    if (sortKeys) {
      entries = Sorting.sorted(budget, entries, Dict.Entry::key, false);
    }
    for (Dict.Entry e : entries) {
      out.append(separator);
      separator = ", ";
      write(e.key(), depth + 1);
      out.append(": ");
      write(e.value(), depth + 1);
    }
    out.append('}');
  }

  private void quote(String s) {
    budget.text(s.length());
    char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    for (int i = 0; i < s.length(); ) {
      int c = s.codePointAt(i);
      i += Character.charCount(c);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(quote);
          } else if (Text.isPrintable(c)) {
            out.appendCodePoint(c);
          } else {
            escape(out, c);
          }
        }
      }
    }
    out.append(quote);
  }

  static void escape(StringBuilder out, int c) {
    int width = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
    out.append('\\').append(width == 2 ? 'x' : width == 4 ? 'u' : 'U');
    out.append(Escapes.padded(Integer.toHexString(c), width));
  }
}
