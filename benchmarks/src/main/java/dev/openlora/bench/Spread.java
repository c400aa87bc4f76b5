package dev.openlora.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The median of repeated measurements, and how far they lie apart. Immutable. */
public record Spread(double median, double min, double max) {
  public static Spread of(List<Double> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("values: none (expected: at least one)");
    }
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%8.1f  [%.1f–%.1f]", median, min, max);
  }
}
