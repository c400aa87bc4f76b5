package dev.openlora.engine.sampling;

/**
 * Logits that give no distribution: a NaN, +Inf, or nothing above -Inf. It ends the one request
 * whose row it is; the message is for its client.
 */
public final class NonFiniteLogits extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NonFiniteLogits(String message) {
    super(message);
  }
}
