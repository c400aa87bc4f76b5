package dev.openlora.attribution;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.bouncycastle.crypto.digests.KeccakDigest;

/** How an Ethereum address is written: EIP-55, where the case of its letters is a checksum. */
public final class Eip55 {
  private static final int BITS = 256;

  private Eip55() {}

  /** {@code 0x} and the hexadecimal digits of these bytes, of which an address has 20. */
  public static String spelled(byte[] address) {
    char[] digits = HexFormat.of().formatHex(address).toCharArray();
    byte[] ascii = new String(digits).getBytes(StandardCharsets.US_ASCII);
    KeccakDigest keccak = new KeccakDigest(BITS);
    keccak.update(ascii, 0, ascii.length);
    byte[] sum = new byte[keccak.getDigestSize()];
    keccak.doFinal(sum, 0);
    for (int i = 0; i < digits.length; i++) {
      int half = (sum[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xF;
      if (half >= 8) {
        digits[i] = Character.toUpperCase(digits[i]);
      }
    }
    return "0x" + new String(digits);
  }
}
