package dev.openlora.kernels;

/** The seed of a random test, printed, or {@code -Dtests.seed}. */
final class KernelSeeds {
  private KernelSeeds() {}

  static long next(String test) {
    String given = System.getProperty("tests.seed", "");
    long seed = given.matches("-?[0-9]+") ? Long.parseLong(given) : System.nanoTime();
    System.out.println(test + ": -Dtests.seed=" + seed);
    return seed;
  }
}
