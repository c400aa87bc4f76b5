package dev.openlora.engine.sampling;

/**
 * Random numbers without a state: the number is a function of the seed and the position of the
 * token. So a sequence draws the same tokens whoever shares its batch, and again after a
 * preemption. The mixing is SplitMix64's finalizer, once for the seed and once for the position, so
 * that neighbouring seeds are as unlike as neighbouring positions.
 */
final class CounterRandom {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private CounterRandom() {}

  /** Uniform in [0, 1), in steps of 2^-53. */
  static double uniform(long seed, int position) {
    long stream = mix(seed + GAMMA);
    return (mix(stream + (position + 1L) * GAMMA) >>> 11) * 0x1p-53;
  }

  private static long mix(long bits) {
    long z = bits;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
