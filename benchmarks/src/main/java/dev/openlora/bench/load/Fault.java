package dev.openlora.bench.load;

/**
 * Why an answer is wrong.
 *
 * @param kind what is counted together, e.g. {@code HTTP 503} or {@code token count}
 */
record Fault(String kind, String message) {
  @Override
  public String toString() {
    return kind + ": " + message;
  }
}
