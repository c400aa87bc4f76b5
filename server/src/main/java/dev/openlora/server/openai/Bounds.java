package dev.openlora.server.openai;

/** The range of a number, and how a sentence says it: {@code temperature must be in [0, 2]}. */
record Bounds(double low, boolean lowIncluded, double high, boolean highIncluded, String words) {
  /** {@code [low, high]} */
  static Bounds closed(double low, double high) {
    return new Bounds(low, true, high, true, "in [" + plain(low) + ", " + plain(high) + "]");
  }

  /** {@code (low, high]} */
  static Bounds above(double low, double high) {
    return new Bounds(low, false, high, true, "in (" + plain(low) + ", " + plain(high) + "]");
  }

  static Bounds atLeast(long low) {
    return new Bounds(low, true, Long.MAX_VALUE, true, "at least " + low);
  }

  Bounds said(String otherWords) {
    return new Bounds(low, lowIncluded, high, highIncluded, otherWords);
  }

  boolean contains(double value) {
    return (lowIncluded ? value >= low : value > low)
        && (highIncluded ? value <= high : value < high);
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
