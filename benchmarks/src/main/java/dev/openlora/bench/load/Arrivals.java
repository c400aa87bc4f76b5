package dev.openlora.bench.load;

import java.util.Random;

/** When requests are sent. */
sealed interface Arrivals {
  /** A fixed number of callers, each with one request at a time. */
  record Closed(int callers) implements Arrivals {}

  /**
   * At random moments that do not depend on the server: a Poisson process.
   *
   * @param perSecond the mean
   * @param openMax requests that may be open at once; those over it wait, and their wait counts
   */
  record Open(double perSecond, int openMax, long seed) implements Arrivals {
    /** Nanoseconds after the begin, ascending; [requests] */
    long[] moments(int requests) {
      Random random = new Random(seed);
      long[] moments = new long[requests];
      double seconds = 0;
      for (int i = 0; i < requests; i++) {
        moments[i] = Math.round(seconds * 1e9);
        seconds += -Math.log(1 - random.nextDouble()) / perSecond;
      }
      return moments;
    }
  }
}
