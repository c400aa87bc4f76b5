package dev.openlora.server.template;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The filters that make text of text. Most take any value and print it first; marked text stays
 * marked.
 */
final class TextFilters {
  private TextFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    for (String method : List.of("upper", "lower", "capitalize")) {
      Filters.put(all, method, (in, a) -> Strings.call(in, soft(in, a.get(0)), method), "s");
    }
    Filters.put(all, "title", TextFilters::title, "s");
    Filters.put(all, "trim", TextFilters::trim, "value", "chars");
    Filters.put(
        all,
        "center",
        (in, a) -> Strings.call(in, soft(in, a.get(0)), "center", a.get(1, 80L)),
        "value",
        "width");
    Filters.put(all, "replace", TextFilters::replace, "s", "old!", "new!", "count");
    Filters.put(all, "indent", TextFilters::indent, "s", "width", "first", "blank");
    Filters.put(
        all, "truncate", TextFilters::truncate, "s", "length", "killwords", "end", "leeway");
    Filters.put(all, "wordcount", (in, a) -> (long) words(Printer.str(in.budget(), a.get(0))), "s");
    Filters.put(
        all,
        "wordwrap",
        TextFilters::wordwrap,
        "s",
        "width",
        "break_long_words",
        "wrapstring",
        "break_on_hyphens");
    Filters.put(all, "striptags", TextFilters::striptags, "value");
    Filters.put(all, "urlencode", TextFilters::urlencode, "value");
    Filters.put(all, "escape", (in, a) -> escaped(in, a.get(0)), "s");
    Filters.put(all, "e", (in, a) -> escaped(in, a.get(0)), "s");
    Filters.put(
        all, "forceescape", (in, a) -> escaped(in, Printer.str(in.budget(), a.get(0))), "value");
    Filters.put(
        all, "safe", (in, a) -> new Thing.Markup(Printer.str(in.budget(), a.get(0))), "value");
    all.put("format", TextFilters::format);
  }

  /** Text as it is, anything else printed. */
  private static Object soft(Interpreter in, Object value) {
    return value instanceof Thing.Markup ? value : Printer.str(in.budget(), value);
  }

  private static Object escaped(Interpreter in, Object value) {
    return value instanceof Thing.Markup
        ? value
        : new Thing.Markup(Escapes.html(in.budget(), Printer.str(in.budget(), value)));
  }

  private static Object trim(Interpreter in, Signature.Bound a) {
    return Strings.call(in, soft(in, a.get(0)), "strip", a.get(1, Thing.None.NONE));
  }

  private static Object replace(Interpreter in, Signature.Bound a) {
    Budget b = in.budget();
    int count = a.hasValue(3) ? a.integer(3, -1) : -1;
    return Strings.replace(
        b, Printer.str(b, a.get(0)), Printer.str(b, a.get(1)), Printer.str(b, a.get(2)), count);
  }

  private static Object format(Interpreter in, Callable.Args args) {
    if (args.positional().size() > 1 && !args.named().isEmpty()) {
      throw TemplateException.type(
          "can't handle positional and keyword arguments at the same time");
    }
    Object format = soft(in, args.positional().getFirst());
    Object values = new Thing.Tuple(args.positional().subList(1, args.positional().size()));
    if (!args.named().isEmpty()) {
      Dict dict = new Dict();
      args.named().forEach((name, value) -> dict.put(in.budget(), name, value));
      values = dict;
    }
    return Arithmetic.apply(in.budget(), Expr.Operator.MODULO, format, values);
  }

  private static Object title(Interpreter in, Signature.Bound a) {
    String text = Printer.str(in.budget(), a.get(0));
    in.budget().text(2L * text.length());
    StringBuilder out = new StringBuilder();
    int from = 0;
    while (from < text.length()) {
      int end = from;
      boolean separator = separates(text.charAt(from));
      while (end < text.length() && separates(text.charAt(end)) == separator) {
        end++;
      }
      int first = from + Character.charCount(text.codePointAt(from));
      out.append(text.substring(from, first).toUpperCase(java.util.Locale.ROOT));
      out.append(text.substring(first, end).toLowerCase(java.util.Locale.ROOT));
      from = end;
    }
    return out.toString();
  }

  private static boolean separates(char c) {
    return "-({[<".indexOf(c) >= 0 || Text.isSpace(c);
  }

  private static Object indent(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    Object width = a.get(1, 4L);
    String indentation = Values.textOf(width);
    if (indentation == null) {
      int spaces = Math.max(0, Numbers.index(width));
      budget.text(spaces);
      indentation = " ".repeat(spaces);
    }
    boolean blank = a.truth(3, false);
    boolean marked = a.get(0) instanceof Thing.Markup;
    Object input =
        Arithmetic.apply(
            budget, Expr.Operator.ADD, a.get(0), marked ? new Thing.Markup("\n") : "\n");
    String text = Values.textOf(input);
    List<String> lines = Strings.lines(budget, text == null ? "" : text, false);
    long length = 0;
    for (String line : lines) {
      length += line.length() + 1L + indentation.length();
    }
    budget.text(length);
    StringBuilder out = new StringBuilder(a.truth(2, false) ? indentation : "");
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      out.append(i == 0 ? "" : "\n")
          .append(i > 0 && (blank || !line.isEmpty()) ? indentation : "")
          .append(line);
    }
    return marked ? new Thing.Markup(out.toString()) : out.toString();
  }

  private static Object truncate(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    Object input = a.get(0) instanceof Thing.Undefined ? "" : a.get(0);
    String text = Values.textOf(input);
    String end = a.text(3, "...");
    int length = a.integer(1, 255);
    int leeway = a.hasValue(4) ? a.integer(4, 5) : 5;
    int room = length - Text.length(end);
    if (room < 0) {
      throw TemplateException.type("expected length >= " + Text.length(end) + ", got " + length);
    }
    if (leeway < 0) {
      throw TemplateException.type("expected leeway >= 0, got " + leeway);
    }
    if (Values.length(input) <= (long) length + leeway) {
      return input;
    }
    if (text == null) {
      throw TemplateException.type("can only truncate str, not " + Values.type(input));
    }
    String cut = Text.slice(text, 0, room);
    int space = cut.lastIndexOf(' ');
    String kept = a.truth(2, false) || space < 0 ? cut : cut.substring(0, space);
    return Arithmetic.add(
        budget, input instanceof Thing.Markup ? new Thing.Markup(kept) : kept, a.get(3, "..."));
  }

  private static boolean isWord(int c) {
    return c == '_' || Text.isAlnum(c);
  }

  private static int words(String text) {
    int words = 0;
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      boolean word = isWord(c);
      words += word && !inside ? 1 : 0;
      inside = word;
    }
    return words;
  }

  private static Object wordwrap(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    int width = a.integer(1, 79);
    if (width <= 0) {
      throw TemplateException.type("invalid width " + width + " (must be > 0)");
    }
    String wrap = a.hasValue(3) ? a.text(3) : "\n";
    if (a.get(0) instanceof Thing.Undefined u) {
      throw u.failure();
    }
    String text = a.text(0);
    List<String> lines = new ArrayList<>();
    for (String line : Strings.lines(budget, text, false)) {
      List<String> wrapped = wrap(budget, chunks(line, a.truth(4, true)), width, a.truth(2, true));
      lines.add(Strings.join(budget, wrap, wrapped));
    }
    return Strings.join(budget, wrap, lines);
  }

  /** Runs of white space, and words, cut after hyphens that stand between letters. */
  private static List<int[]> chunks(String line, boolean hyphens) {
    int[] c = line.codePoints().toArray();
    List<int[]> chunks = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= c.length; i++) {
      boolean edge = i == c.length || isBlank(c[i]) != isBlank(c[i - 1]);
      if (edge || (hyphens && c[i - 1] == '-' && cutsAfter(c, i - 1)) || cutsBefore(c, i)) {
        chunks.add(java.util.Arrays.copyOfRange(c, from, i));
        from = i;
      }
    }
    return chunks;
  }

  private static boolean isBlank(int c) {
    return c == ' ' || (c >= 0x09 && c <= 0x0d);
  }

  private static boolean isLetter(int[] c, int i) {
    return i >= 0 && i < c.length && isWord(c[i]) && !Text.isDecimal(c[i]);
  }

  private static boolean cutsAfter(int[] c, int hyphen) {
    boolean before =
        isLetter(c, hyphen - 1)
            && (isLetter(c, hyphen - 2)
                || (hyphen > 2 && c[hyphen - 2] == '-' && isLetter(c, hyphen - 3)));
    int next = hyphen + 1;
    boolean after =
        isLetter(c, next)
            && (isLetter(c, next + 1)
                || (next + 1 < c.length && c[next + 1] == '-' && isLetter(c, next + 2)));
    boolean last = next < c.length && c[next] != '-';
    return (before && after) || (last && isDash(c, hyphen));
  }

  private static boolean cutsBefore(int[] c, int i) {
    return i < c.length
        && c[i] == '-'
        && c[i - 1] != '-'
        && i + 1 < c.length
        && c[i + 1] == '-'
        && isDash(c, endOfDash(c, i));
  }

  private static int endOfDash(int[] c, int from) {
    int end = from;
    while (end + 1 < c.length && c[end + 1] == '-') {
      end++;
    }
    return end;
  }

  /** Whether two or more hyphens that end here stand between words. */
  private static boolean isDash(int[] c, int last) {
    int first = last;
    while (first > 0 && c[first - 1] == '-') {
      first--;
    }
    return last > first
        && first > 0
        && last + 1 < c.length
        && isWord(c[last + 1])
        && (isWord(c[first - 1]) || "!\"'&.,?".indexOf(c[first - 1]) >= 0);
  }

  private static List<String> wrap(
      Budget budget, List<int[]> chunks, int width, boolean breakLong) {
    List<String> lines = new ArrayList<>();
    List<int[]> line = new ArrayList<>();
    java.util.ArrayDeque<int[]> left = new java.util.ArrayDeque<>(chunks);
    while (!left.isEmpty()) {
      budget.step();
      line.clear();
      int used = 0;
      if (!lines.isEmpty() && isBlank(left.peek()[0])) {
        left.pop();
      }
      while (!left.isEmpty() && used + left.peek().length <= width) {
        used += left.peek().length;
        line.add(left.pop());
      }
      if (!left.isEmpty() && left.peek().length > width) {
        int[] word = left.peek();
        if (breakLong) {
          budget.text(word.length);
          int room = Math.max(1, width - used);
          int cut = room;
          int hyphen = lastHyphen(word, room);
          cut = hyphen > 0 ? hyphen + 1 : cut;
          left.pop();
          line.add(java.util.Arrays.copyOf(word, cut));
          left.push(java.util.Arrays.copyOfRange(word, cut, word.length));
        } else if (line.isEmpty()) {
          line.add(left.pop());
        }
      }
      if (!line.isEmpty() && isBlank(line.getLast()[0])) {
        line.removeLast();
      }
      if (!line.isEmpty()) {
        StringBuilder text = new StringBuilder();
        line.forEach(chunk -> text.append(new String(chunk, 0, chunk.length)));
        budget.text(text.length());
        lines.add(text.toString());
      }
    }
    return lines;
  }

  /** A hyphen within reach that has something other than hyphens before it, or -1. */
  private static int lastHyphen(int[] word, int room) {
    int first = 0;
    while (first < word.length && word[first] == '-') {
      first++;
    }
    for (int i = Math.min(room, word.length) - 1; i > first; i--) {
      if (word[i] == '-') {
        return i;
      }
    }
    return -1;
  }

  private static Object striptags(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    String text = Printer.str(budget, a.get(0));
    StringBuilder kept = new StringBuilder();
    int from = 0;
    for (int start = text.indexOf('<'); start >= 0; start = text.indexOf('<', from)) {
      boolean comment = text.startsWith("<!--", start);
      int end = comment ? text.indexOf("-->", start + 4) : text.indexOf('>', start);
      if (end < 0) {
        break;
      }
      kept.append(text, from, start);
      from = end + (comment ? 3 : 1);
    }
    kept.append(text, from, text.length());
    budget.text(kept.length());
    List<String> words = new ArrayList<>();
    if (Strings.call(in, kept.toString(), "split") instanceof List<?> split) {
      split.forEach(word -> words.add(String.valueOf(word)));
    }
    return Escapes.unescapeHtml(Strings.join(budget, " ", words));
  }

  private static Object urlencode(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    Object value = a.get(0);
    if (Values.textOf(value) != null || !Values.isIterable(value)) {
      return quoted(budget, value, false);
    }
    Object pairs =
        value instanceof Dict d ? new Thing.DictView(d, Thing.DictView.Part.ITEMS) : value;
    List<String> fields = new ArrayList<>();
    for (Iterator<Object> i = Values.iterate(budget, pairs); i.hasNext(); ) {
      List<Object> pair = Values.list(budget, i.next());
      if (pair.size() != 2) {
        throw TemplateException.type("urlencode takes pairs, got " + pair.size() + " values");
      }
      fields.add(quoted(budget, pair.get(0), true) + "=" + quoted(budget, pair.get(1), true));
    }
    return Strings.join(budget, "&", fields);
  }

  private static String quoted(Budget budget, Object value, boolean query) {
    String text = Printer.str(budget, value);
    budget.text(3L * text.length());
    StringBuilder out = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          (c < 128 && Character.isLetterOrDigit(c))
              || "_.-~".indexOf(c) >= 0
              || (c == '/' && !query);
      if (plain) {
        out.append(c);
      } else if (c == ' ' && query) {
        out.append('+');
      } else {
        out.append('%')
            .append(Escapes.padded(Integer.toHexString(c).toUpperCase(java.util.Locale.ROOT), 2));
      }
    }
    return out.toString();
  }
}
