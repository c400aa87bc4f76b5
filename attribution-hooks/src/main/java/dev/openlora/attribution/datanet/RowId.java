package dev.openlora.attribution.datanet;

import java.util.HexFormat;

/**
 * The name of a row: SHA-256 of its content's {@linkplain RowContent canonical bytes}, as 64
 * lower-case hexadecimal digits. The same content is the same row, whoever brings it, in whichever
 * file format.
 */
public record RowId(String hex) {
  public RowId {
    Sha256.checked("id", hex);
  }

  public static RowId of(RowContent content) {
    return new RowId(Sha256.hex(content.canonicalBytes()));
  }

  /** The 32 bytes. */
  public byte[] bytes() {
    return HexFormat.of().parseHex(hex);
  }

  @Override
  public String toString() {
    return hex;
  }
}
