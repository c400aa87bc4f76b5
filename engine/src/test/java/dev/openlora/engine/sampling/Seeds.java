package dev.openlora.engine.sampling;

/** The seed of a random test, printed, or {@code -Dtests.seed}. */
public final class Seeds {
  private Seeds() {}

  public static long next(String test) {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? System.nanoTime() : Long.parseLong(given);
    System.out.println(test + ": -Dtests.seed=" + seed);
    return seed;
  }
}
