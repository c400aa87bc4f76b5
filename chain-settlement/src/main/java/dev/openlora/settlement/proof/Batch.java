package dev.openlora.settlement.proof;

import java.math.BigInteger;

/**
 * A posted batch. The chain keeps its hash alone; who claims or reports shows the batch itself.
 *
 * @param seq 1 for the first
 * @param prevHash of the batch before; the {@link SigningDomain#separator()} for the first
 * @param receiptsRoot root of the {@link DebitTree}; zero without debits
 * @param payoutsRoot root of the {@link PayoutTree}
 * @param charged what it took from its payers, in the smallest unit of the asset
 * @param payoutsTotal sum of the payouts, cumulative, in the smallest unit of the asset
 * @param periodStart unix seconds
 * @param periodEnd unix seconds
 * @param daHash hash of the data-availability commitment
 * @param postedAt block time, unix seconds
 * @param epoch upheld disputes before it
 */
public record Batch(
    long seq,
    Bytes32 prevHash,
    Bytes32 receiptsRoot,
    Bytes32 payoutsRoot,
    BigInteger charged,
    BigInteger payoutsTotal,
    long periodStart,
    long periodEnd,
    Bytes32 daHash,
    long postedAt,
    long epoch) {
  public Batch {
    Range.notNegative("seq", seq);
    Range.unsigned("charged", charged, 128);
    Range.unsigned("payoutsTotal", payoutsTotal, 128);
    Range.notNegative("periodStart", periodStart);
    Range.notNegative("periodEnd", periodEnd);
    Range.notNegative("postedAt", postedAt);
    Range.notNegative("epoch", epoch);
  }

  public Bytes32 hash() {
    return new Keccak.Words(11)
        .add(seq)
        .add(prevHash)
        .add(receiptsRoot)
        .add(payoutsRoot)
        .add(charged)
        .add(payoutsTotal)
        .add(periodStart)
        .add(periodEnd)
        .add(daHash)
        .add(postedAt)
        .add(epoch)
        .hash();
  }
}
