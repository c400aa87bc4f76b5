package dev.openlora.attribution.datanet;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** SHA-256, and how a digest is written: 64 lower-case hexadecimal digits. */
final class Sha256 {
  static final int BYTES = 32;
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

  private Sha256() {}

  static MessageDigest start() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  static String hex(byte[] content) {
    return HexFormat.of().formatHex(start().digest(content));
  }

  static String checked(String field, String hex) {
    if (!HEX.matcher(hex).matches()) {
      throw new IllegalArgumentException(
          field + ": '" + Excerpt.of(hex) + "' (expected: 64 lower-case hexadecimal digits)");
    }
    return hex;
  }
}
