package dev.openlora.attribution.datanet;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.digests.KeccakDigest;

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
    String right = checksummed(lower);
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

  private static String checksummed(String lower) {
    KeccakDigest keccak = new KeccakDigest(256);
    byte[] ascii = lower.getBytes(StandardCharsets.US_ASCII);
    keccak.update(ascii, 0, ascii.length);
    byte[] hash = new byte[keccak.getDigestSize()];
    keccak.doFinal(hash, 0);
    StringBuilder spelled = new StringBuilder("0x");
    for (int i = 0; i < lower.length(); i++) {
      int nibble = (hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xF;
      spelled.append(nibble >= 8 ? Character.toUpperCase(lower.charAt(i)) : lower.charAt(i));
    }
    return spelled.toString();
  }
}
