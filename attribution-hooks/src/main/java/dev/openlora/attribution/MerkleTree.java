package dev.openlora.attribution;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Iterator;

/**
 * The Merkle tree of RFC 6962, §2.1, with SHA-256, over leaves in order; grows a leaf at a time and
 * keeps one digest per level. One thread.
 *
 * <pre>
 * leaf = SHA-256(0x00, content)
 * node = SHA-256(0x01, left, right); left is the largest full subtree
 * </pre>
 */
public final class MerkleTree {
  private final MessageDigest sha256;
  private final Deque<Peak> peaks = new ArrayDeque<>(); // smallest first
  private long size;

  /** A full subtree of {@code 1 << level} leaves. */
  private record Peak(int level, byte[] digest) {}

  public MerkleTree() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Adds a leaf whose content is these parts, one after another. */
  public void add(byte[]... parts) {
    sha256.update((byte) 0x00);
    for (byte[] part : parts) {
      sha256.update(part);
    }
    Peak peak = new Peak(0, sha256.digest());
    for (Peak left; (left = peaks.peek()) != null && left.level() == peak.level(); ) {
      peaks.pop();
      peak = new Peak(left.level() + 1, node(left.digest(), peak.digest()));
    }
    peaks.push(peak);
    size++;
  }

  /** How many leaves there are. */
  public long size() {
    return size;
  }

  /** 64 lower-case hexadecimal digits; of an empty tree, the digest of nothing. */
  public String root() {
    Iterator<Peak> fromSmallest = peaks.iterator();
    byte[] root = fromSmallest.hasNext() ? fromSmallest.next().digest() : sha256.digest();
    while (fromSmallest.hasNext()) {
      root = node(fromSmallest.next().digest(), root);
    }
    return HexFormat.of().formatHex(root);
  }

  private byte[] node(byte[] left, byte[] right) {
    sha256.update((byte) 0x01);
    sha256.update(left);
    return sha256.digest(right);
  }
}
