package dev.openlora.attribution.datanet;

import dev.openlora.attribution.MerkleTree;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The {@link MerkleTree} over rows in order. A leaf is the row's id (32 bytes), its contributor (20
 * bytes), and the length (u32) and the UTF-8 of its licence.
 *
 * <p>Order counts, so that a version's tree begins with its parent's, and later proofs can show it.
 */
final class RowTree {
  private final MerkleTree tree = new MerkleTree();

  void add(Row row) {
    byte[] licence = row.licence().getBytes(StandardCharsets.UTF_8);
    byte[] length = ByteBuffer.allocate(Integer.BYTES).putInt(licence.length).array();
    tree.add(row.id().bytes(), row.contributor().bytes(), length, licence);
  }

  long size() {
    return tree.size();
  }

  /** Hexadecimal; of an empty tree, the digest of nothing. */
  String root() {
    return tree.root();
  }
}
