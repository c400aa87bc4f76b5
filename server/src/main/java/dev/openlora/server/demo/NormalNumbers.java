package dev.openlora.server.demo;

import java.util.Random;
import java.util.SplittableRandom;

/**
 * Normal random numbers, 16 bits of randomness each, drawn from a table: a billion weights take
 * seconds, and the same seed and name give the same numbers on every machine. One thread.
 */
final class NormalNumbers {
  private static final float[] TABLE = table();

  private final SplittableRandom bits;
  private long pool;
  private int left;

  NormalNumbers(long seed, String name) {
    long mixed = seed;
    for (int i = 0; i < name.length(); i++) {
      mixed = mixed * 6364136223846793005L + name.charAt(i) + 1442695040888963407L;
    }
    bits = new SplittableRandom(mixed);
  }

  float next() {
    if (left == 0) {
      pool = bits.nextLong();
      left = 4;
    }
    left--;
    int index = (int) (pool & 0xFFFF);
    pool >>>= 16;
    return TABLE[index];
  }

  private static float[] table() {
    Random random = new Random(20_25);
    float[] values = new float[1 << 16];
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
      sum += values[i];
      squares += values[i] * (double) values[i];
    }
    double mean = sum / values.length;
    double deviation = Math.sqrt(squares / values.length - mean * mean);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((values[i] - mean) / deviation);
    }
    return values;
  }
}
