package dev.openlora.server.template;

import java.util.List;

/**
 * {@code format % values}, as Python prints; with {@code escape} the values are escaped for HTML.
 */
final class PercentFormat {
  private final Budget budget;
  private final String format;
  private final Object values;
  private final boolean escape;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private int used;

  private PercentFormat(Budget budget, String format, Object values, boolean escape) {
    this.budget = budget;
    this.format = format;
    this.values = values;
    this.escape = escape;
  }

  static String apply(Budget budget, String format, Object values, boolean escape) {
    PercentFormat f = new PercentFormat(budget, format, values, escape);
    f.run();
    budget.text(f.out.length());
    return f.out.toString();
  }

  private void run() {
    while (at < format.length()) {
      char c = format.charAt(at++);
      if (c == '%') {
        field();
      } else {
        out.append(c);
      }
    }
    boolean given = values instanceof Thing.Tuple t ? used < t.items().size() : used == 0;
    boolean mapping =
        values instanceof Dict
            || values instanceof List
            || values instanceof Thing.Range
            || values instanceof Thing.Undefined;
    if (given && !mapping) {
      throw TemplateException.type("not all arguments converted during string formatting");
    }
  }

  private char peek() {
    if (at >= format.length()) {
      throw TemplateException.type("incomplete format");
    }
    return format.charAt(at);
  }

  private Object nextValue() {
    if (values instanceof Thing.Tuple t) {
      if (used < t.items().size()) {
        return t.items().get(used++);
      }
    } else if (used++ == 0) {
      return values;
    }
    throw TemplateException.type("not enough arguments for format string");
  }

  private Object key() {
    int open = 1;
    int from = ++at;
    while (open > 0) {
      char c = peek();
      open += c == '(' ? 1 : c == ')' ? -1 : 0;
      at++;
    }
    String key = format.substring(from, at - 1);
    if (!(values instanceof Dict d)) {
      throw TemplateException.type("format requires a mapping");
    }
    used++;
    Object value = d.get(budget, key);
    if (value == null) {
      throw TemplateException.type("'" + key + "'");
    }
    return value;
  }

  private void field() {
    budget.step();
    Object keyed = peek() == '(' ? key() : Thing.None.NONE;
    boolean hasKey = format.charAt(at - 1) == ')';
    String flags = "";
    while ("-+ #0".indexOf(peek()) >= 0) {
      flags += format.charAt(at++);
      if (flags.length() > 16) {
        throw TemplateException.type("too many flags in a format");
      }
    }
    int width = count(0);
    if (width < 0) {
      flags += "-";
      width = Math.abs(width);
    }
    int precision = -1;
    if (peek() == '.') {
      at++;
      precision = Math.max(0, count(0));
    }
    while ("hlL".indexOf(peek()) >= 0) {
      at++;
    }
    char code = peek();
    int codeAt = at++;
    if (code == '%') {
      out.append('%');
      return;
    }
    budget.text((long) width + Math.max(0, precision));
    Object value = hasKey ? keyed : nextValue();
    switch (code) {
      case 's' ->
          text(
              value instanceof Thing.Markup || !escape
                  ? Printer.str(budget, value)
                  : escaped(Printer.str(budget, value)),
              width,
              precision,
              flags);
      case 'r' -> text(escaped(Printer.repr(budget, value)), width, precision, flags);
      case 'a' -> text(ascii(Printer.repr(budget, value)), width, precision, flags);
      case 'c' -> text(character(value), width, -1, flags);
      case 'd', 'i', 'u', 'x', 'X', 'o' -> integer(value, code, width, precision, flags);
      case 'e', 'E', 'f', 'F', 'g', 'G' -> {
        refuseUndefined(value);
        if (!Numbers.isNumber(value)) {
          throw TemplateException.type("must be real number, not " + Values.type(value));
        }
        double d = Numbers.real(value);
        String digits =
            NumberText.real(budget, d, code, precision < 0 ? 6 : precision, flags.contains("#"));
        number(d < 0 || (d == 0 && 1 / d < 0), "", digits, width, flags);
      }
      default ->
          throw TemplateException.type(
              "unsupported format character '"
                  + code
                  + "' (0x"
                  + Integer.toHexString(code)
                  + ") at index "
                  + codeAt);
    }
  }

  private static void refuseUndefined(Object value) {
    if (value instanceof Thing.Undefined u) {
      throw u.failure();
    }
  }

  private String escaped(String text) {
    return escape ? Escapes.html(budget, text) : text;
  }

  private static String ascii(String repr) {
    StringBuilder ascii = new StringBuilder();
    repr.codePoints()
        .forEach(c -> {
          if (c < 128) {
            ascii.append((char) c);
          } else {
            Printer.escape(ascii, c);
          }
        });
    return ascii.toString();
  }

  private static String character(Object value) {
    if (Numbers.isInt(value)) {
      int c = Numbers.index(value);
      if (!Character.isValidCodePoint(c)) {
        throw TemplateException.type("%c arg not in range(0x110000)");
      }
      return Character.toString(c);
    }
    String text = Values.textOf(value);
    if (text == null || Text.length(text) != 1) {
      throw TemplateException.type("%c requires int or char");
    }
    return text;
  }

  private int count(int otherwise) {
    if (peek() == '*') {
      at++;
      return Numbers.index(nextValue());
    }
    long value = otherwise;
    while (peek() >= '0' && peek() <= '9') {
      value = Math.min(value * 10 + (format.charAt(at++) - '0'), Integer.MAX_VALUE);
    }
    return (int) value;
  }

  private void integer(Object value, char code, int width, int precision, String flags) {
    boolean base = code == 'x' || code == 'X' || code == 'o';
    if (!base) {
      refuseUndefined(value);
    }
    if (!Numbers.isNumber(value) || (base && value instanceof Double)) {
      String wanted = base ? "an integer is required" : "a real number is required";
      throw TemplateException.type(
          "%" + code + " format: " + wanted + ", not " + Values.type(value));
    }
    var i = NumberText.truncated(value);
    budget.integer(i.bitLength());
    String digits = Escapes.padded(NumberText.integer(i, code), precision);
    number(
        i.signum() < 0,
        flags.contains("#") ? NumberText.basePrefix(code) : "",
        digits,
        width,
        flags);
  }

  private void number(boolean negative, String prefix, String digits, int width, String flags) {
    String sign = negative ? "-" : flags.contains("+") ? "+" : flags.contains(" ") ? " " : "";
    int fill = width - sign.length() - prefix.length() - digits.length();
    String padding = " ".repeat(Math.max(0, fill));
    if (flags.contains("-")) {
      out.append(sign).append(prefix).append(digits).append(padding);
    } else if (flags.contains("0")) {
      out.append(sign).append(prefix).append("0".repeat(Math.max(0, fill))).append(digits);
    } else {
      out.append(padding).append(sign).append(prefix).append(digits);
    }
  }

  private void text(String text, int width, int precision, String flags) {
    String shown =
        precision >= 0 && precision < Text.length(text) ? Text.slice(text, 0, precision) : text;
    String padding = " ".repeat(Math.max(0, width - Text.length(shown)));
    out.append(flags.contains("-") ? shown + padding : padding + shown);
    if (out.length() > budget.limits().stringChars()) {
      budget.text(out.length());
    }
  }
}
