package dev.openlora.server.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;

/**
 * Ints without overflow and floats as Python computes, prints and rounds them. An int is a Long
 * where it fits.
 */
final class Numbers {
  private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);
  private static final MathContext DIVISION = new MathContext(60, RoundingMode.HALF_EVEN);

  private Numbers() {}

  static Object normal(BigInteger i) {
    return i.compareTo(LONG_MIN) >= 0 && i.compareTo(LONG_MAX) <= 0 ? (Object) i.longValue() : i;
  }

  static boolean isInt(Object v) {
    return v instanceof Long || v instanceof BigInteger || v instanceof Boolean;
  }

  static boolean isNumber(Object v) {
    return isInt(v) || v instanceof Double;
  }

  static BigInteger big(Object v) {
    return switch (v) {
      case Long l -> BigInteger.valueOf(l);
      case BigInteger b -> b;
      case Boolean b -> b ? BigInteger.ONE : BigInteger.ZERO;
      default -> throw new IllegalArgumentException("not an int: " + v);
    };
  }

  static double real(Object v) {
    return switch (v) {
      case Double d -> d;
      case Long l -> (double) l;
      case Boolean b -> b ? 1 : 0;
      case BigInteger b -> {
        double d = b.doubleValue();
        if (Double.isInfinite(d)) {
          throw TemplateException.type("int too large to convert to float");
        }
        yield d;
      }
      default -> throw TemplateException.type("must be real number, not " + Values.type(v));
    };
  }

  /** An int that counts or points at something, clamped to Java's int. */
  static int index(Object v) {
    return switch (v) {
      case Long l -> (int) Math.max(-Integer.MAX_VALUE, Math.min(Integer.MAX_VALUE, l));
      case Boolean b -> b ? 1 : 0;
      case BigInteger b -> b.signum() * Integer.MAX_VALUE;
      default ->
          throw TemplateException.type(
              "'" + Values.type(v) + "' object cannot be interpreted as an integer");
    };
  }

  static Object add(Object a, Object b) {
    if (a instanceof Long x && b instanceof Long y) {
      long sum = x + y;
      if (((x ^ sum) & (y ^ sum)) >= 0) {
        return sum;
      }
    }
    return normal(big(a).add(big(b)));
  }

  static Object subtract(Object a, Object b) {
    return add(a, negate(b));
  }

  static Object negate(Object a) {
    return a instanceof Long x && x != Long.MIN_VALUE ? (Object) (-x) : normal(big(a).negate());
  }

  static Object multiply(Object a, Object b) {
    if (a instanceof Long x && b instanceof Long y) {
      long high = Math.multiplyHigh(x, y);
      long low = x * y;
      if ((high == 0 && low >= 0) || (high == -1 && low < 0)) {
        return low;
      }
    }
    return normal(big(a).multiply(big(b)));
  }

  static double divide(Object a, Object b) {
    if (big(b).signum() == 0) {
      throw TemplateException.type("division by zero");
    }
    if (Math.max(big(a).bitLength(), big(b).bitLength()) <= 53) {
      return real(a) / real(b);
    }
    double quotient = new BigDecimal(big(a)).divide(new BigDecimal(big(b)), DIVISION).doubleValue();
    if (Double.isInfinite(quotient)) {
      throw TemplateException.type("integer division result too large for a float");
    }
    return quotient;
  }

  static Object floorDivide(Object a, Object b) {
    return normal(floor(a, b)[0]);
  }

  static Object modulo(Object a, Object b) {
    return normal(floor(a, b)[1]);
  }

  private static BigInteger[] floor(Object a, Object b) {
    BigInteger divisor = big(b);
    if (divisor.signum() == 0) {
      throw TemplateException.type("integer division or modulo by zero");
    }
    BigInteger[] parts = big(a).divideAndRemainder(divisor);
    if (parts[1].signum() != 0 && parts[1].signum() != divisor.signum()) {
      parts[0] = parts[0].subtract(BigInteger.ONE);
      parts[1] = parts[1].add(divisor);
    }
    return parts;
  }

  static double floorDivide(double a, double b) {
    double rest = modulo(a, b);
    double quotient = (a - (rest == 0 ? a % b : rest)) / b;
    if (quotient == 0) {
      return Math.copySign(0, a / b);
    }
    double floor = Math.floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
  }

  static double modulo(double a, double b) {
    if (b == 0) {
      throw TemplateException.type("float modulo");
    }
    double rest = a % b;
    if (rest == 0) {
      return Math.copySign(0, b);
    }
    return b < 0 != rest < 0 ? rest + b : rest;
  }

  static Object power(Budget budget, Object a, Object b) {
    if (isInt(a) && isInt(b)) {
      BigInteger base = big(a);
      BigInteger exponent = big(b);
      if (exponent.signum() < 0) {
        if (base.signum() == 0) {
          throw TemplateException.type("0.0 cannot be raised to a negative power");
        }
        return Math.pow(real(a), real(b));
      }
      if (base.bitLength() > 1) {
        budget.integer(
            exponent.bitLength() > 31
                ? Long.MAX_VALUE
                : (base.bitLength() - 1L) * exponent.intValue());
      }
      if (base.bitLength() <= 1) {
        boolean odd = exponent.testBit(0);
        boolean one = exponent.signum() == 0;
        return one
            ? 1L
            : base.signum() < 0 && base.equals(BigInteger.ONE.negate())
                ? (odd ? -1L : 1L)
                : smallPower(base, exponent, budget);
      }
      return normal(base.pow(exponent.intValue()));
    }
    double x = real(a);
    double y = real(b);
    if (x == 0 && y < 0) {
      throw TemplateException.type("0.0 cannot be raised to a negative power");
    }
    if (x < 0 && y != Math.rint(y)) {
      throw TemplateException.type("complex numbers are not supported");
    }
    double result = Math.pow(x, y);
    if (Double.isInfinite(result) && !Double.isInfinite(x) && !Double.isInfinite(y)) {
      throw TemplateException.type("(34, 'Numerical result out of range')");
    }
    return result;
  }

  /**
   * Refuses {@code a ** b ** c} where reading it from the right would give an int beyond the limit.
   * It is read from the left, as in Jinja2, but who writes {@code 10 ** 10 ** 10} means the other,
   * and the contract has it stopped.
   */
  static void checkTower(Budget budget, List<Object> operands) {
    Object tower = operands.getLast();
    for (int i = operands.size() - 2; i >= 0; i--) {
      if (!isInt(operands.get(i)) || !isInt(tower) || big(tower).signum() < 0) {
        return;
      }
      tower = power(budget, operands.get(i), tower);
    }
  }

  /** Bases of one bit: 0, 1 and -2. */
  private static Object smallPower(BigInteger base, BigInteger exponent, Budget budget) {
    if (base.signum() >= 0) {
      return normal(base);
    }
    budget.integer(exponent.bitLength() > 31 ? Long.MAX_VALUE : exponent.intValue());
    return normal(base.pow(exponent.intValue()));
  }

  /** Compares two numbers exactly; NaN is the caller's business. */
  static int compare(Object a, Object b) {
    if (a instanceof Long x && b instanceof Long y) {
      return Long.compare(x, y);
    }
    if (isInt(a) && isInt(b)) {
      return big(a).compareTo(big(b));
    }
    if (a instanceof Double x && b instanceof Double y) {
      return x < y ? -1 : x > y ? 1 : 0;
    }
    if (a instanceof Double x) {
      return -compare(b, x);
    }
    double y = (Double) b;
    return Double.isInfinite(y)
        ? (y > 0 ? -1 : 1)
        : new BigDecimal(big(a)).compareTo(new BigDecimal(y));
  }

  static String repr(Budget budget, BigInteger i) {
    budget.integer(i.bitLength());
    return i.toString();
  }

  /** The shortest digits that give the float back, with an exponent where Python writes one. */
  static String repr(double d) {
    if (Double.isNaN(d)) {
      return "nan";
    }
    if (Double.isInfinite(d)) {
      return d > 0 ? "inf" : "-inf";
    }
    if (d == 0) {
      return 1 / d < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(shortest(Math.abs(d))).stripTrailingZeros();
    String digits = exact.unscaledValue().toString();
    int exponent = digits.length() - exact.scale() - 1;
    String sign = d < 0 ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
      return sign + scientific(digits, exponent);
    }
    String plain = exact.toPlainString();
    return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
  }

  /**
   * Java writes two digits where one is enough, which only the smallest floats show: 4.9E-324 for
   * 5e-324.
   */
  private static String shortest(double d) {
    if (d < 1e-300) {
      String one = new BigDecimal(d).round(new MathContext(1, RoundingMode.HALF_EVEN)).toString();
      if (Double.parseDouble(one) == d) {
        return one;
      }
    }
    return Double.toString(d);
  }

  static String scientific(String digits, int exponent) {
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return mantissa + exponent(exponent);
  }

  static String exponent(int exponent) {
    return (exponent < 0 ? "e-" : "e+") + Escapes.padded(Integer.toString(Math.abs(exponent)), 2);
  }

  /** {@code round(value, digits)}: half to even on the exact value. */
  static Object round(Object value, int digits) {
    if (value instanceof Double d) {
      if (Double.isNaN(d) || Double.isInfinite(d) || digits > 330) {
        return d;
      }
      double rounded =
          new BigDecimal(d).setScale(Math.max(digits, -330), RoundingMode.HALF_EVEN).doubleValue();
      return rounded == 0 ? Math.copySign(0.0, d) : rounded;
    }
    if (digits >= 0) {
      return normal(big(value));
    }
    return digits < -2_000
        ? 0L
        : normal(
            new BigDecimal(big(value)).setScale(digits, RoundingMode.HALF_EVEN).toBigInteger());
  }
}
