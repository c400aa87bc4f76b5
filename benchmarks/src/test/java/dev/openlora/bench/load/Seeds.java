package dev.openlora.bench.load;

/** The seed of a random test, printed, or {@code -Dtests.seed}. */
final class Seeds {
  private Seeds() {}

  static long next(String test) {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
    System.out.println(test + ": -Dtests.seed=" + seed);
    return seed;
  }
}
