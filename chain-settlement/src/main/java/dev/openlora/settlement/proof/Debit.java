package dev.openlora.settlement.proof;

import java.math.BigInteger;

/**
 * What a batch charges one payer, as the receipts root commits to it.
 *
 * @param firstSeq the sequence number of the first receipt
 * @param count receipts, at least 1
 * @param delta their sum, in the smallest unit of the asset; below 2^96
 * @param subRoot root of the {@link ReceiptTree}
 */
public record Debit(Address payer, long firstSeq, long count, BigInteger delta, Bytes32 subRoot) {
  public Debit {
    Range.notNegative("firstSeq", firstSeq);
    if (count < 1) {
      throw new IllegalArgumentException("count: " + count + " (expected: at least 1)");
    }
    Range.unsigned("delta", delta, 96);
  }

  public static Debit of(Address payer, long firstSeq, ReceiptTree receipts) {
    return new Debit(payer, firstSeq, receipts.count(), receipts.sum(), receipts.root());
  }

  /** Hashed twice, so that no inner node can pass for it. */
  Bytes32 leaf() {
    Bytes32 once =
        new Keccak.Words(5).add(payer).add(firstSeq).add(count).add(delta).add(subRoot).hash();
    return Keccak.of(once.bytes());
  }
}
