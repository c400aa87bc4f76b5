package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The methods of {@code str}. Marked text has the same ones: they give marked text back and escape
 * what they add.
 *
 * <p>Searching works on UTF-16 and is exact, since a well-formed part never starts inside a
 * surrogate pair; whatever is counted or cut is converted to code points.
 */
final class Strings {
  /** One method: of {@code self}, whose added texts have to be escaped where {@code marked}. */
  @FunctionalInterface
  interface Method {
    Object call(Self self, Callable.Args args);
  }

  record Self(Interpreter in, String text, boolean marked) {
    Budget budget() {
      return in.budget();
    }

    String added(Object value) {
      return marked && !(value instanceof Thing.Markup)
          ? Escapes.html(budget(), text(value))
          : text(value);
    }

    private static String text(Object value) {
      String text = Values.textOf(value);
      if (text == null) {
        throw TemplateException.type("expected str instance, " + Values.type(value) + " found");
      }
      return text;
    }
  }

  private static final Map<String, Method> METHODS =
      Map.ofEntries(
          plain("upper", s -> sized(s, s.text().toUpperCase(java.util.Locale.ROOT))),
          plain("lower", s -> sized(s, s.text().toLowerCase(java.util.Locale.ROOT))),
          plain("casefold", s -> mapped(s, (points, i) -> Text.fold(points[i]))),
          plain("swapcase", s -> mapped(s, Strings::swapped)),
          plain("capitalize", Strings::capitalize),
          plain("title", Strings::title),
          plain("isalpha", s -> all(s, Text::isAlpha)),
          plain("isalnum", s -> all(s, Text::isAlnum)),
          plain("isdecimal", s -> all(s, Text::isDecimal)),
          plain("isdigit", s -> all(s, Text::isDigit)),
          plain("isnumeric", s -> all(s, Text::isNumeric)),
          plain("isspace", s -> all(s, Text::isSpace)),
          plain("isprintable", s -> s.text().codePoints().allMatch(Text::isPrintable)),
          plain("isascii", s -> s.text().codePoints().allMatch(c -> c < 128)),
          plain("isidentifier", s -> Text.isIdentifier(s.text())),
          plain("isupper", s -> isCase(s.text(), true)),
          plain("islower", s -> isCase(s.text(), false)),
          plain("istitle", s -> isTitle(s.text())),
          Map.entry("strip", (s, a) -> strip(s, a, true, true)),
          Map.entry("lstrip", (s, a) -> strip(s, a, true, false)),
          Map.entry("rstrip", (s, a) -> strip(s, a, false, true)),
          Map.entry("split", (s, a) -> split(s, a, false)),
          Map.entry("rsplit", (s, a) -> split(s, a, true)),
          Map.entry("splitlines", Strings::splitlines),
          Map.entry("partition", (s, a) -> partition(s, a, false)),
          Map.entry("rpartition", (s, a) -> partition(s, a, true)),
          Map.entry("join", Strings::join),
          Map.entry("replace", Strings::replace),
          Map.entry("startswith", (s, a) -> affix(s, a, "startswith")),
          Map.entry("endswith", (s, a) -> affix(s, a, "endswith")),
          Map.entry("removeprefix", (s, a) -> removeAffix(s, a, true)),
          Map.entry("removesuffix", (s, a) -> removeAffix(s, a, false)),
          Map.entry("find", (s, a) -> find(s, a, false)),
          Map.entry("rfind", (s, a) -> find(s, a, true)),
          Map.entry("index", (s, a) -> found(find(s, a, false))),
          Map.entry("rindex", (s, a) -> found(find(s, a, true))),
          Map.entry("count", Strings::count),
          Map.entry("center", (s, a) -> pad(s, a, "center")),
          Map.entry("ljust", (s, a) -> pad(s, a, "ljust")),
          Map.entry("rjust", (s, a) -> pad(s, a, "rjust")),
          Map.entry("zfill", Strings::zfill),
          Map.entry("expandtabs", Strings::expandtabs),
          Map.entry("format", (s, a) -> BraceFormat.apply(s.in(), s.text(), a, s.marked())),
          Map.entry("format_map", Strings::formatMap),
          Map.entry("translate", Strings::translate),
          Map.entry("encode", Strings::unsupported),
          Map.entry("maketrans", Strings::unsupported));

