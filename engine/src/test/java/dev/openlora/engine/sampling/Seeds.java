package dev.openlora.engine.sampling;

/** The seed of a random test, printed, or {@code -Dtests.seed}. */
public final class Seeds {
  private Seeds() {}

  public static long next(String test) {
    return next(test, System.nanoTime());
  }

  /** For a test that compares tokens: at a tie of two log-probs, float noise alone may decide. */
  public static long next(String test, long otherwise) {
    String given = System.getProperty("tests.seed", "");
    long seed = given.isEmpty() ? otherwise : Long.parseLong(given);
    System.out.println(test + ": -Dtests.seed=" + seed);
    return seed;
  }
}
