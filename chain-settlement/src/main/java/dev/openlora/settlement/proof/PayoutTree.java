package dev.openlora.settlement.proof;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * The tree of what every beneficiary has earned over the life of the contract. Its nodes hash their
 * children in sorted order, as OpenZeppelin's MerkleProof checks them; leaves are hashed twice and
 * stand in the order of their hashes.
 */
public final class PayoutTree {
  private final List<List<Bytes32>> rows = new ArrayList<>();
  private final Map<Address, Bytes32> leaves = new HashMap<>();
  private final BigInteger total;

  /**
   * @param cumulative by beneficiary, in the smallest unit of the asset; at least one entry
   */
  public PayoutTree(SortedMap<Address, BigInteger> cumulative) {
    if (cumulative.isEmpty()) {
      throw new IllegalArgumentException("payouts: none (expected: at least 1)");
    }
    BigInteger sum = BigInteger.ZERO;
    for (Map.Entry<Address, BigInteger> payout : cumulative.entrySet()) {
      leaves.put(payout.getKey(), leaf(payout.getKey(), payout.getValue()));
      sum = sum.add(payout.getValue());
    }
    total = Range.unsigned("sum of the payouts", sum, 128);
    List<Bytes32> row = new ArrayList<>(leaves.values());
    row.sort(null);
    rows.add(row);
    while (row.size() > 1) {
      List<Bytes32> above = new ArrayList<>((row.size() + 1) / 2);
      for (int i = 0; i < row.size(); i += 2) {
        above.add(i + 1 < row.size() ? node(row.get(i), row.get(i + 1)) : row.get(i));
      }
      row = above;
      rows.add(row);
    }
  }

  public static Bytes32 leaf(Address beneficiary, BigInteger cumulative) {
    Bytes32 once =
        new Keccak.Words(2)
            .add(beneficiary)
            .add(Range.unsigned("cumulative", cumulative, 256))
            .hash();
    return Keccak.of(once.bytes());
  }

  private static Bytes32 node(Bytes32 a, Bytes32 b) {
    boolean rising = a.compareTo(b) < 0;
    return new Keccak.Words(2).add(rising ? a : b).add(rising ? b : a).hash();
  }

  public Bytes32 root() {
    return rows.getLast().getFirst();
  }

  /** The sum of all leaves. */
  public BigInteger total() {
    return total;
  }

  /** Siblings from the leaf up. */
  public List<Bytes32> proof(Address beneficiary) {
    Bytes32 leaf = leaves.get(beneficiary);
    if (leaf == null) {
      throw new IllegalArgumentException(
          "beneficiary: " + beneficiary + " (expected: one of the tree's " + leaves.size() + ")");
    }
    List<Bytes32> siblings = new ArrayList<>();
    int at = java.util.Collections.binarySearch(rows.getFirst(), leaf);
    for (List<Bytes32> row : rows.subList(0, rows.size() - 1)) {
      int other = at ^ 1;
      if (other < row.size()) {
        siblings.add(row.get(other));
      }
      at /= 2;
    }
    return siblings;
  }
}