  private Strings() {}

  private static Map.Entry<String, Method> plain(
      String name, java.util.function.Function<Self, Object> body) {
    Signature signature = Signature.of(name, 0);
    return Map.entry(
        name,
        (self, args) -> {
          signature.bind(args);
          return body.apply(self);
        });
  }

  private static Object unsupported(Self self, Callable.Args args) {
    throw TemplateException.type("this method of str is not supported");
  }

  static @Nullable Callable bound(Object self, String name) {
    Method method = METHODS.get(name);
    return method == null
        ? null
        : new Callable.Function(
            name,
            "builtin_function_or_method",
            Map.of(),
            (in, args) -> call(in, self, method, args));
  }

  static Object call(Interpreter in, Object self, String name, Object... args) {
    Method method = METHODS.get(name);
    if (method == null) {
      throw new IllegalArgumentException(name);
    }
    return call(in, self, method, new Callable.Args(List.of(args), Map.of()));
  }

  private static Object call(Interpreter in, Object self, Method method, Callable.Args args) {
    boolean marked = self instanceof Thing.Markup;
    String text = Values.textOf(self);
    in.budget().scan(text == null ? 0 : text.length());
    Object result = method.call(new Self(in, text == null ? "" : text, marked), args);
    return marked ? marked(result) : result;
  }

  private static Object marked(Object result) {
    return switch (result) {
      case String s -> new Thing.Markup(s);
      case List<?> l -> {
        List<Object> out = new ArrayList<>(l.size());
        l.forEach(item -> out.add(marked(item == null ? "" : item)));
        yield out;
      }
      case Thing.Tuple t -> new Thing.Tuple(Values.elements((List<?>) marked(t.items())));
      default -> result;
    };
  }

  private static String sized(Self s, String result) {
    s.budget().text(result.length());
    return result;
  }

  private static boolean all(Self s, IntPredicate test) {
    return !s.text().isEmpty() && s.text().codePoints().allMatch(test);
  }

  @FunctionalInterface
  private interface Mapping {
    String at(int[] points, int i);
  }

