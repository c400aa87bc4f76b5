package dev.openlora.settlement.proof;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The Merkle-sum tree over one payer's receipts in a batch. A leaf binds a receipt and its amount
 * to the payer's sequence number, so a receipt can be neither dropped, moved nor charged twice
 * without another root; a node binds the sums of its children, so the root's sum is the debit.
 *
 * <p>leaf = keccak(seq, receiptHash, amount), node = keccak(left, leftSum, right, rightSum); the
 * last of an odd row goes up as it is.
 */
public final class ReceiptTree {
  /** A hash and the amount below it. */
  public record Sum(Bytes32 hash, BigInteger sum) {
    Sum with(Sum right) {
      return new Sum(
          new Keccak.Words(4).add(hash).add(sum).add(right.hash).add(right.sum).hash(),
          sum.add(right.sum));
    }
  }

  /** A receipt's hash and amount, in the order of the sequence numbers. */
  public record Entry(Bytes32 receiptHash, BigInteger amount) {
    public Entry {
      Range.unsigned("amount", amount, 96);
    }

    public static Entry of(Receipt receipt) {
      return new Entry(receipt.hash(), receipt.amount());
    }
  }

  private final List<List<Sum>> rows = new ArrayList<>();

  /**
   * @param firstSeq the sequence number of the first receipt
   * @param entries at least one; their sum fits 96 bits
   */
  public ReceiptTree(long firstSeq, List<Entry> entries) {
    if (entries.isEmpty()) {
      throw new IllegalArgumentException("receipts: none (expected: at least 1)");
    }
    List<Sum> row = new ArrayList<>(entries.size());
    for (int i = 0; i < entries.size(); i++) {
      row.add(leaf(firstSeq + i, entries.get(i)));
    }
    rows.add(row);
    while (row.size() > 1) {
      row = above(row);
      rows.add(row);
    }
    Range.unsigned("sum of the receipts", sum(), 96);
  }

  public static Sum leaf(long seq, Entry entry) {
    return new Sum(
        new Keccak.Words(3).add(seq).add(entry.receiptHash()).add(entry.amount()).hash(),
        entry.amount());
  }

  private static List<Sum> above(List<Sum> row) {
    List<Sum> above = new ArrayList<>((row.size() + 1) / 2);
    for (int i = 0; i < row.size(); i += 2) {
      above.add(i + 1 < row.size() ? row.get(i).with(row.get(i + 1)) : row.get(i));
    }
    return above;
  }

  public Bytes32 root() {
    return rows.getLast().getFirst().hash();
  }

  /** What the payer is charged. */
  public BigInteger sum() {
    return rows.getLast().getFirst().sum();
  }

  public int count() {
    return rows.getFirst().size();
  }

  /** The siblings of a leaf from below; rows where it goes up alone have none. */
  public List<Sum> siblings(int index) {
    if (index < 0 || index >= count()) {
      throw new IllegalArgumentException(
          "index: " + index + " (expected: 0.." + (count() - 1) + ")");
    }
    List<Sum> siblings = new ArrayList<>();
    int at = index;
    for (List<Sum> row : rows.subList(0, rows.size() - 1)) {
      Sum sibling = sibling(row, at);
      if (sibling != null) {
        siblings.add(sibling);
      }
      at /= 2;
    }
    return siblings;
  }

  private static @Nullable Sum sibling(List<Sum> row, int at) {
    int other = at ^ 1;
    return other < row.size() ? row.get(other) : null;
  }

  /**
   * The root that a leaf and its siblings lead to, in a tree of {@code count} leaves.
   *
   * @throws IllegalArgumentException if the siblings are not as many as the place asks for
   */
  public static Sum climb(Sum leaf, int index, int count, List<Sum> siblings) {
    Sum node = leaf;
    int at = index;
    int used = 0;
    for (int width = count; width > 1; width = (width + 1) / 2) {
      if ((at ^ 1) < width) {
        if (used == siblings.size()) {
          throw new IllegalArgumentException(
              "siblings: " + siblings.size() + " (expected: more, for leaf " + index + ")");
        }
        Sum sibling = siblings.get(used++);
        node = at % 2 == 0 ? node.with(sibling) : sibling.with(node);
      }
      at /= 2;
    }
    if (used != siblings.size()) {
      throw new IllegalArgumentException(
          "siblings: " + siblings.size() + " (expected: " + used + ", for leaf " + index + ")");
    }
    return node;
  }
}
