package dev.openlora.settlement.proof;

import java.util.ArrayList;
import java.util.List;

/**
 * The tree whose root the settlement contract computes itself from the debits of a post: leaves in
 * their order, node = keccak(left, right), the last of an odd row goes up as it is.
 */
public final class DebitTree {
  /**
   * Where a leaf stands.
   *
   * @param siblings from the leaf up
   * @param path bit i set: sibling i is on the left
   */
  public record Proof(List<Bytes32> siblings, long path) {}

  private final List<List<Bytes32>> rows = new ArrayList<>();

  /**
   * @param debits in rising order of their payers, each payer once
   */
  public DebitTree(List<Debit> debits) {
    if (debits.isEmpty()) {
      throw new IllegalArgumentException("debits: none (expected: at least 1)");
    }
    for (int i = 1; i < debits.size(); i++) {
      if (debits.get(i - 1).payer().compareTo(debits.get(i).payer()) >= 0) {
        throw new IllegalArgumentException(
            "debits: payer "
                + debits.get(i).payer()
                + " after "
                + debits.get(i - 1).payer()
                + " (expected: rising, each once)");
      }
    }
    List<Bytes32> row = new ArrayList<>(debits.stream().map(Debit::leaf).toList());
    rows.add(row);
    while (row.size() > 1) {
      List<Bytes32> above = new ArrayList<>((row.size() + 1) / 2);
      for (int i = 0; i < row.size(); i += 2) {
        above.add(
            i + 1 < row.size()
                ? new Keccak.Words(2).add(row.get(i)).add(row.get(i + 1)).hash()
                : row.get(i));
      }
      row = above;
      rows.add(row);
    }
  }

  public Bytes32 root() {
    return rows.getLast().getFirst();
  }

  public Proof proof(int index) {
    if (index < 0 || index >= rows.getFirst().size()) {
      throw new IllegalArgumentException(
          "index: " + index + " (expected: 0.." + (rows.getFirst().size() - 1) + ")");
    }
    List<Bytes32> siblings = new ArrayList<>();
    long path = 0;
    int at = index;
    for (List<Bytes32> row : rows.subList(0, rows.size() - 1)) {
      int other = at ^ 1;
      if (other < row.size()) {
        if (other < at) {
          path |= 1L << siblings.size();
        }
        siblings.add(row.get(other));
      }
      at /= 2;
    }
    return new Proof(siblings, path);
  }
}
