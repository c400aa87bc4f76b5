package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.Locale;

/**
 * {@code str.format}: fields by number, name or in turn, their attributes and keys through the
 * sandbox, and the format specification of strings, ints and floats.
 */
final class BraceFormat {
  private final Interpreter in;
  private final Budget budget;
  private final Callable.Args args;
  private final boolean escape;
  private int next;
  private boolean numbered;

  private BraceFormat(Interpreter in, Callable.Args args, boolean escape) {
    this.in = in;
    this.budget = in.budget();
    this.args = args;
    this.escape = escape;
  }

  static String apply(Interpreter in, String format, Callable.Args args, boolean escape) {
    return new BraceFormat(in, args, escape).expand(format, 2);
  }

  private String expand(String format, int depth) {
    if (depth < 0) {
      throw TemplateException.type("Max string recursion exceeded");
    }
    StringBuilder out = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      char c = format.charAt(i++);
      if (c == '}' || (c == '{' && i < format.length() && format.charAt(i) == '{')) {
        if (c == '}' && (i >= format.length() || format.charAt(i) != '}')) {
          throw TemplateException.type("Single '}' encountered in format string");
        }
        out.append(c);
        i++;
      } else if (c == '{') {
        int end = close(format, i);
        String field = field(format.substring(i, end), depth);
        budget.text(out.length() + (long) field.length());
        out.append(field);
        i = end + 1;
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  private static int close(String format, int from) {
    int open = 1;
    for (int i = from; i < format.length(); i++) {
      char c = format.charAt(i);
      open += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (open == 0) {
        return i;
      }
    }
    throw TemplateException.type("expected '}' before end of string");
  }

  private String field(String field, int depth) {
    budget.step();
    int nameEnd = 0;
    boolean bracket = false;
    while (nameEnd < field.length() && (bracket || "!:".indexOf(field.charAt(nameEnd)) < 0)) {
      bracket = field.charAt(nameEnd) == '[' || (bracket && field.charAt(nameEnd) != ']');
      nameEnd++;
    }
    Object value = lookup(field.substring(0, nameEnd));
    String rest = field.substring(nameEnd);
    if (rest.startsWith("!")) {
      if (rest.length() < 2 || (rest.length() > 2 && rest.charAt(2) != ':')) {
        throw TemplateException.type("expected ':' after conversion specifier");
      }
      value =
          switch (rest.charAt(1)) {
            case 's' -> Printer.str(budget, value);
            case 'r' -> Printer.repr(budget, value);
            default ->
                throw TemplateException.type("Unknown conversion specifier " + rest.charAt(1));
          };
      rest = rest.substring(2);
    }
    String spec = rest.startsWith(":") ? expand(rest.substring(1), depth - 1) : "";
    String text = format(value, spec);
    return escape && !(value instanceof Thing.Markup) ? Escapes.html(budget, text) : text;
  }

  private Object lookup(String path) {
    int end = 0;
    while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
      end++;
    }
    Object value = first(path.substring(0, end));
    while (end < path.length()) {
      int from = end + 1;
      if (path.charAt(end) == '.') {
        end = from;
        while (end < path.length() && path.charAt(end) != '.' && path.charAt(end) != '[') {
          end++;
        }
        value = Attributes.attribute(in, value, path.substring(from, end));
      } else {
        int close = path.indexOf(']', from);
        if (close < 0) {
          throw TemplateException.type("Missing ']' in format string");
        }
        String key = path.substring(from, close);
        value = Attributes.item(in, value, isNumber(key) ? (Object) Long.parseLong(key) : key);
        end = close + 1;
      }
    }
    return value;
  }

  private Object first(String name) {
    if (name.isEmpty() || isNumber(name)) {
      if (numbered != !name.isEmpty() && next > 0) {
        throw TemplateException.type(
            "cannot mix automatic field numbering and manual field specification");
      }
      numbered = !name.isEmpty();
      int i = name.isEmpty() ? next : Integer.parseInt(name);
      next++;
      if (i >= args.positional().size()) {
        throw TemplateException.type(
            "Replacement index " + i + " out of range for positional args tuple");
      }
      return args.positional().get(i);
    }
    Object value = args.named().get(name);
    if (value == null) {
      throw TemplateException.type("'" + name + "'");
    }
    return value;
  }

  private static boolean isNumber(String name) {
    return !name.isEmpty()
        && name.length() < 10
        && name.chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private record Spec(
      String fill,
      char align,
      char sign,
      boolean alternate,
      int width,
      char group,
      int precision,
      char code) {}

  private Spec parse(String spec, char defaultAlign) {
    int i = 0;
    String fill = " ";
    char align = 0;
    int first = spec.isEmpty() ? 0 : Character.charCount(spec.codePointAt(0));
    if (spec.length() > first && first > 0 && "<>=^".indexOf(spec.charAt(first)) >= 0) {
      fill = spec.substring(0, first);
      align = spec.charAt(first);
      i = first + 1;
    } else if (!spec.isEmpty() && "<>=^".indexOf(spec.charAt(0)) >= 0) {
      align = spec.charAt(i++);
    }
    char sign = i < spec.length() && "+- ".indexOf(spec.charAt(i)) >= 0 ? spec.charAt(i++) : '-';
    boolean alternate = i < spec.length() && spec.charAt(i) == '#';
    i += alternate ? 1 : 0;
    if (i < spec.length() && spec.charAt(i) == '0') {
      i++;
      if (align == 0) {
        fill = "0";
        align = defaultAlign == '>' ? '=' : defaultAlign;
      }
    }
    int widthEnd = digits(spec, i);
    int width = number(spec, i, widthEnd, 0);
    i = widthEnd;
    char group = i < spec.length() && ",_".indexOf(spec.charAt(i)) >= 0 ? spec.charAt(i++) : 0;
    int precision = -1;
    if (i < spec.length() && spec.charAt(i) == '.') {
      int end = digits(spec, i + 1);
      if (end == i + 1) {
        throw TemplateException.type("Format specifier missing precision");
      }
      precision = number(spec, i + 1, end, 0);
      i = end;
    }
    char code = i < spec.length() ? spec.charAt(i++) : 0;
    if (i < spec.length()) {
      throw TemplateException.type("Invalid format specifier");
    }
    budget.text((long) width + Math.max(0, precision));
    return new Spec(
        fill, align == 0 ? defaultAlign : align, sign, alternate, width, group, precision, code);
  }

  private static int digits(String spec, int from) {
    int i = from;
    while (i < spec.length() && spec.charAt(i) >= '0' && spec.charAt(i) <= '9') {
      i++;
    }
    return i;
  }

  private static int number(String spec, int from, int to, int otherwise) {
    if (from == to) {
      return otherwise;
    }
    return to - from > 9 ? Integer.MAX_VALUE : Integer.parseInt(spec.substring(from, to));
  }

  private String format(Object value, String spec) {
    if (spec.isEmpty()) {
      return Printer.str(budget, value);
    }
    if (Numbers.isNumber(value)) {
      return number(value, parse(spec, '>'));
    }
    String text = Values.textOf(value);
    if (text == null) {
      throw TemplateException.type(
          "unsupported format string passed to " + Values.type(value) + ".__format__");
    }
    Spec s = parse(spec, '<');
    if ((s.code() != 0 && s.code() != 's') || s.align() == '=' || s.group() != 0) {
      throw TemplateException.type("'" + spec + "' is no format specification of a str");
    }
    return pad(
        s,
        "",
        s.precision() >= 0 && s.precision() < Text.length(text)
            ? Text.slice(text, 0, s.precision())
            : text);
  }

  private String number(Object value, Spec s) {
    boolean isReal = value instanceof Double || (s.code() != 0 && "eEfFgG%".indexOf(s.code()) >= 0);
    String digits;
    boolean negative;
    if (isReal) {
      double d = Numbers.real(value);
      negative = d < 0 || (d == 0 && 1 / d < 0);
      digits = real(d, s);
    } else {
      BigInteger i = Numbers.big(value);
      budget.integer(i.bitLength());
      negative = i.signum() < 0;
      if (s.precision() >= 0) {
        throw TemplateException.type("Precision not allowed in integer format specifier");
      }
      if (s.code() == 'c') {
        return pad(
            s,
            "",
            Character.toString(Math.clamp(Numbers.index(value), 0, Character.MAX_CODE_POINT)));
      }
      if (s.code() != 0 && "bdoxXn".indexOf(s.code()) < 0) {
        throw TemplateException.type(
            "Unknown format code '" + s.code() + "' for object of type 'int'");
      }
      digits = NumberText.integer(i, s.code());
      if (s.group() != 0) {
        digits = grouped(digits, s.group(), s.code() == 0 || s.code() == 'd' ? 3 : 4);
      }
      digits = (s.alternate() ? NumberText.basePrefix(s.code()) : "") + digits;
    }
    String sign = negative ? "-" : s.sign() == '-' ? "" : String.valueOf(s.sign());
    return pad(s, sign, digits);
  }

  private String real(double d, Spec s) {
    String text;
    if (s.code() == 0 && s.precision() < 0) {
      text = Numbers.repr(Math.abs(d));
    } else if (s.code() == '%') {
      text =
          NumberText.real(
                  budget, d * 100, 'f', s.precision() < 0 ? 6 : s.precision(), s.alternate())
              + "%";
    } else if (s.code() == 0 || "eEfFgGn".indexOf(s.code()) >= 0) {
      char code = s.code() == 0 || s.code() == 'n' ? 'g' : s.code();
      text = NumberText.real(budget, d, code, s.precision() < 0 ? 6 : s.precision(), s.alternate());
      if (s.code() == 0 && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
        text += ".0";
      }
    } else {
      throw TemplateException.type(
          "Unknown format code '" + s.code() + "' for object of type 'float'");
    }
    if (s.group() == 0) {
      return text;
    }
    int whole = digits(text, 0);
    return grouped(text.substring(0, whole), s.group(), 3)
        + text.substring(whole).toLowerCase(Locale.ROOT);
  }

  private static String grouped(String digits, char separator, int size) {
    StringBuilder out = new StringBuilder(digits);
    for (int i = digits.length() - size; i > 0; i -= size) {
      out.insert(i, separator);
    }
    return out.toString();
  }

  private String pad(Spec s, String sign, String text) {
    int fill = s.width() - sign.length() - Text.length(text);
    if (fill <= 0) {
      return sign + text;
    }
    budget.text((long) s.width() * s.fill().length());
    int left =
        switch (s.align()) {
          case '<' -> 0;
          case '^' -> fill / 2;
          default -> fill;
        };
    String before = s.fill().repeat(left);
    String after = s.fill().repeat(fill - left);
    return s.align() == '=' ? sign + before + text : before + sign + text + after;
  }
}
