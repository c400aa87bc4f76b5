package dev.openlora.attribution.datanet;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Iterator;

/**
 * The Merkle tree of RFC 6962, §2.1, with SHA-256, over rows in order; grows a row at a time and
 * keeps one digest per level.
 *
 * <pre>
 * leaf = SHA-256(0x00, row id: 32 bytes, contributor: 20 bytes, u32 length, licence in UTF-8)
 * node = SHA-256(0x01, left, right)
 * </pre>
 *
 * Order counts, so that a version's tree begins with its parent's, and later proofs can show it.
 */
final class RowTree {
  private final Deque<Peak> peaks = new ArrayDeque<>(); // smallest first
  private long size;

  /** A full subtree of {@code 1 << level} rows. */
  private record Peak(int level, byte[] digest) {}

  void add(Row row) {
    Peak peak = new Peak(0, leaf(row));
    for (Peak left; (left = peaks.peek()) != null && left.level() == peak.level(); ) {
      peaks.pop();
      peak = new Peak(left.level() + 1, node(left.digest(), peak.digest()));
    }
    peaks.push(peak);
    size++;
  }

  long size() {
    return size;
  }

  /** Hexadecimal; of an empty tree, the digest of nothing. */
  String root() {
    Iterator<Peak> fromSmallest = peaks.iterator();
    if (!fromSmallest.hasNext()) {
      return Sha256.hex(new byte[0]);
    }
    byte[] root = fromSmallest.next().digest();
    while (fromSmallest.hasNext()) {
      root = node(fromSmallest.next().digest(), root);
    }
    return HexFormat.of().formatHex(root);
  }

  private static byte[] leaf(Row row) {
    byte[] licence = row.licence().getBytes(StandardCharsets.UTF_8);
    MessageDigest sha256 = Sha256.start();
    sha256.update((byte) 0x00);
    sha256.update(row.id().bytes());
    sha256.update(row.contributor().bytes());
    sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, licence.length));
    return sha256.digest(licence);
  }

  private static byte[] node(byte[] left, byte[] right) {
    MessageDigest sha256 = Sha256.start();
    sha256.update((byte) 0x01);
    sha256.update(left);
    return sha256.digest(right);
  }
}
