package dev.openlora.bench.plot;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;

/**
 * Values from least to most, drawn between two pixels, evenly or by their logarithms. Immutable.
 */
record Axis(double least, double most, double first, double last, boolean logarithmic) {
  private static final int TICKS = 6;

  static Axis linear(double least, double most, double first, double last) {
    return new Axis(least, most > least ? most : least + 1, first, last, false);
  }

  /** Both ends above 0; they grow to 1, 2 or 5 of a power of ten. */
  static Axis logarithmic(double least, double most, double first, double last) {
    double begin = floor(least);
    double end = ceiling(most);
    return new Axis(begin, end > begin ? end : begin * 10, first, last, true);
  }

  /** The least of 1, 2 and 5 of a power of ten that holds a value; 1 for none above 0. */
  static double ceiling(double value) {
    if (!(value > 0)) {
      return 1;
    }
    double power = power(value);
    double digit = value / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  }

  private static double floor(double value) {
    double power = power(value);
    double digit = value / power;
    return power * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
  }

  private static double power(double value) {
    return Math.pow(10, Math.floor(Math.log10(value)));
  }

  double at(double value) {
    double share =
        logarithmic
            ? Math.log(value / least) / Math.log(most / least)
            : (value - least) / (most - least);
    return first + share * (last - first);
  }

  /** Round values within. */
  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    if (logarithmic) {
      int steps = (int) Math.round(Math.log10(most / least) * 3);
      // Over four powers of ten, only these have a name.
      double[] digits = steps > 12 ? new double[] {1} : new double[] {1, 2, 5};
      for (double power = power(least); power <= most * 1.001; power *= 10) {
        for (double digit : digits) {
          double tick = power * digit;
          if (tick >= least * 0.999 && tick <= most * 1.001) {
            ticks.add(tick);
          }
        }
      }
      return ticks;
    }
    double stride = ceiling((most - least) / TICKS);
    for (long i = (long) Math.ceil(least / stride); i * stride <= most * (1 + 1e-12); i++) {
      ticks.add(i * stride);
    }
    return ticks;
  }

  /** Three digits: 0.25, 31.5, 1020. */
  static String number(double value) {
    BigDecimal digits = new BigDecimal(value).round(new MathContext(3, RoundingMode.HALF_EVEN));
    return digits.signum() == 0
        ? "0"
        : Math.abs(value) >= 1000
            ? String.valueOf(Math.round(value))
            : digits.stripTrailingZeros().toPlainString();
  }
}
