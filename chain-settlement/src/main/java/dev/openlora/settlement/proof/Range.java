package dev.openlora.settlement.proof;

import java.math.BigInteger;

/** Refuses numbers that the contracts' types cannot hold. */
final class Range {
  private Range() {}

  static BigInteger unsigned(String field, BigInteger value, int bits) {
    if (value.signum() < 0 || value.bitLength() > bits) {
      throw new IllegalArgumentException(
          field + ": " + value + " (expected: 0.." + BigInteger.TWO.pow(bits) + " - 1)");
    }
    return value;
  }

  static long notNegative(String field, long value) {
    if (value < 0) {
      throw new IllegalArgumentException(field + ": " + value + " (expected: at least 0)");
    }
    return value;
  }
}
