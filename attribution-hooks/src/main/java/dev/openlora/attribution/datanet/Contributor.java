package dev.openlora.attribution.datanet;

import dev.openlora.attribution.Eip55;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Who brought a row and is paid for it: an Ethereum address, kept in its EIP-55 spelling. All lower
 * and all upper case are taken as they are; mixed case must be the right checksum.
 */
public record Contributor(String address) implements Comparable<Contributor> {
  private static final Pattern SHAPE = Pattern.compile("0x[0-9a-fA-F]{40}");
  private static final int BYTES = 20;

  public Contributor {
    if (!SHAPE.matcher(address).matches()) {
      throw new IllegalArgumentException(
          "contributor: '"
              + Excerpt.of(address)
              + "' (expected: an address, 0x and 40 hexadecimal digits)");
    }
    String digits = address.substring(2);
    String lower = digits.toLowerCase(Locale.ROOT);
    String right = Eip55.spelled(HexFormat.of().parseHex(lower));
    if (!digits.equals(lower)
        && !digits.equals(digits.toUpperCase(Locale.ROOT))
        && !address.equals(right)) {
      throw new IllegalArgumentException(
          "contributor: '"
              + address
              + "' has a wrong checksum (expected: "
              + right
              + ", if no digit is mistyped)");
    }
    if (lower.chars().allMatch(c -> c == '0')) {
      throw new IllegalArgumentException(
          "contributor: the zero address (expected: one that somebody holds)");
    }
    address = right;
  }

  /** The 20 bytes. */
  public byte[] bytes() {
    return HexFormat.of().parseHex(address, 2, 2 + 2 * BYTES);
  }

  @Override
  public int compareTo(Contributor other) {
    return address.compareToIgnoreCase(other.address);
  }

  @Override
  public String toString() {
    return address;
  }
}
