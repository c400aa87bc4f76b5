package dev.openlora.settlement.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The trees of a batch: every proof leads to the root, and nothing else does. */
class TreesTest {
  @Test
  void everyReceiptClimbsToTheRootAndItsSum() {
    Draws draws = Draws.announced("everyReceiptClimbsToTheRootAndItsSum");
    for (int count = 1; count <= 40; count++) {
      long firstSeq = draws.below(1 << 30);
      List<ReceiptTree.Entry> entries = draws.entries(count);
      ReceiptTree tree = new ReceiptTree(firstSeq, entries);
      BigInteger sum =
          entries.stream().map(ReceiptTree.Entry::amount).reduce(BigInteger.ZERO, BigInteger::add);
      assertThat(tree.sum()).isEqualTo(sum);
      assertThat(tree.root()).isEqualTo(recursive(firstSeq, entries).hash());
      for (int i = 0; i < count; i++) {
        ReceiptTree.Sum leaf = ReceiptTree.leaf(firstSeq + i, entries.get(i));
        ReceiptTree.Sum top = ReceiptTree.climb(leaf, i, count, tree.siblings(i));
        assertThat(top).isEqualTo(new ReceiptTree.Sum(tree.root(), sum));
        ReceiptTree.Sum moved = ReceiptTree.leaf(firstSeq + i + 1, entries.get(i));
        assertThat(ReceiptTree.climb(moved, i, count, tree.siblings(i)).hash())
            .isNotEqualTo(tree.root());
      }
    }
  }

  /** From above: the left part is the largest power of two below the count. */
  private static ReceiptTree.Sum recursive(long firstSeq, List<ReceiptTree.Entry> entries) {
    if (entries.size() == 1) {
      return ReceiptTree.leaf(firstSeq, entries.getFirst());
    }
    int left = Integer.highestOneBit(entries.size() - 1);
    return recursive(firstSeq, entries.subList(0, left))
        .with(recursive(firstSeq + left, entries.subList(left, entries.size())));
  }

  @Test
  void anotherAmountIsAnotherRoot() {
    Draws draws = Draws.announced("anotherAmountIsAnotherRoot");
    List<ReceiptTree.Entry> entries = new java.util.ArrayList<>(draws.entries(9));
    Bytes32 before = new ReceiptTree(0, entries).root();
    ReceiptTree.Entry last = entries.getLast();
    entries.set(8, new ReceiptTree.Entry(last.receiptHash(), last.amount().add(BigInteger.ONE)));
    assertThat(new ReceiptTree(0, entries).root()).isNotEqualTo(before);
    Collections.swap(entries, 0, 1);
    assertThat(new ReceiptTree(0, entries).root()).isNotEqualTo(before);
  }

  @Test
  void refusesWhatNoBatchCanHold() {
    Draws draws = Draws.announced("refusesWhatNoBatchCanHold");
    assertThatThrownBy(() -> new ReceiptTree(0, List.of())).hasMessageContaining("receipts: none");
    BigInteger most = BigInteger.TWO.pow(96).subtract(BigInteger.ONE);
    List<ReceiptTree.Entry> tooMuch =
        List.of(
            new ReceiptTree.Entry(draws.bytes32(), most),
            new ReceiptTree.Entry(draws.bytes32(), BigInteger.ONE));
    assertThatThrownBy(() -> new ReceiptTree(0, tooMuch)).hasMessageContaining("sum");
    List<Debit> debits = draws.debits(5);
    assertThatThrownBy(() -> new DebitTree(debits.reversed())).hasMessageContaining("rising");
    assertThatThrownBy(() -> new DebitTree(List.of(debits.get(0), debits.get(0))))
        .hasMessageContaining("each once");
    assertThatThrownBy(() -> new PayoutTree(new TreeMap<>())).hasMessageContaining("payouts: none");
    ReceiptTree tree = new ReceiptTree(7, draws.entries(5));
    assertThatThrownBy(() -> tree.siblings(5)).hasMessageContaining("index: 5");
    ReceiptTree.Sum leaf = ReceiptTree.leaf(7, draws.entries(1).getFirst());
    assertThatThrownBy(() -> ReceiptTree.climb(leaf, 0, 5, List.of()))
        .hasMessageContaining("siblings: 0");
    assertThatThrownBy(() -> ReceiptTree.climb(leaf, 4, 5, tree.siblings(0)))
        .hasMessageContaining("siblings: 3");
  }

  @Test
  void everyDebitClimbsToTheRoot() {
    Draws draws = Draws.announced("everyDebitClimbsToTheRoot");
    for (int count = 1; count <= 40; count++) {
      List<Debit> debits = draws.debits(count);
      DebitTree tree = new DebitTree(debits);
      for (int i = 0; i < count; i++) {
        DebitTree.Proof proof = tree.proof(i);
        Bytes32 node = debits.get(i).leaf();
        for (int s = 0; s < proof.siblings().size(); s++) {
          Bytes32 sibling = proof.siblings().get(s);
          boolean left = (proof.path() >> s & 1) == 1;
          node = new Keccak.Words(2).add(left ? sibling : node).add(left ? node : sibling).hash();
        }
        assertThat(node).isEqualTo(tree.root());
      }
    }
  }

  @Test
  void everyPayoutClimbsToTheRootInSortedPairs() {
    Draws draws = Draws.announced("everyPayoutClimbsToTheRootInSortedPairs");
    for (int count = 1; count <= 40; count++) {
      TreeMap<Address, BigInteger> payouts = draws.payouts(count);
      PayoutTree tree = new PayoutTree(payouts);
      assertThat(tree.total())
          .isEqualTo(payouts.values().stream().reduce(BigInteger.ZERO, BigInteger::add));
      for (Address beneficiary : payouts.keySet()) {
        Bytes32 node = PayoutTree.leaf(beneficiary, payouts.get(beneficiary));
        for (Bytes32 sibling : tree.proof(beneficiary)) {
          boolean first = node.compareTo(sibling) < 0;
          node = new Keccak.Words(2).add(first ? node : sibling).add(first ? sibling : node).hash();
        }
        assertThat(node).isEqualTo(tree.root());
      }
      assertThatThrownBy(() -> tree.proof(draws.address())).hasMessageContaining("beneficiary");
    }
  }
}