  private static String mapped(Self s, Mapping mapping) {
    s.budget().text(4L * s.text().length());
    int[] points = s.text().codePoints().toArray();
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < points.length; i++) {
      out.append(mapping.at(points, i));
    }
    return out.toString();
  }

  private static String swapped(int[] points, int i) {
    int c = points[i];
    return Character.isUpperCase(c)
        ? Text.lower(points, i)
        : Character.isLowerCase(c) ? Text.upper(c) : Character.toString(c);
  }

  private static Object capitalize(Self s) {
    return mapped(s, (points, i) -> i == 0 ? Text.title(points[0]) : Text.lower(points, i));
  }

  private static Object title(Self s) {
    return mapped(
        s,
        (points, i) ->
            i > 0 && Text.isCased(points[i - 1]) ? Text.lower(points, i) : Text.title(points[i]));
  }

  static boolean isCase(String s, boolean upper) {
    boolean cased = false;
    for (int i = 0; i < s.length(); i += Character.charCount(s.codePointAt(i))) {
      int c = s.codePointAt(i);
      if (Character.isTitleCase(c)
          || (upper ? Character.isLowerCase(c) : Character.isUpperCase(c))) {
        return false;
      }
      cased |= Text.isCased(c);
    }
    return cased;
  }

  private static boolean isTitle(String s) {
    boolean cased = false;
    boolean before = false;
    for (int c : s.codePoints().toArray()) {
      boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
      if ((upper && before) || (Character.isLowerCase(c) && !before)) {
        return false;
      }
      before = Text.isCased(c);
      cased |= before;
    }
    return cased;
  }

  private static final Signature STRIP = Signature.of("strip", 0, "chars");

  private static Object strip(Self s, Callable.Args args, boolean left, boolean right) {
    Signature.Bound a = STRIP.bind(args);
    return a.hasValue(0)
        ? Text.strip(s.text(), a.text(0), left, right)
        : Text.strip(s.text(), left, right);
  }

  private static final Signature SPLIT = Signature.of("split", 0, "sep", "maxsplit");

  private static Object split(Self s, Callable.Args args, boolean fromRight) {
    Signature.Bound a = SPLIT.bind(args);
    int max = a.integer(1, -1);
    List<Object> parts =
        a.hasValue(0) ? splitAt(s, a.text(0), max, fromRight) : splitSpace(s, max, fromRight);
    return fromRight ? new ArrayList<>(parts.reversed()) : parts;
  }

  private static void part(Self s, List<Object> parts, String part) {
    s.budget().step();
    s.budget().item();
    s.budget().text(part.length());
    parts.add(part);
    s.budget().checkItems(parts.size());
  }

  private static List<Object> splitAt(Self s, String separator, int max, boolean fromRight) {
    if (separator.isEmpty()) {
      throw TemplateException.type("empty separator");
    }
    List<Object> parts = new ArrayList<>();
    String text = s.text();
    int from = 0;
    int to = text.length();
    while (max < 0 || parts.size() < max) {
      int i = fromRight ? lastIndex(text, separator, to) : text.indexOf(separator, from);
      if (i < 0) {
        break;
      }
      part(
          s,
          parts,
          fromRight ? text.substring(i + separator.length(), to) : text.substring(from, i));
      from = i + separator.length();
      to = i;
    }
    part(s, parts, fromRight ? text.substring(0, to) : text.substring(from));
    return parts;
  }

  private static int lastIndex(String text, String part, int to) {
    return to < part.length() ? -1 : text.lastIndexOf(part, to - part.length());
  }

  private static List<Object> splitSpace(Self s, int max, boolean fromRight) {
    List<Object> parts = new ArrayList<>();
    String text = s.text();
    int from = 0;
    int to = text.length();
    while (true) {
      if (fromRight) {
        to = spanEnd(text, from, to, true);
      } else {
        from = Text.skipSpace(text, from);
      }
      if (from == to) {
        return parts;
      }
      if (max >= 0 && parts.size() == max) {
        part(s, parts, text.substring(from, to));
        return parts;
      }
      if (fromRight) {
        int start = spanEnd(text, from, to, false);
        part(s, parts, text.substring(start, to));
        to = start;
      } else {
        int end = from;
        while (end < to && !Text.isSpace(text.charAt(end))) {
          end++;
        }
        part(s, parts, text.substring(from, end));
        from = end;
      }
    }
  }

  /** Goes left from {@code to} over white space, or over everything else. */
  private static int spanEnd(String text, int from, int to, boolean space) {
    int end = to;
    while (end > from && Text.isSpace(text.charAt(end - 1)) == space) {
      end--;
    }
    return end;
  }

  static List<String> lines(Budget budget, String text, boolean keepEnds) {
    List<String> lines = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      budget.step();
      int end = from;
      while (end < text.length() && !Text.isLineEnd(text.charAt(end))) {
        end++;
      }
      int next = Math.min(text.length(), end + (text.startsWith("\r\n", end) ? 2 : 1));
      budget.item();
      budget.text(next - from);
      lines.add(text.substring(from, keepEnds ? next : end));
      from = next;
    }
    return lines;
  }

  private static final Signature SPLITLINES = Signature.of("splitlines", 0, "keepends");

  private static Object splitlines(Self s, Callable.Args args) {
    return new ArrayList<Object>(
        lines(s.budget(), s.text(), SPLITLINES.bind(args).truth(0, false)));
  }

  private static final Signature PARTITION = Signature.of("partition", 1, "sep");

  private static Object partition(Self s, Callable.Args args, boolean last) {
    String separator = PARTITION.bind(args).text(0);
    if (separator.isEmpty()) {
      throw TemplateException.type("empty separator");
    }
    int i = last ? s.text().lastIndexOf(separator) : s.text().indexOf(separator);
    s.budget().text(s.text().length());
    if (i < 0) {
      return last ? Thing.Tuple.of("", "", s.text()) : Thing.Tuple.of(s.text(), "", "");
    }
    return Thing.Tuple.of(
        s.text().substring(0, i), separator, s.text().substring(i + separator.length()));
  }

  private static final Signature JOIN = Signature.of("join", 1, "iterable");

  private static Object join(Self s, Callable.Args args) {
    List<Object> items = Values.list(s.budget(), JOIN.bind(args).get(0));
    List<String> texts = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      Object item = items.get(i);
      if (Values.textOf(item) == null) {
        throw TemplateException.type(
            "sequence item " + i + ": expected str instance, " + Values.type(item) + " found");
      }
      texts.add(s.added(item));
    }
    return join(s.budget(), s.text(), texts);
  }

  static String join(Budget budget, String separator, List<String> texts) {
    long length = (long) separator.length() * Math.max(0, texts.size() - 1);
    for (String text : texts) {
      length += text.length();
    }
    budget.text(length);
    return String.join(separator, texts);
  }

  private static final Signature REPLACE = Signature.of("replace", 2, "old", "new", "count");

  private static Object replace(Self s, Callable.Args args) {
    Signature.Bound a = REPLACE.bind(args);
    a.text(1);
    return replace(s.budget(), s.text(), a.text(0), s.added(a.get(1)), a.integer(2, -1));
  }

  static String replace(Budget budget, String text, String old, String with, int max) {
    long found = count(text, old, max);
    if (found == 0) {
      return text;
    }
    budget.text(text.length() + found * (with.length() - old.length()));
    StringBuilder out = new StringBuilder();
    int from = 0;
    for (long left = found; left > 0; left--) {
      int i = text.indexOf(old, from);
      out.append(text, from, i).append(with);
      from = i + old.length();
      if (old.isEmpty() && left > 1) {
        int next = from + Character.charCount(text.codePointAt(from));
        out.append(text, from, next);
        from = next;
      }
    }
    return out.append(text, from, text.length()).toString();
  }

  private static long count(String text, String part, int max) {
    long limit = max < 0 ? Long.MAX_VALUE : max;
    if (part.isEmpty()) {
      return Math.min(limit, Text.length(text) + 1L);
    }
    long count = 0;
    for (int i = text.indexOf(part);
        i >= 0 && count < limit;
        i = text.indexOf(part, i + part.length())) {
      count++;
    }
    return count;
  }

  private static final Signature COUNT = Signature.of("count", 1, "sub", "start", "end");

  private static Object count(Self s, Callable.Args args) {
    Signature.Bound a = COUNT.bind(args);
    Window w = window(s, a);
    return w == null ? 0L : count(w.text(), a.text(0), -1);
  }

  /** The part of a text between two offsets given in code points, and where it begins. */
  private record Window(String text, int from) {}

  private static @Nullable Window window(Self s, Signature.Bound a) {
    if (!a.hasValue(1) && !a.hasValue(2)) {
      return new Window(s.text(), 0);
    }
    int length = Text.length(s.text());
    int from = a.hasValue(1) ? clip(a.integer(1, 0), length) : 0;
    int to = a.hasValue(2) ? Math.min(length, clip(a.integer(2, 0), length)) : length;
    return from > to ? null : new Window(Text.slice(s.text(), from, to), from);
  }

  private static int clip(int offset, int length) {
    return offset < 0 ? Math.max(0, offset + length) : offset;
  }

  private static final Signature AFFIX = Signature.of("startswith", 1, "prefix", "start", "end");

  private static Object affix(Self s, Callable.Args args, String name) {
    Signature.Bound a = AFFIX.bind(args);
    Window w = window(s, a);
    Object wanted = a.get(0);
    for (Object affix : wanted instanceof Thing.Tuple t ? t.items() : List.of(wanted)) {
      String text = Values.textOf(affix);
      if (text == null) {
        throw TemplateException.type(
            name + " first arg must be str or a tuple of str, not " + Values.type(affix));
      }
      if (w != null
          && (name.equals("startswith") ? w.text().startsWith(text) : w.text().endsWith(text))) {
        return true;
      }
    }
    return false;
  }

  private static Object removeAffix(Self s, Callable.Args args, boolean prefix) {
    String affix = PARTITION.bind(args).text(0);
    if (prefix) {
      return s.text().startsWith(affix) ? s.text().substring(affix.length()) : s.text();
    }
    return s.text().endsWith(affix)
        ? s.text().substring(0, s.text().length() - affix.length())
        : s.text();
  }

  private static long find(Self s, Callable.Args args, boolean last) {
    Signature.Bound a = COUNT.bind(args);
    String part = a.text(0);
    Window w = window(s, a);
    int i = w == null ? -1 : last ? w.text().lastIndexOf(part) : w.text().indexOf(part);
    return w == null || i < 0 ? -1 : w.from() + w.text().codePointCount(0, i);
  }

  private static Object found(long index) {
    if (index < 0) {
      throw TemplateException.type("substring not found");
    }
    return index;
  }

  private static final Signature PAD = Signature.of("center", 1, "width", "fillchar");

  private static Object pad(Self s, Callable.Args args, String side) {
    Signature.Bound a = PAD.bind(args);
    int width = Numbers.index(a.get(0));
    String fill = a.has(1) ? s.added(a.get(1)) : " ";
    if (Text.length(fill) != 1) {
      throw TemplateException.type("The fill character must be exactly one character long");
    }
    int missing = width - Text.length(s.text());
    if (missing <= 0) {
      return s.text();
    }
    s.budget().text(s.text().length() + (long) missing * fill.length());
    int left =
        switch (side) {
          case "ljust" -> 0;
          case "rjust" -> missing;
          default -> missing / 2 + (missing & width & 1);
        };
    return fill.repeat(left) + s.text() + fill.repeat(missing - left);
  }

  private static final Signature ZFILL = Signature.of("zfill", 1, "width");

  private static Object zfill(Self s, Callable.Args args) {
    int width = Numbers.index(ZFILL.bind(args).get(0));
    int missing = Math.max(0, width - Text.length(s.text()));
    s.budget().text(s.text().length() + (long) missing);
    boolean signed = s.text().startsWith("-") || s.text().startsWith("+");
    return s.text().substring(0, signed ? 1 : 0)
        + "0".repeat(missing)
        + s.text().substring(signed ? 1 : 0);
  }

  private static final Signature EXPANDTABS = Signature.of("expandtabs", 0, "tabsize");

  private static Object expandtabs(Self s, Callable.Args args) {
    int size = EXPANDTABS.bind(args).integer(0, 8);
    s.budget().text(s.text().length() + count(s.text(), "\t", -1) * Math.max(0L, size));
    StringBuilder out = new StringBuilder();
    int column = 0;
    for (int c : s.text().codePoints().toArray()) {
      if (c == '\t') {
        int spaces = size > 0 ? size - column % size : 0;
        out.append(" ".repeat(spaces));
        column += spaces;
      } else {
        out.appendCodePoint(c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
      }
    }
    return out.toString();
  }

  private static final Signature ONE_MAPPING = Signature.of("format_map", 1, "mapping");

  private static Object formatMap(Self s, Callable.Args args) {
    Map<String, Object> named = new java.util.LinkedHashMap<>();
    if (ONE_MAPPING.bind(args).get(0) instanceof Dict d) {
      for (Dict.Entry e : d.entries()) {
        if (e.key() instanceof String key) {
          named.put(key, e.value());
        }
      }
    }
    return BraceFormat.apply(s.in(), s.text(), new Callable.Args(List.of(), named), s.marked());
  }

  private static Object translate(Self s, Callable.Args args) {
    if (!(ONE_MAPPING.bind(args).get(0) instanceof Dict table)) {
      throw TemplateException.type("translate() takes a dict");
    }
    StringBuilder out = new StringBuilder();
    for (int c : s.text().codePoints().toArray()) {
      s.budget().step();
      Object to = table.get(s.budget(), (long) c);
      switch (to) {
        case null -> out.appendCodePoint(c);
        case Thing.None n -> {}
        case String text -> out.append(text);
        case Long l when Character.isValidCodePoint(Numbers.index(l)) ->
            out.appendCodePoint(Numbers.index(l));
        default ->
            throw TemplateException.type("character mapping must return integer, None or str");
      }
      if (out.length() > s.budget().limits().stringChars()) {
        s.budget().text(out.length());
      }
    }
    return out.toString();
  }
}
