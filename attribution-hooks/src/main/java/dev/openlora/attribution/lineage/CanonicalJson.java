package dev.openlora.attribution.lineage;

import java.math.BigDecimal;
import java.util.TreeMap;
import tools.jackson.core.io.JsonStringEncoder;
import tools.jackson.databind.JsonNode;

/**
 * One spelling for each JSON value: keys in the order of their UTF-16 units, no white space,
 * numbers in plain decimal without trailing zeros. The same value is the same text, so that it can
 * be hashed.
 */
final class CanonicalJson {
  /** Digits before or after the point; more is no number that a training uses. */
  private static final int DIGITS_MAX = 64;

  private CanonicalJson() {}

  static String write(JsonNode value) {
    StringBuilder out = new StringBuilder();
    append(out, value);
    return out.toString();
  }

  private static void append(StringBuilder out, JsonNode value) {
    switch (value.getNodeType()) {
      case OBJECT -> {
        TreeMap<String, JsonNode> sorted = new TreeMap<>();
        value.properties().forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
        out.append('{');
        String separator = "";
        for (var entry : sorted.entrySet()) {
          out.append(separator);
          quote(out, entry.getKey());
          out.append(':');
          append(out, entry.getValue());
          separator = ",";
        }
        out.append('}');
      }
      case ARRAY -> {
        out.append('[');
        String separator = "";
        for (JsonNode item : value) {
          out.append(separator);
          append(out, item);
          separator = ",";
        }
        out.append(']');
      }
      case STRING -> quote(out, value.stringValue());
      case NUMBER -> out.append(number(value));
      case BOOLEAN -> out.append(value.booleanValue());
      case NULL -> out.append("null");
      case BINARY, MISSING, POJO ->
          throw new IllegalArgumentException(
              "value: " + value.getNodeType() + " (expected: a JSON value)");
    }
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"').append(JsonStringEncoder.getInstance().quoteAsCharArray(text)).append('"');
  }

  static String number(JsonNode value) {
    if (value.isDouble() || value.isFloat()) {
      double number = value.doubleValue();
      if (!Double.isFinite(number)) {
        throw new IllegalArgumentException("number: " + number + " (expected: a finite one)");
      }
    }
    return plain(value.decimalValue());
  }

  private static String plain(BigDecimal number) {
    BigDecimal stripped = number.stripTrailingZeros();
    if (Math.abs((long) stripped.scale()) > DIGITS_MAX || stripped.precision() > DIGITS_MAX) {
      throw new IllegalArgumentException(
          "number: more than " + DIGITS_MAX + " digits (expected: fewer)");
    }
    return stripped.toPlainString();
  }
}
