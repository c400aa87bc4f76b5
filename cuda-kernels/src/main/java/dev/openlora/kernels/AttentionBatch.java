package dev.openlora.kernels;

/**
 * Which rows of a batch belong to which sequence and where its keys and values lie. Sequence s has
 * the rows [queryStarts[s], queryStarts[s + 1]), which are the last ones of its kvLengths[s]
 * positions; position p lies in page pageTables[s][p / pageSize] at slot p % pageSize.
 */
public record AttentionBatch(int[] queryStarts, int[] kvLengths, int[][] pageTables) {
  public AttentionBatch {
    if (queryStarts.length != kvLengths.length + 1 || pageTables.length != kvLengths.length) {
      throw new IllegalArgumentException(
          "attention batch: "
              + queryStarts.length
              + " starts, "
              + kvLengths.length
              + " lengths, "
              + pageTables.length
              + " page tables (expected: sequences + 1, sequences, sequences)");
    }
  }

  public int sequences() {
    return kvLengths.length;
  }

  public int rows() {
    return queryStarts[kvLengths.length];
  }

  public int queryRows(int sequence) {
    return queryStarts[sequence + 1] - queryStarts[sequence];
  }
}
