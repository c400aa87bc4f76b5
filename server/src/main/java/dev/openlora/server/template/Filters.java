package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What stands after {@code |}, by name. The filters of text are in {@link TextFilters}, those of
 * lists and dicts in {@link SequenceFilters}; here are those of numbers and of any value.
 */
final class Filters {
  /** One filter; its input is the first argument. */
  @FunctionalInterface
  interface Filter {
    Object apply(Interpreter in, Callable.Args args);
  }

  /** A filter whose arguments are bound already. */
  @FunctionalInterface
  interface Body {
    Object apply(Interpreter in, Signature.Bound a);
  }

  private static final Map<String, Filter> ALL = new HashMap<>();

  static {
    TextFilters.addTo(ALL);
    SequenceFilters.addTo(ALL);
    ALL.put("tojson", Json::filter);
    put(ALL, "default", Filters::otherwise, "value", "default_value", "boolean");
    put(ALL, "d", Filters::otherwise, "value", "default_value", "boolean");
    put(ALL, "attr", Filters::attr, "obj", "name!");
    put(ALL, "abs", Filters::abs, "x");
    put(ALL, "round", Filters::round, "value", "precision", "method");
    put(ALL, "int", Filters::toInt, "value", "default", "base");
    put(ALL, "float", Filters::toFloat, "value", "default");
    put(ALL, "filesizeformat", Filters::fileSize, "value", "binary");
    put(ALL, "length", (in, a) -> length(in, a), "obj");
    put(ALL, "count", (in, a) -> length(in, a), "obj");
    put(
        ALL,
        "string",
        (in, a) -> a.get(0) instanceof Thing.Markup m ? m : Printer.str(in.budget(), a.get(0)),
        "object");
    put(ALL, "pprint", Filters::pprint, "value");
    for (String unsupported : List.of("urlize", "xmlattr")) {
      ALL.put(
          unsupported,
          (in, args) -> {
            throw TemplateException.type("the filter " + unsupported + " is not supported");
          });
    }
  }

  private Filters() {}

  /** The first parameter, and each that ends in {@code !}, has to be given. */
  static void put(Map<String, Filter> filters, String name, Body body, String... parameters) {
    int required = 1;
    for (int i = 1; i < parameters.length; i++) {
      if (parameters[i].endsWith("!")) {
        parameters[i] = parameters[i].substring(0, parameters[i].length() - 1);
        required = i + 1;
      }
    }
    Signature signature = Signature.of("do_" + name, required, parameters);
    filters.put(name, (in, args) -> body.apply(in, signature.bind(args)));
  }

  static boolean exists(String name) {
    return ALL.containsKey(name);
  }

  static Object apply(Interpreter in, String name, Callable.Args args) {
    Filter filter = ALL.get(name);
    if (filter == null) {
      throw TemplateException.type("No filter named '" + name + "'.");
    }
    return filter.apply(in, args);
  }

  private static Object length(Interpreter in, Signature.Bound a) {
    String text = Values.textOf(a.get(0));
    in.budget().scan(text == null ? 0 : text.length());
    return (long) Values.length(a.get(0));
  }

  private static Object otherwise(Interpreter in, Signature.Bound a) {
    boolean replace =
        a.get(0) instanceof Thing.Undefined || (a.truth(2, false) && !Values.truth(a.get(0)));
    return replace ? a.get(1, "") : a.get(0);
  }

  private static Object attr(Interpreter in, Signature.Bound a) {
    return Attributes.attributeOnly(in, a.get(0), a.text(1));
  }

  private static Object abs(Interpreter in, Signature.Bound a) {
    return switch (a.get(0)) {
      case Double d -> Math.abs(d);
      case Object v when Numbers.isInt(v) -> Numbers.normal(Numbers.big(v).abs());
      default ->
          throw TemplateException.type(
              "bad operand type for abs(): '" + Values.type(a.get(0)) + "'");
    };
  }

