package dev.openlora.settlement.proof;

import java.util.Arrays;
import java.util.HexFormat;

/** 32 bytes: a hash, a root, a request id. */
public final class Bytes32 implements Comparable<Bytes32> {
  public static final int LENGTH = 32;
  public static final Bytes32 ZERO = new Bytes32(new byte[LENGTH]);

  private final byte[] bytes;

  private Bytes32(byte[] bytes) {
    this.bytes = bytes;
  }

  public static Bytes32 of(byte[] bytes) {
    if (bytes.length != LENGTH) {
      throw new IllegalArgumentException(
          "bytes32: " + bytes.length + " bytes (expected: " + LENGTH + ")");
    }
    return new Bytes32(bytes.clone());
  }

  /** {@code 0x} and 64 hexadecimal digits. */
  public static Bytes32 parse(String text) {
    if (!text.matches("0x[0-9a-fA-F]{64}")) {
      throw new IllegalArgumentException(
          "bytes32: '" + text + "' (expected: 0x and 64 hexadecimal digits)");
    }
    return new Bytes32(HexFormat.of().parseHex(text, 2, text.length()));
  }

  public byte[] bytes() {
    return bytes.clone();
  }

  /** In the order of their bytes as unsigned numbers, as Solidity compares them. */
  @Override
  public int compareTo(Bytes32 other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  void copyTo(byte[] words, int offset) {
    System.arraycopy(bytes, 0, words, offset, LENGTH);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes32 that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "0x" + HexFormat.of().formatHex(bytes);
  }
}
