package dev.openlora.bench.load;

import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * Which adapters requests go to.
 *
 * @param exponent of {@link Kind#ZIPF}, else 0
 */
record Popularity(Kind kind, double exponent) {
  static final String FORMS =
      "base, identical, distinct, uniform or zipf:<exponent>, e.g. zipf:1.1";

  enum Kind {
    /** None. */
    BASE,
    /** One for all. */
    IDENTICAL,
    /** Each in turn. */
    DISTINCT,
    /** Any, by chance. */
    UNIFORM,
    /** By chance, the i-th in proportion to 1 / i^exponent. */
    ZIPF
  }

  /**
   * @throws IllegalArgumentException for another text than {@link #FORMS}
   */
  static Popularity parse(String option, String text) {
    if (text.matches("zipf:[0-9]{1,3}(\\.[0-9]{1,6})?")) {
      return new Popularity(Kind.ZIPF, Double.parseDouble(text.substring("zipf:".length())));
    }
    for (Kind kind : Kind.values()) {
      if (kind != Kind.ZIPF && kind.name().toLowerCase(Locale.ROOT).equals(text)) {
        return new Popularity(kind, 0);
      }
    }
    throw new IllegalArgumentException(option + ": '" + text + "' (expected: " + FORMS + ")");
  }

  boolean needsAdapters() {
    return kind != Kind.BASE;
  }

  /** The adapter of each request, as {@link Ask#adapter}; [requests] */
  int[] draw(int requests, int adapters, RandomGenerator random) {
    if (needsAdapters() && adapters < 1) {
      throw new IllegalArgumentException("adapters: " + adapters + " (expected: at least 1)");
    }
    int[] drawn = new int[requests];
    double[] cumulative = kind == Kind.ZIPF ? cumulative(adapters) : new double[0];
    for (int i = 0; i < requests; i++) {
      drawn[i] =
          switch (kind) {
            case BASE -> Ask.BASE;
            case IDENTICAL -> 0;
            case DISTINCT -> i % adapters;
            case UNIFORM -> random.nextInt(adapters);
            case ZIPF -> place(cumulative, random.nextDouble());
          };
    }
    return drawn;
  }

  /** Shares of the law, summed up; the last is 1. */
  private double[] cumulative(int adapters) {
    double[] sums = new double[adapters];
    double sum = 0;
    for (int i = 0; i < adapters; i++) {
      sum += Math.pow(i + 1, -exponent);
      sums[i] = sum;
    }
    for (int i = 0; i < adapters; i++) {
      sums[i] /= sum;
    }
    return sums;
  }

  private static int place(double[] cumulative, double drawn) {
    int found = java.util.Arrays.binarySearch(cumulative, drawn);
    return Math.min(cumulative.length - 1, found < 0 ? -found - 1 : found + 1);
  }

  @Override
  public String toString() {
    String name = kind.name().toLowerCase(Locale.ROOT);
    return kind == Kind.ZIPF ? name + ":" + exponent : name;
  }
}
