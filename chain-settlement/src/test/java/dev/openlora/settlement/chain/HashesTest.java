package dev.openlora.settlement.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.settlement.chain.contract.HashingProbe;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Batch;
import dev.openlora.settlement.proof.Bytes32;
import dev.openlora.settlement.proof.Debit;
import dev.openlora.settlement.proof.DebitTree;
import dev.openlora.settlement.proof.Draws;
import dev.openlora.settlement.proof.PayoutTree;
import dev.openlora.settlement.proof.Receipt;
import dev.openlora.settlement.proof.ReceiptTree;
import dev.openlora.settlement.proof.SpendingLimit;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.web3j.protocol.core.RemoteFunctionCall;

/** What Java hashes is what the contracts hash. */
class HashesTest {
  @RegisterExtension static final RunningChain CHAIN = new RunningChain();

  private static final int CASES = 10_000;
  private static final int AT_ONCE = 500;

  @Test
  void receiptsHashAsSolidityHashesThem() throws Exception {
    compare("receipts", Draws::receipt, Receipt::hash, HashesTest::receipt, probe()::receipts);
  }

  @Test
  void limitsHashAsSolidityHashesThem() throws Exception {
    compare("limits", Draws::limit, SpendingLimit::hash, HashesTest::limit, probe()::limits);
  }

  @Test
  void leavesOfReceiptsHashAsSolidityHashesThem() throws Exception {
    record Place(long seq, ReceiptTree.Entry entry) {}
    compare(
        "leaves of receipts",
        draws -> new Place(draws.uint63(), draws.entries(1).getFirst()),
        place -> ReceiptTree.leaf(place.seq(), place.entry()).hash(),
        place ->
            new HashingProbe.ReceiptLeaf(
                BigInteger.valueOf(place.seq()),
                place.entry().receiptHash().bytes(),
                place.entry().amount()),
        probe()::receiptLeaves);
  }

  @Test
  void leavesOfPayoutsHashAsSolidityHashesThem() throws Exception {
    compare(
        "leaves of payouts",
        draws -> Map.entry(draws.address(), draws.number(256)),
        payout -> PayoutTree.leaf(payout.getKey(), payout.getValue()),
        payout -> new HashingProbe.PayoutLeaf(payout.getKey().toString(), payout.getValue()),
        probe()::payoutLeaves);
  }

  @Test
  void nodesOfSumsHashAsSolidityHashesThem() throws Exception {
    compare(
        "nodes of sums",
        draws -> draws.entries(2),
        pair -> new ReceiptTree(7, pair).root(),
        pair -> {
          ReceiptTree.Sum left = ReceiptTree.leaf(7, pair.get(0));
          ReceiptTree.Sum right = ReceiptTree.leaf(8, pair.get(1));
          return new HashingProbe.SumPair(
              left.hash().bytes(), left.sum(), right.hash().bytes(), right.sum());
        },
        probe()::sumNodes);
  }

  @Test
  void debitsOfOneHashAsSolidityHashesThem() throws Exception {
    compare(
        "debits",
        draws -> draws.debits(1).getFirst(),
        debit -> new DebitTree(List.of(debit)).root(),
        HashesTest::debit,
        probe()::debitLeaves);
  }

  @Test
  void batchesHashAsSolidityHashesThem() throws Exception {
    compare("batches", HashesTest::batch, Batch::hash, HashesTest::batch, probe()::batches);
  }

  @Test
  void rootsOfDebitsAreWhatSolidityComputes() throws Exception {
    Draws draws = Draws.announced("rootsOfDebitsAreWhatSolidityComputes");
    HashingProbe probe = probe();
    for (int count = 1; count <= 65; count++) {
      List<Debit> debits = draws.debits(count);
      assertThat(
              Bytes32.of(probe.debitRoot(debits.stream().map(HashesTest::debit).toList()).send()))
          .as("%d debits", count)
          .isEqualTo(new DebitTree(debits).root());
    }
  }

