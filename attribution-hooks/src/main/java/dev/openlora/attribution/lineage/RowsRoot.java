package dev.openlora.attribution.lineage;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * The Merkle root over a set of row ids, whatever their order: RFC 6962's tree over the sorted ids
 * (a leaf is SHA-256 of 0x00 and the id, a node that of 0x01 and both children; the left subtree is
 * the largest power of two). A row that stands there twice counts twice.
 */
public final class RowsRoot {
  private static final int ID_BYTES = 32;

  private RowsRoot() {}

  /** 64 lower-case hexadecimal digits; of no rows, SHA-256 of nothing. */
  public static String of(List<byte[]> ids) {
    MessageDigest sha256 = sha256();
    List<byte[]> sorted = new ArrayList<>(ids);
    sorted.sort(Arrays::compareUnsigned);
    List<byte[]> leaves = new ArrayList<>(sorted.size());
    for (byte[] id : sorted) {
      if (id.length != ID_BYTES) {
        throw new IllegalArgumentException(
            "id: " + id.length + " bytes (expected: " + ID_BYTES + ")");
      }
      sha256.update((byte) 0);
      leaves.add(sha256.digest(id));
    }
    byte[] root = leaves.isEmpty() ? sha256.digest() : root(leaves, sha256);
    return HexFormat.of().formatHex(root);
  }

  private static byte[] root(List<byte[]> leaves, MessageDigest sha256) {
    if (leaves.size() == 1) {
      return leaves.getFirst();
    }
    int left = Integer.highestOneBit(leaves.size() - 1);
    byte[] first = root(leaves.subList(0, left), sha256);
    byte[] second = root(leaves.subList(left, leaves.size()), sha256);
    sha256.update((byte) 1);
    sha256.update(first);
    return sha256.digest(second);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
