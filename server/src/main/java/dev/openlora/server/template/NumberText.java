package dev.openlora.server.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * Floats and ints in the notations that {@code %} and {@code format} share: e, f, g, and the bases
 * of ints.
 */
final class NumberText {
  private NumberText() {}

  /**
   * The value without its sign, in notation e, f or g or their capitals; rounded half to even on
   * the exact value.
   */
  static String real(Budget budget, double value, char code, int precision, boolean alternate) {
    budget.text((long) precision + 330);
    boolean capitals = Character.isUpperCase(code);
    String text = real(Math.abs(value), Character.toLowerCase(code), precision, alternate);
    return capitals ? text.toUpperCase(Locale.ROOT) : text;
  }

  private static String real(double value, char code, int precision, boolean alternate) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return "inf";
    }
    BigDecimal exact = new BigDecimal(value);
    return switch (code) {
      case 'f' -> {
        String text = exact.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
        yield alternate && precision == 0 ? text + "." : text;
      }
      case 'e' -> scientific(exact, precision, alternate);
      default -> general(exact, Math.max(1, precision), alternate);
    };
  }

  private static String scientific(BigDecimal exact, int precision, boolean alternate) {
    if (exact.signum() == 0) {
      return "0" + (precision > 0 ? "." + "0".repeat(precision) : alternate ? "." : "") + "e+00";
    }
    BigDecimal rounded = exact.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
    String digits = rounded.unscaledValue().toString();
    int exponent = digits.length() - rounded.scale() - 1;
    digits =
        digits.length() > precision + 1
            ? digits.substring(0, precision + 1)
            : digits + "0".repeat(precision + 1 - digits.length());
    String text =
        digits.charAt(0) + (precision > 0 ? "." + digits.substring(1) : alternate ? "." : "");
    return text + Numbers.exponent(exponent);
  }

  private static String general(BigDecimal exact, int precision, boolean alternate) {
    if (exact.signum() == 0) {
      return alternate ? "0." + "0".repeat(precision - 1) : "0";
    }
    BigDecimal rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
    int exponent = rounded.precision() - rounded.scale() - 1;
    if (exponent < -4 || exponent >= precision) {
      String text = scientific(exact, precision - 1, alternate);
      int e = text.indexOf('e');
      return alternate ? text : trimZeros(text.substring(0, e)) + text.substring(e);
    }
    String text = exact.setScale(precision - 1 - exponent, RoundingMode.HALF_EVEN).toPlainString();
    return alternate ? text : trimZeros(text);
  }

  private static String trimZeros(String text) {
    if (text.indexOf('.') < 0) {
      return text;
    }
    int end = text.length();
    while (text.charAt(end - 1) == '0') {
      end--;
    }
    return text.substring(0, text.charAt(end - 1) == '.' ? end - 1 : end);
  }

  /** The digits of an int without its sign, in base b, o, d, x or X. */
  static String integer(BigInteger value, char code) {
    return switch (code) {
      case 'b' -> value.abs().toString(2);
      case 'o' -> value.abs().toString(8);
      case 'x' -> value.abs().toString(16);
      case 'X' -> value.abs().toString(16).toUpperCase(Locale.ROOT);
      default -> value.abs().toString();
    };
  }

  static String basePrefix(char code) {
    return code == 'b' || code == 'o' || code == 'x' || code == 'X' ? "0" + code : "";
  }

  /** An int from a float or int, cut towards zero. */
  static BigInteger truncated(Object number) {
    if (number instanceof Double d) {
      if (Double.isNaN(d) || Double.isInfinite(d)) {
        throw TemplateException.type("cannot convert float " + Numbers.repr(d) + " to integer");
      }
      return new BigDecimal(d).toBigInteger();
    }
    return Numbers.big(number);
  }
}
