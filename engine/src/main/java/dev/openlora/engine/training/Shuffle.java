package dev.openlora.engine.training;

/**
 * Fisher-Yates with SplitMix64, written out so that an order is the same on every JDK: a run that
 * was stopped goes on with the examples that it would have had.
 */
final class Shuffle {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private Shuffle() {}

  /** The numbers from 0 to size − 1 in the order of an epoch. */
  static int[] order(int size, long seed, long epoch) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    long state = mix(mix(seed + GAMMA) + (epoch + 1) * GAMMA);
    for (int i = size - 1; i > 0; i--) {
      state += GAMMA;
      int other = (int) Math.unsignedMultiplyHigh(mix(state), i + 1L);
      int kept = order[i];
      order[i] = order[other];
      order[other] = kept;
    }
    return order;
  }

  private static long mix(long bits) {
    long z = bits;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
