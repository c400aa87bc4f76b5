package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.Bond;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Batch;
import dev.openlora.settlement.proof.Bytes32;
import dev.openlora.settlement.proof.Debit;
import dev.openlora.settlement.proof.DebitTree;
import dev.openlora.settlement.proof.Receipt;
import dev.openlora.settlement.proof.ReceiptTree;
import dev.openlora.settlement.proof.SpendingLimit;
import java.math.BigInteger;
import java.util.List;

/** Our values as the wrappers take them. */
final class Structs {
  private Structs() {}

  static BigInteger number(long value) {
    return BigInteger.valueOf(value);
  }

  static List<byte[]> bytes(List<Bytes32> hashes) {
    return hashes.stream().map(Bytes32::bytes).toList();
  }

  static Settlement.Batch settlement(Batch b) {
    return new Settlement.Batch(
        number(b.seq()),
        b.prevHash().bytes(),
        b.receiptsRoot().bytes(),
        b.payoutsRoot().bytes(),
        b.charged(),
        b.payoutsTotal(),
        number(b.periodStart()),
        number(b.periodEnd()),
        b.daHash().bytes(),
        number(b.postedAt()),
        number(b.epoch()));
  }

  static Bond.Batch bond(Batch b) {
    Settlement.Batch s = settlement(b);
    return new Bond.Batch(
        s.seq,
        s.prevHash,
        s.receiptsRoot,
        s.payoutsRoot,
        s.charged,
        s.payoutsTotal,
        s.periodStart,
        s.periodEnd,
        s.daHash,
        s.postedAt,
        s.epoch);
  }

  static Batch batch(Settlement.Batch b) {
    return new Batch(
        b.seq.longValueExact(),
        Bytes32.of(b.prevHash),
        Bytes32.of(b.receiptsRoot),
        Bytes32.of(b.payoutsRoot),
        b.charged,
        b.payoutsTotal,
        b.periodStart.longValueExact(),
        b.periodEnd.longValueExact(),
        Bytes32.of(b.daHash),
        b.postedAt.longValueExact(),
        b.epoch.longValueExact());
  }

  static Settlement.SpendingLimit limit(SpendingLimit l) {
    return new Settlement.SpendingLimit(
        l.payer().toString(),
        l.signer().toString(),
        l.operator().toString(),
        l.limit(),
        number(l.expiry()));
  }

  static Bond.Receipt receipt(Receipt r) {
    return new Bond.Receipt(
        r.requestId().bytes(),
        r.payer().toString(),
        r.model().bytes(),
        r.adapter().bytes(),
        r.promptHash().bytes(),
        r.outputHash().bytes(),
        number(r.tokensIn()),
        number(r.tokensOut()),
        number(r.priceId()),
        r.amount(),
        r.traceHash().bytes(),
        number(r.timestamp()));
  }

  static Bond.ChargedDebit charged(Debit d) {
    return new Bond.ChargedDebit(
        d.payer().toString(),
        number(d.firstSeq()),
        number(d.count()),
        d.delta(),
        d.subRoot().bytes());
  }

  static Bond.DebitProof proof(Batch batch, Debit debit, DebitTree.Proof proof) {
    return new Bond.DebitProof(
        bond(batch), charged(debit), bytes(proof.siblings()), number(proof.path()));
  }

  static Bond.Sum sum(ReceiptTree.Sum sum) {
    return new Bond.Sum(sum.hash().bytes(), sum.sum());
  }

  static Bond.Inclusion inclusion(
      Bond.DebitProof charged, int index, List<ReceiptTree.Sum> siblings) {
    return new Bond.Inclusion(charged, number(index), siblings.stream().map(Structs::sum).toList());
  }
}