  private static Object round(Interpreter in, Signature.Bound a) {
    Object value = a.get(0);
    int digits = a.integer(1, 0);
    String method = a.text(2, "common");
    if (!List.of("common", "ceil", "floor").contains(method)) {
      throw TemplateException.type("method must be common, ceil or floor");
    }
    if (!Numbers.isNumber(value)) {
      throw TemplateException.type(
          "type " + Values.type(value) + " doesn't define __round__ method");
    }
    if (method.equals("common")) {
      return Numbers.round(value, digits);
    }
    double scale = Math.pow(10, digits);
    double scaled = Numbers.real(value) * scale;
    double whole = method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled);
    if (Double.isNaN(whole) || Double.isInfinite(whole)) {
      throw TemplateException.type("cannot convert float " + Numbers.repr(whole) + " to integer");
    }
    return (whole == 0 ? 0.0 : whole) / scale;
  }

  private static Object toInt(Interpreter in, Signature.Bound a) {
    Object value = a.get(0);
    Object otherwise = a.get(1, 0L);
    String text = Values.textOf(value);
    if (text != null) {
      BigInteger parsed = parseInt(in.budget(), text, a.integer(2, 10));
      if (parsed != null) {
        return Numbers.normal(parsed);
      }
      Double real = parseFloat(text);
      return real == null || real.isNaN() || real.isInfinite()
          ? otherwise
          : whole(in.budget(), real);
    }
    return switch (value) {
      case Thing.Undefined u -> throw u.failure();
      case Double d when d.isNaN() -> otherwise;
      case Double d when d.isInfinite() ->
          throw TemplateException.type("cannot convert float infinity to integer");
      case Double d -> whole(in.budget(), d);
      case Object v when Numbers.isInt(v) -> Numbers.normal(Numbers.big(v));
      default -> otherwise;
    };
  }

  private static Object whole(Budget budget, double real) {
    BigInteger whole = NumberText.truncated(real);
    budget.integer(whole.bitLength());
    return Numbers.normal(whole);
  }

  /**
   * Python's {@code int(text, base)}: white space around, single underscores within, any decimal
   * digits.
   */
  private static @Nullable BigInteger parseInt(Budget budget, String text, int base) {
    String digits = Text.strip(text, true, true);
    boolean negative = digits.startsWith("-");
    if (negative || digits.startsWith("+")) {
      digits = digits.substring(1);
    }
    int radix = base;
    char kind =
        digits.length() > 1 && digits.charAt(0) == '0'
            ? Character.toLowerCase(digits.charAt(1))
            : ' ';
    int prefixed = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
    if (prefixed > 0 && (base == 0 || base == prefixed)) {
      radix = prefixed;
      digits = digits.substring(digits.startsWith("_", 2) ? 3 : 2);
    } else if (base == 0) {
      boolean leadingZero =
          digits.startsWith("0") && digits.chars().anyMatch(c -> c != '0' && c != '_');
      radix = leadingZero ? -1 : 10;
    }
    if (radix < 2
        || radix > 36
        || digits.isEmpty()
        || digits.startsWith("_")
        || digits.endsWith("_")
        || digits.contains("__")) {
      return null;
    }
    digits = digits.replace("_", "");
    StringBuilder plain = new StringBuilder();
    for (int c : digits.codePoints().toArray()) {
      int digit = Character.digit(c, radix);
      if (digit < 0) {
        return null;
      }
      plain.append(Character.forDigit(digit, radix));
    }
    budget.integer((long) ((plain.length() - 1) * (Math.log(radix) / Math.log(2))));
    BigInteger value = new BigInteger(plain.toString(), radix);
    return negative ? value.negate() : value;
  }

  private static final java.util.regex.Pattern FLOAT =
      java.util.regex.Pattern.compile(
          "[+-]?(\\d(_?\\d)*\\.?(\\d(_?\\d)*)?|\\.\\d(_?\\d)*)([eE][+-]?\\d(_?\\d)*)?");

  private static @Nullable Double parseFloat(String text) {
    String digits = Text.strip(text, true, true);
    if (digits.length() < 1_000 && FLOAT.matcher(digits).matches()) {
      return Double.parseDouble(digits.replace("_", ""));
    }
    return switch (digits.toLowerCase(java.util.Locale.ROOT)) {
      case "nan", "+nan", "-nan" -> Double.NaN;
      case "inf", "+inf", "infinity", "+infinity" -> Double.POSITIVE_INFINITY;
      case "-inf", "-infinity" -> Double.NEGATIVE_INFINITY;
      default -> null;
    };
  }

  private static Object toFloat(Interpreter in, Signature.Bound a) {
    Object otherwise = a.get(1, 0.0);
    String text = Values.textOf(a.get(0));
    if (text != null) {
      Double parsed = parseFloat(text);
      return parsed == null ? otherwise : parsed;
    }
    return switch (a.get(0)) {
      case Thing.Undefined u -> throw u.failure();
      case Object v when Numbers.isNumber(v) -> Numbers.real(v);
      default -> otherwise;
    };
  }

  private static final String UNITS = "kMGTPEZY";

  private static Object fileSize(Interpreter in, Signature.Bound a) {
    boolean binary = a.truth(1, false);
    if (a.get(0) instanceof Thing.Undefined u) {
      throw u.failure();
    }
    String text = Values.textOf(a.get(0));
    Double parsed = text == null ? Double.valueOf(Numbers.real(a.get(0))) : parseFloat(text);
    if (parsed == null) {
      throw TemplateException.type(
          "could not convert string to float: " + Printer.repr(in.budget(), a.get(0)));
    }
    double base = binary ? 1024 : 1000;
    double bytes = parsed;
    if (bytes == 1) {
      return "1 Byte";
    }
    if (bytes < base) {
      return NumberText.truncated(bytes) + " Bytes";
    }
    double unit = base;
    int i = 0;
    while (bytes >= unit * base && i < UNITS.length() - 1) {
      unit *= base;
      i++;
    }
    String prefix =
        binary
            ? UNITS.substring(i, i + 1).toUpperCase(java.util.Locale.ROOT) + "i"
            : UNITS.substring(i, i + 1);
    return NumberText.real(in.budget(), bytes / unit, 'f', 1, false) + " " + prefix + "B";
  }

  private static Object pprint(Interpreter in, Signature.Bound a) {
    String text = Printer.repr(in.budget(), a.get(0), true);
    if (text.length() > 80) {
      throw TemplateException.type("pprint of more than one line is not supported");
    }
    return text;
  }
}