  @Test
  void digestsOfLimitsAreTheContracts() throws Exception {
    Draws draws = Draws.announced("digestsOfLimitsAreTheContracts");
    Deployment deployment = CHAIN.chain().contracts().nativeCoin();
    Settlement settlement = deployment.settlement(CHAIN.rpc(), CHAIN.sender(TestAccount.OPERATOR));
    for (int i = 0; i < 50; i++) {
      SpendingLimit limit = draws.limit();
      assertThat(Bytes32.of(settlement.limitDigest(Structs.limit(limit)).send()))
          .isEqualTo(deployment.domain().digest(limit));
      Receipt receipt = draws.receipt();
      assertThat(
              Bytes32.of(
                  deployment
                      .bond(CHAIN.rpc(), CHAIN.sender(TestAccount.OPERATOR))
                      .receiptDigest(Structs.receipt(receipt))
                      .send()))
          .isEqualTo(deployment.domain().digest(receipt));
    }
  }

  @SuppressWarnings("rawtypes") // the generator's lists
  private static <T, S> void compare(
      String what,
      Function<Draws, T> draw,
      Function<T, Bytes32> ours,
      Function<T, S> struct,
      Function<List<S>, RemoteFunctionCall<List>> theirs)
      throws Exception {
    Draws draws = Draws.announced(what);
    for (int done = 0; done < CASES; done += AT_ONCE) {
      List<T> cases = Stream.generate(() -> draw.apply(draws)).limit(AT_ONCE).toList();
      List<?> hashes = theirs.apply(cases.stream().map(struct).toList()).send();
      assertThat(hashes).hasSize(AT_ONCE);
      for (int i = 0; i < AT_ONCE; i++) {
        assertThat(ours.apply(cases.get(i)))
            .as("%s", cases.get(i))
            .isEqualTo(Bytes32.of((byte[]) hashes.get(i)));
      }
    }
  }

  private static HashingProbe probe() {
    Sender sender = CHAIN.sender(TestAccount.DEPLOYER);
    String address =
        sender.send(null, BigInteger.ZERO, "0x" + HashingProbe.BINARY).getContractAddress();
    return HashingProbe.load(address, CHAIN.rpc().web3j(), sender, Sender.gas(CHAIN.rpc()));
  }

  private static Batch batch(Draws draws) {
    return new Batch(
        draws.uint63(),
        draws.bytes32(),
        draws.bytes32(),
        draws.bytes32(),
        draws.number(128),
        draws.number(128),
        draws.uint63(),
        draws.uint63(),
        draws.bytes32(),
        draws.uint63(),
        draws.uint63());
  }

  // The generator gives each contract structs of its own.

  private static HashingProbe.Receipt receipt(Receipt receipt) {
    dev.openlora.settlement.chain.contract.Bond.Receipt r = Structs.receipt(receipt);
    return new HashingProbe.Receipt(
        r.requestId,
        r.payer,
        r.model,
        r.adapter,
        r.promptHash,
        r.outputHash,
        r.tokensIn,
        r.tokensOut,
        r.priceId,
        r.amount,
        r.traceHash,
        r.timestamp);
  }

  private static HashingProbe.SpendingLimit limit(SpendingLimit limit) {
    Settlement.SpendingLimit l = Structs.limit(limit);
    return new HashingProbe.SpendingLimit(l.payer, l.signer, l.operator, l.limit, l.expiry);
  }

  private static HashingProbe.ChargedDebit debit(Debit debit) {
    dev.openlora.settlement.chain.contract.Bond.ChargedDebit d = Structs.charged(debit);
    return new HashingProbe.ChargedDebit(d.payer, d.firstSeq, d.count, d.delta, d.subRoot);
  }

  private static HashingProbe.Batch batch(Batch batch) {
    Settlement.Batch b = Structs.settlement(batch);
    return new HashingProbe.Batch(
        b.seq,
        b.prevHash,
        b.receiptsRoot,
        b.payoutsRoot,
        b.charged,
        b.payoutsTotal,
        b.periodStart,
        b.periodEnd,
        b.daHash,
        b.postedAt,
        b.epoch);
  }
}
