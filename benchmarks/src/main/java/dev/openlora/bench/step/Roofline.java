package dev.openlora.bench.step;

/**
 * What the machine was measured to do.
 *
 * @param streamBytes per second that all threads read from memory
 * @param productFlops per second of the best matrix product
 */
record Roofline(double streamBytes, double productFlops) {
  Roofline {
    if (!(streamBytes > 0) || !(productFlops > 0)) {
      throw new IllegalArgumentException(
          "roofline: " + streamBytes + " bytes/s, " + productFlops + " flop/s (expected: above 0)");
    }
  }

  /** Work that reads memory and multiplies at the same time. */
  double seconds(Work work) {
    return Math.max(work.bytes() / streamBytes, work.flops() / productFlops);
  }

  /** What one phase of a step reads and multiplies. */
  record Work(double bytes, double flops) {}
}
