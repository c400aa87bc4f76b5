package dev.openlora.server.openai;

import dev.openlora.server.http.ApiException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The fields of a JSON object, read as leniently as the Python servers do it: {@code "5"}, {@code
 * 5.0} and {@code true} are integers, {@code "yes"} is true, null is as good as absent. Each
 * refusal says the field, what it must be and what came.
 */
final class Fields {
  private static final Set<String> TRUE = Set.of("true", "t", "yes", "y", "on", "1");
  private static final Set<String> FALSE = Set.of("false", "f", "no", "n", "off", "0");
  private static final int SHOWN_CHARACTERS = 60;

  private final ObjectNode object;
  private final String prefix;

  Fields(ObjectNode object) {
    this(object, "");
  }

  private Fields(ObjectNode object, String prefix) {
    this.object = object;
    this.prefix = prefix;
  }

  /** The value, or null when it is absent or null. */
  @Nullable JsonNode value(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  boolean has(String name) {
    return value(name) != null;
  }

  String path(String name) {
    return prefix + name;
  }

  @Nullable Fields object(String name) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    return of(value, path(name));
  }

  /** The fields of a value that must be an object; {@code path} names it in errors. */
  static Fields of(JsonNode value, String path) throws ApiException {
    if (value instanceof ObjectNode fields) {
      return new Fields(fields, path + ".");
    }
    throw wrong(path, "an object", value);
  }

  @Nullable String string(String name) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    return string(path(name), value);
  }

  static String string(String path, JsonNode value) throws ApiException {
    if (!value.isString()) {
      throw wrong(path, "a string", value);
    }
    return value.stringValue();
  }

  boolean flag(String name, boolean absent) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return absent;
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    String word =
        value.isString() || value.isNumber() ? value.asString().toLowerCase(Locale.ROOT) : "";
    if (TRUE.contains(word) || (value.isNumber() && value.doubleValue() == 1)) {
      return true;
    }
    if (FALSE.contains(word) || (value.isNumber() && value.doubleValue() == 0)) {
      return false;
    }
    throw wrong(path(name), "a boolean", value);
  }

  int integer(String name, int absent, Bounds bounds) throws ApiException {
    Integer value = integer(name, bounds);
    return value == null ? absent : value;
  }

  @Nullable Integer integer(String name, Bounds bounds) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    long number = wholeNumber(path(name), value, "an integer");
    if (!bounds.contains(number)) {
      throw outside(path(name), bounds, Long.toString(number));
    }
    if (number != (int) number) {
      throw wrong(path(name), "a 32-bit integer", value);
    }
    return (int) number;
  }

  @Nullable Long wide(String name) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return null;
    }
    return wholeNumber(path(name), value, "a 64-bit integer");
  }

  double decimal(String name, double absent, Bounds bounds) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return absent;
    }
    double number = decimal(path(name), value);
    if (!bounds.contains(number)) {
      throw outside(path(name), bounds, Double.toString(number));
    }
    return number;
  }

  static double decimal(String path, JsonNode value) throws ApiException {
    double number = Double.NaN;
    if (value.isNumber()) {
      number = value.doubleValue();
    } else if (value.isBoolean()) {
      number = value.booleanValue() ? 1 : 0;
    } else if (value.isString() && value.stringValue().length() <= SHOWN_CHARACTERS) {
      try {
        number = new BigDecimal(value.stringValue().strip()).doubleValue();
      } catch (NumberFormatException e) {
        throw wrong(path, "a number", value);
      }
    }
    if (!Double.isFinite(number)) {
      throw wrong(path, "a finite number", value);
    }
    return number;
  }

  /** A list of strings, or one string as a list of one. */
  List<String> strings(String name, int countMax) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return List.of();
    }
    if (value.isString()) {
      return List.of(value.stringValue());
    }
    List<String> strings = new ArrayList<>();
    int i = 0;
    for (JsonNode item : array(path(name), value, "a string or a list of strings", countMax)) {
      strings.add(string(path(name) + "[" + i++ + "]", item));
    }
    return strings;
  }

  List<Integer> integers(String name, int countMax) throws ApiException {
    JsonNode value = value(name);
    if (value == null) {
      return List.of();
    }
    List<Integer> numbers = new ArrayList<>();
    int i = 0;
    for (JsonNode item : array(path(name), value, "a list of integers", countMax)) {
      String path = path(name) + "[" + i++ + "]";
      long number = wholeNumber(path, item, "an integer");
      if (number != (int) number) {
        throw wrong(path, "a 32-bit integer", item);
      }
      numbers.add((int) number);
    }
    return numbers;
  }

  static JsonNode array(String path, JsonNode value, String expected, int countMax)
      throws ApiException {
    if (!value.isArray()) {
      throw wrong(path, expected, value);
    }
    if (value.size() > countMax) {
      throw ApiException.badRequest(
          path, path + " must have at most " + countMax + " entries, got " + value.size() + ".");
    }
    return value;
  }

  static ApiException wrong(String path, String expected, JsonNode value) {
    return ApiException.badRequest(
        path, path + " must be " + expected + ", got " + shown(value) + ".");
  }

  private static ApiException outside(String path, Bounds bounds, String value) {
    return ApiException.badRequest(
        path, path + " must be " + bounds.words() + ", got " + value + ".");
  }

  private static long wholeNumber(String path, JsonNode value, String expected)
      throws ApiException {
    BigInteger number = null;
    if (value.isBoolean()) {
      number = value.booleanValue() ? BigInteger.ONE : BigInteger.ZERO;
    } else if (value.isIntegralNumber()) {
      number = value.bigIntegerValue();
    } else if (value.isNumber()) {
      double real = value.doubleValue();
      if (Double.isFinite(real) && real == Math.rint(real) && Math.abs(real) < 0x1p53) {
        number = BigInteger.valueOf((long) real);
      }
    } else if (value.isString() && value.stringValue().length() <= SHOWN_CHARACTERS) {
      try {
        number = new BigInteger(value.stringValue().strip());
      } catch (NumberFormatException e) {
        throw wrong(path, expected, value);
      }
    }
    if (number == null || number.bitLength() > 63) {
      throw wrong(path, expected, value);
    }
    return number.longValue();
  }

  /** A value as messages show it: short, and only its kind when it is a container. */
  static String shown(JsonNode value) {
    if (value.isObject()) {
      return "an object";
    }
    if (value.isArray()) {
      return "a list";
    }
    String text = value.toString();
    int end =
        text.offsetByCodePoints(
            0, Math.min(SHOWN_CHARACTERS, text.codePointCount(0, text.length())));
    return end < text.length() ? text.substring(0, end) + "…" : text;
  }
}
