package dev.openlora.engine.training;

import java.util.SplittableRandom;

/**
 * Where new matrices start. Every tensor has a generator of its own, made of the seed and the
 * tensor's name, so that its values hang on nothing else that is trained.
 */
record InitialValues(long seed) {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private SplittableRandom random(String name) {
    long hash = FNV_OFFSET;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash ^ name.charAt(i)) * FNV_PRIME;
    }
    return new SplittableRandom(seed ^ hash);
  }

  /** In [−bound, bound). */
  float[] uniform(String name, int count, double bound) {
    SplittableRandom random = random(name);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (bound * (2 * unit(random) - 1));
    }
    return values;
  }

  /** Of mean 0 and variance 1, after Box and Muller. */
  float[] normal(String name, int count) {
    SplittableRandom random = random(name);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - unit(random)));
      values[i] = (float) (radius * StrictMath.cos(2 * StrictMath.PI * unit(random)));
    }
    return values;
  }

  /** In [0, 1). */
  private static double unit(SplittableRandom random) {
    return (random.nextLong() >>> 11) * 0x1p-53;
  }
}
