package dev.openlora.attribution.lineage;

import dev.openlora.attribution.MerkleTree;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The Merkle root over a set of row ids, whatever their order: that of the {@link MerkleTree} over
 * the sorted ids. A row that stands there twice counts twice.
 */
public final class RowsRoot {
  private static final int ID_BYTES = 32;

  private RowsRoot() {}

  /** 64 lower-case hexadecimal digits; of no rows, SHA-256 of nothing. */
  public static String of(List<byte[]> ids) {
    List<byte[]> sorted = new ArrayList<>(ids);
    sorted.sort(Arrays::compareUnsigned);
    MerkleTree tree = new MerkleTree();
    for (byte[] id : sorted) {
      if (id.length != ID_BYTES) {
        throw new IllegalArgumentException(
            "id: " + id.length + " bytes (expected: " + ID_BYTES + ")");
      }
      tree.add(id);
    }
    return tree.root();
  }
}
