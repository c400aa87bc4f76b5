package dev.openlora.settlement.proof;

import dev.openlora.attribution.Eip55;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;

/** An account or a contract: 20 bytes, written with the checksum of EIP-55. */
public final class Address implements Comparable<Address> {
  public static final int LENGTH = 20;
  public static final Address ZERO = new Address(new byte[LENGTH]);

  private final byte[] bytes;

  private Address(byte[] bytes) {
    this.bytes = bytes;
  }

  public static Address of(byte[] bytes) {
    if (bytes.length != LENGTH) {
      throw new IllegalArgumentException(
          "address: " + bytes.length + " bytes (expected: " + LENGTH + ")");
    }
    return new Address(bytes.clone());
  }

  /** {@code 0x} and 40 hexadecimal digits; in mixed case the checksum has to be right. */
  public static Address parse(String text) {
    if (!text.matches("0x[0-9a-fA-F]{40}")) {
      throw new IllegalArgumentException(
          "address: '" + text + "' (expected: 0x and 40 hexadecimal digits)");
    }
    Address address = new Address(HexFormat.of().parseHex(text, 2, text.length()));
    String digits = text.substring(2);
    boolean mixed =
        !digits.equals(digits.toLowerCase(Locale.ROOT))
            && !digits.equals(digits.toUpperCase(Locale.ROOT));
    if (mixed && !text.equals(address.toString())) {
      throw new IllegalArgumentException(
          "address: '" + text + "' (expected: the checksum of EIP-55, " + address + ")");
    }
    return address;
  }

  public byte[] bytes() {
    return bytes.clone();
  }

  /** In the order of their bytes as unsigned numbers: the order in which a post takes payers. */
  @Override
  public int compareTo(Address other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  void copyTo(byte[] words, int offset) {
    System.arraycopy(bytes, 0, words, offset, LENGTH);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Address that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return Eip55.spelled(bytes);
  }
}
