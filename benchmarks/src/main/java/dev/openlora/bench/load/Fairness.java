package dev.openlora.bench.load;

import java.util.stream.DoubleStream;

/** Jain's index of fairness: 1 when all got the same, 1/n when one got everything. */
final class Fairness {
  private Fairness() {}

  /** (Σx)² / (n Σx²); 1 for shares that are all 0, and for none. */
  static double jain(double[] shares) {
    double sum = DoubleStream.of(shares).sum();
    double squares = DoubleStream.of(shares).map(x -> x * x).sum();
    return squares == 0 ? 1 : sum * sum / (shares.length * squares);
  }
}
