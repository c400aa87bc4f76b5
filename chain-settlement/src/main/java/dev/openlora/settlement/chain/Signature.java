package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Bytes32;

/**
 * A signature by a key on a digest.
 *
 * @param yParity 0 or 1
 */
public record Signature(Bytes32 r, Bytes32 s, int yParity) {
  private static final int V_OFFSET = 27;

  public Signature {
    if (yParity != 0 && yParity != 1) {
      throw new IllegalArgumentException("yParity: " + yParity + " (expected: 0 or 1)");
    }
    if (s.bytes()[0] < 0) {
      throw new IllegalArgumentException("s: " + s + " (expected: the lower of the two)");
    }
  }

  /** r, s and v, 65 bytes. */
  public byte[] bytes() {
    byte[] bytes = new byte[2 * Bytes32.LENGTH + 1];
    System.arraycopy(r.bytes(), 0, bytes, 0, Bytes32.LENGTH);
    System.arraycopy(s.bytes(), 0, bytes, Bytes32.LENGTH, Bytes32.LENGTH);
    bytes[2 * Bytes32.LENGTH] = (byte) (V_OFFSET + yParity);
    return bytes;
  }

  /** s with the parity in its highest bit (EIP-2098). */
  public Bytes32 vs() {
    byte[] bytes = s.bytes();
    bytes[0] |= (byte) (yParity << 7);
    return Bytes32.of(bytes);
  }
}
