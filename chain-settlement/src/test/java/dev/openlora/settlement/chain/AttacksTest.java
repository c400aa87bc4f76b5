package dev.openlora.settlement.chain;

import static dev.openlora.settlement.chain.Market.OPEN;
import static dev.openlora.settlement.chain.Market.of;
import static dev.openlora.settlement.chain.TestAccount.CONTRIBUTOR_1;
import static dev.openlora.settlement.chain.TestAccount.CONTRIBUTOR_2;
import static dev.openlora.settlement.chain.TestAccount.DISPUTER;
import static dev.openlora.settlement.chain.TestAccount.HOST;
import static dev.openlora.settlement.chain.TestAccount.MODEL_OWNER;
import static dev.openlora.settlement.chain.TestAccount.OPERATOR;
import static dev.openlora.settlement.chain.TestAccount.PAYER_1;
import static dev.openlora.settlement.chain.TestAccount.PAYER_2;
import static dev.openlora.settlement.chain.TestAccount.PAYER_3;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.settlement.chain.contract.Bond;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.chain.contract.Wallet;
import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Batch;
import dev.openlora.settlement.proof.Bytes32;
import dev.openlora.settlement.proof.DebitTree;
import dev.openlora.settlement.proof.Draws;
import dev.openlora.settlement.proof.PayoutTree;
import dev.openlora.settlement.proof.Receipt;
import dev.openlora.settlement.proof.ReceiptTree;
import dev.openlora.settlement.proof.SpendingLimit;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.web3j.abi.FunctionEncoder;

/** What people try in order to get money that is not theirs; each fails by name. */
class AttacksTest {
  @RegisterExtension static final RunningChain CHAIN = new RunningChain();

  private final Draws draws = Draws.announced("attacks");
  private Market market = Market.ofNativeCoin(CHAIN);

  @BeforeEach
  void openTheMarket() {
    market = Market.ofNativeCoin(CHAIN);
  }

  private static AbstractThrowableAssert<?, ?> refused(ThrowingCallable attack) {
    return assertThatThrownBy(attack).isInstanceOf(SettlementError.class);
  }

  /** A receipt whose amount is what price 1 asks. */
  private Receipt receipt(TestAccount payer, long tokensIn, long tokensOut) {
    BigInteger amount =
        BigInteger.valueOf(tokensIn * RATE_IN + tokensOut * RATE_OUT + 999)
            .divide(BigInteger.valueOf(1000));
    return new Receipt(
        draws.bytes32(),
        of(payer),
        draws.bytes32(),
        draws.bytes32(),
        draws.bytes32(),
        draws.bytes32(),
        tokensIn,
        tokensOut,
        1,
        amount,
        draws.bytes32(),
        CHAIN.rpc().time());
  }

  private static final long RATE_IN = 1_000_000;
  private static final long RATE_OUT = 2_000_000;

  private void registerThePrice() throws Exception {
    market
        .prices(OPERATOR)
        .register(
            BigInteger.valueOf(RATE_IN),
            BigInteger.valueOf(RATE_OUT),
            BigInteger.ZERO,
            BigInteger.ZERO)
        .send();
  }

  private static ReceiptTree costing(long firstSeq, BigInteger amount) {
    return new ReceiptTree(firstSeq, List.of(new ReceiptTree.Entry(Bytes32.ZERO, amount)));
  }

  private static TreeMap<Address, BigInteger> payouts(BigInteger owner, BigInteger host) {
    TreeMap<Address, BigInteger> payouts = new TreeMap<>();
    payouts.put(of(MODEL_OWNER), owner);
    payouts.put(of(HOST), host);
    return payouts;
  }

  private static final BigInteger TWO = BigInteger.TWO.multiply(OPEN);
  private static final BigInteger THREE = BigInteger.valueOf(3).multiply(OPEN);
  private static final BigInteger FIVE = BigInteger.valueOf(5).multiply(OPEN);

  /** Payer 1 spends 5; 3 go to the model's owner and 2 to the host. */
  private Batch postFive() throws Exception {
    market.deposit(PAYER_1, FIVE.add(FIVE));
    return market.post(
        List.of(
            market.charge(
                PAYER_1,
                costing(market.nextSeq(of(PAYER_1)), FIVE),
                market.spent(of(PAYER_1)).add(FIVE))),
        payouts(THREE, TWO));
  }

  // Over-charge

  @Test
  void noChargeAboveTheSignedLimit() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Market.Charge charge =
        market.charge(PAYER_1, costing(0, THREE), THREE.subtract(BigInteger.ONE));
    refused(() -> market.post(List.of(charge), payouts(TWO, OPEN)))
        .hasMessage(
            "DebitRefused(index=0, payer=%s, refusal=OverLimit, wanted=%s, allowed=%s)",
            of(PAYER_1), THREE, THREE.subtract(BigInteger.ONE))
        .satisfies(error ->
            assertThat(((SettlementError) error).values())
                .containsEntry("refusal", Refusal.OVER_LIMIT)
                .containsEntry("payer", of(PAYER_1))
                .containsEntry("wanted", THREE));
    assertThat(market.spent(of(PAYER_1))).isZero();
  }

  @Test
  void noChargeAboveTheDepositAndTheOthersOfTheBatchAreNotChargedEither() throws Exception {
    market.deposit(PAYER_1, FIVE);
    market.deposit(PAYER_2, OPEN);
    List<Market.Charge> charges =
        List.of(
            market.charge(PAYER_1, costing(0, OPEN), OPEN),
            market.charge(PAYER_2, costing(0, TWO), TWO));
    refused(() -> market.post(charges, payouts(TWO, OPEN)))
        .hasMessageContaining(
            "payer=%s, refusal=OverDeposit, wanted=%s, allowed=%s", of(PAYER_2), TWO, OPEN);
    assertThat(market.spent(of(PAYER_1))).isZero();
  }

  @Test
  void noChargeWithoutAnyLimit() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Market.Charge charge = market.unsigned(of(PAYER_1), costing(0, OPEN));
    refused(() -> market.post(List.of(charge), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("refusal=OverLimit, wanted=%s, allowed=0", OPEN);
  }

  @Test
  void noPayoutsAboveWhatWasCharged() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Market.Charge charge = market.charge(PAYER_1, costing(0, OPEN), OPEN);
    refused(() -> market.post(List.of(charge), payouts(OPEN, BigInteger.ONE)))
        .hasMessage(
            "PayoutsOverCharges(payoutsTotal=%s, charged=%s)", OPEN.add(BigInteger.ONE), OPEN);
  }

  @Test
  void noChargeByAnyoneButTheOperator() throws Exception {
    Settlement.Post post =
        market.nextPost(new PayoutTree(payouts(BigInteger.ZERO, BigInteger.ZERO)));
    refused(() -> market.settlement(HOST).post(post, new byte[0], List.of()).send())
        .hasMessage("NotOperator(caller=%s, operator=%s)", of(HOST), of(OPERATOR));
  }

  // Replay

  @Test
  void aLimitForAnotherContractCountsForNothing() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Market.Charge replayed =
        market.charge(
            of(PAYER_1),
            PAYER_1.key(),
            CHAIN.chain().contracts().erc20(),
            costing(0, OPEN),
            OPEN,
            Market.NEVER);
    refused(() -> market.post(List.of(replayed), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("DebitRefused(index=0, payer=%s, refusal=BadSignature", of(PAYER_1));
  }

  @Test
  void aLimitForAnotherChainCountsForNothing() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Deployment here = market.deployment();
    Deployment testnet = new Deployment(161_201, here.settlement(), here.prices(), here.bond());
    Market.Charge replayed =
        market.charge(of(PAYER_1), PAYER_1.key(), testnet, costing(0, OPEN), OPEN, Market.NEVER);
    refused(() -> market.post(List.of(replayed), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("DebitRefused(index=0, payer=%s, refusal=BadSignature", of(PAYER_1));
  }

  @Test
  void aLimitThatIsSpentCannotBeSpentAgain() throws Exception {
    market.deposit(PAYER_1, FIVE);
    market.post(
        List.of(market.charge(PAYER_1, costing(0, OPEN), OPEN)), payouts(OPEN, BigInteger.ZERO));
    Market.Charge again = market.charge(PAYER_1, costing(1, OPEN), OPEN);
    refused(() -> market.post(List.of(again), payouts(OPEN, OPEN)))
        .hasMessageContaining("refusal=OverLimit, wanted=%s, allowed=%s", TWO, OPEN);
  }

  @Test
  void aLimitThatExpiredCountsForNothing() throws Exception {
    market.deposit(PAYER_1, FIVE);
    long expiry = CHAIN.rpc().time() + 5;
    Market.Charge charge =
        market.charge(
            of(PAYER_1), PAYER_1.key(), market.deployment(), costing(0, OPEN), OPEN, expiry);
    CHAIN.pass(60);
    refused(() -> market.post(List.of(charge), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("refusal=Expired")
        .hasMessageContaining("allowed=" + expiry);
  }

  @Test
  void aStrangersSignatureCountsForNothing() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Market.Charge charge =
        market.charge(
            of(PAYER_1), HOST.key(), market.deployment(), costing(0, OPEN), OPEN, Market.NEVER);
    refused(() -> market.post(List.of(charge), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("refusal=UnknownKey");
  }

  // Claims

  @Test
  void noClaimThatTheRootDoesNotHold() throws Exception {
    Batch batch = postFive();
    PayoutTree tree = new PayoutTree(payouts(THREE, TWO));
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);
    Settlement thief = market.settlement(CONTRIBUTOR_1);
    refused(() ->
            thief
                .claim(
                    Structs.settlement(batch),
                    of(CONTRIBUTOR_1).toString(),
                    TWO,
                    Structs.bytes(tree.proof(of(HOST))))
                .send())
        .hasMessage(
            "PayoutNotInRoot(seq=1, beneficiary=%s, cumulative=%s)", of(CONTRIBUTOR_1), TWO);
    refused(() ->
            thief
                .claim(
                    Structs.settlement(batch),
                    of(HOST).toString(),
                    THREE,
                    Structs.bytes(tree.proof(of(HOST))))
                .send())
        .hasMessage("PayoutNotInRoot(seq=1, beneficiary=%s, cumulative=%s)", of(HOST), THREE);
  }

  @Test
  void noClaimAgainstABatchThatWasNotPosted() throws Exception {
    Batch batch = postFive();
    TreeMap<Address, BigInteger> mine = new TreeMap<>();
    mine.put(of(CONTRIBUTOR_1), FIVE);
    PayoutTree tree = new PayoutTree(mine);
    Batch forged =
        new Batch(
            batch.seq(),
            batch.prevHash(),
            batch.receiptsRoot(),
            tree.root(),
            batch.charged(),
            batch.payoutsTotal(),
            batch.periodStart(),
            batch.periodEnd(),
            batch.daHash(),
            batch.postedAt(),
            batch.epoch());
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);
    refused(() -> market.claim(CONTRIBUTOR_1, forged, tree, of(CONTRIBUTOR_1), FIVE))
        .hasMessage("UnknownBatch(seq=1, given=%s, posted=%s)", forged.hash(), batch.hash());
  }

  @Test
  void noClaimTwice() throws Exception {
    Batch batch = postFive();
    PayoutTree tree = new PayoutTree(payouts(THREE, TWO));
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);
    market.claim(HOST, batch, tree, of(HOST), TWO);
    refused(() -> market.claim(HOST, batch, tree, of(HOST), TWO))
        .hasMessage(
            "NothingToClaim(beneficiary=%s, cumulative=%s, claimed=%s)", of(HOST), TWO, TWO);
  }

  @Test
  void anInnerNodeOfPayoutsIsNoLeaf() throws Exception {
    market.deposit(PAYER_1, FIVE);
    TreeMap<Address, BigInteger> four = payouts(OPEN, OPEN);
    four.put(of(CONTRIBUTOR_1), OPEN);
    four.put(of(CONTRIBUTOR_2), OPEN);
    PayoutTree tree = new PayoutTree(four);
    Batch batch = market.post(List.of(market.charge(PAYER_1, costing(0, FIVE), FIVE)), four);
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);
    // Two sibling leaves are 64 bytes, as one encoded payout is: read as (beneficiary, cumulative).
    Bytes32 leaf = PayoutTree.leaf(of(HOST), OPEN);
    List<Bytes32> proof = tree.proof(of(HOST));
    Bytes32 sibling = proof.getFirst();
    Bytes32 left = leaf.compareTo(sibling) < 0 ? leaf : sibling;
    Bytes32 right = leaf.compareTo(sibling) < 0 ? sibling : leaf;
    Address beneficiary = Address.of(Arrays.copyOfRange(left.bytes(), 12, 32));
    BigInteger cumulative = new BigInteger(1, right.bytes());
    refused(() ->
            market
                .settlement(HOST)
                .claim(
                    Structs.settlement(batch),
                    beneficiary.toString(),
                    cumulative,
                    Structs.bytes(proof.subList(1, proof.size())))
                .send())
        .hasMessage(
            "PayoutNotInRoot(seq=1, beneficiary=%s, cumulative=%s)", beneficiary, cumulative);
  }

  // Withdrawals

  @Test
  void aWithdrawalDoesNotOutrunACharge() throws Exception {
    market.deposit(PAYER_1, FIVE);
    Settlement payer = market.settlement(PAYER_1);
    payer.requestWithdrawal(FIVE).send();
    refused(() -> payer.withdraw(of(PAYER_1).toString()).send())
        .hasMessageStartingWith("WithdrawalTooEarly(payer=" + of(PAYER_1) + ", readyAt=");
    // A cut of the limit waits as long.
    payer.setStandingLimit(of(OPERATOR).toString(), FIVE).send();
    payer.setStandingLimit(of(OPERATOR).toString(), BigInteger.ZERO).send();
    market.post(
        List.of(market.unsigned(of(PAYER_1), costing(0, THREE))), payouts(THREE, BigInteger.ZERO));
    CHAIN.pass(Market.WITHDRAW_DELAY_SECONDS);
    BigInteger before = market.balance(of(CONTRIBUTOR_2));
    payer.withdraw(of(CONTRIBUTOR_2).toString()).send();
    assertThat(market.balance(of(CONTRIBUTOR_2)).subtract(before)).isEqualTo(TWO);
    refused(() -> payer.withdraw(of(PAYER_1).toString()).send())
        .hasMessage("NoWithdrawal(payer=%s)", of(PAYER_1));
    refused(() -> payer.requestWithdrawal(BigInteger.ONE).send())
        .hasMessage("NothingAvailable(payer=%s, requested=1, available=0)", of(PAYER_1));
  }

  // Reorganisations

  @Test
  void aDepositThatWasTakenBackIsNoCredit() throws Exception {
    market.deposit(PAYER_1, OPEN);
    Settlement settlement = market.settlement(OPERATOR);
    assertThat(settlement.account(of(PAYER_1).toString()).send().component1()).isEqualTo(OPEN);
    settlement.setDefaultBlockParameter(Rpc.parameter(Block.SAFE));
    assertThat(settlement.account(of(PAYER_1).toString()).send().component1())
        .as("what a server may count on")
        .isZero();

    CHAIN.rpc().request("anvil_reorg", 1, List.of());
    assertThat(market.settlement(OPERATOR).account(of(PAYER_1).toString()).send().component1())
        .as("after the sequencer changed its mind")
        .isZero();
    Market.Charge charge = market.charge(PAYER_1, costing(0, OPEN), OPEN);
    refused(() -> market.post(List.of(charge), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("refusal=OverDeposit, wanted=%s, allowed=0", OPEN);

    market.deposit(PAYER_1, OPEN);
    CHAIN.pass(1);
    assertThat(settlement.account(of(PAYER_1).toString()).send().component1()).isEqualTo(OPEN);
  }

  // Griefing

  @Test
  void aWalletThatRevertsHarmsItselfAlone() throws Exception {
    Sender owner = CHAIN.sender(PAYER_3);
    String code =
        "0x"
            + Wallet.BINARY
            + FunctionEncoder.encodeConstructor(
                List.of(new org.web3j.abi.datatypes.Address(of(PAYER_3).toString())));
    Address walletAddress =
        Address.parse(owner.send(null, BigInteger.ZERO, code).getContractAddress());
    Wallet wallet =
        Wallet.load(walletAddress.toString(), CHAIN.rpc().web3j(), owner, Sender.gas(CHAIN.rpc()));
    market.depositFor(walletAddress, PAYER_3, FIVE);
    market.deposit(PAYER_1, FIVE);

    SpendingLimit limit =
        new SpendingLimit(walletAddress, walletAddress, of(OPERATOR), FIVE, Market.NEVER);
    byte[] signature = PAYER_3.key().sign(market.deployment().domain().digest(limit)).bytes();
    Settlement settlement = market.settlement(OPERATOR);
    wallet.set(BigInteger.ONE).send(); // it reverts from now on, also when it is paid
    refused(() -> settlement.acceptLimit(Structs.limit(limit), signature).send())
        .hasMessage("LimitSignatureInvalid(payer=%s)", walletAddress);
    Market.Charge refusedCharge = market.unsigned(walletAddress, costing(0, OPEN));
    refused(() -> market.post(List.of(refusedCharge), payouts(OPEN, BigInteger.ZERO)))
        .hasMessageContaining("refusal=OverLimit");

    // Once its limit is on the chain, no change of its mind stops a charge.
    wallet.set(BigInteger.ZERO).send();
    settlement.acceptLimit(Structs.limit(limit), signature).send();
    wallet.set(BigInteger.ONE).send();
    TreeMap<Address, BigInteger> earned = payouts(OPEN, BigInteger.ZERO);
    earned.put(walletAddress, OPEN);
    Batch batch =
        market.post(
            List.of(
                market.unsigned(walletAddress, costing(0, OPEN)),
                market.charge(PAYER_1, costing(0, OPEN), OPEN)),
            earned);
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);
    PayoutTree tree = new PayoutTree(earned);
    BigInteger before = market.balance(of(MODEL_OWNER));
    settlement
        .claimMany(
            Structs.settlement(batch),
            List.of(payout(tree, walletAddress), payout(tree, of(MODEL_OWNER))))
        .send();
    assertThat(market.balance(of(MODEL_OWNER)).subtract(before)).isEqualTo(OPEN);
    assertThat(market.balance(walletAddress)).isZero();
    assertThat(settlement.owed(walletAddress.toString()).send()).isEqualTo(OPEN);
  }

  private static Settlement.Payout payout(PayoutTree tree, Address who) {
    return new Settlement.Payout(who.toString(), OPEN, Structs.bytes(tree.proof(who)));
  }

  // Posts

  @Test
  void noBatchTwiceAndNoneOutOfOrder() throws Exception {
    market.deposit(PAYER_1, FIVE);
    PayoutTree payouts = new PayoutTree(payouts(OPEN, BigInteger.ZERO));
    Settlement.Post post = market.nextPost(payouts);
    List<Market.Charge> charges = List.of(market.charge(PAYER_1, costing(0, OPEN), OPEN));
    Batch first = market.send(post, charges);
    refused(() -> market.send(post, charges)).hasMessage("WrongSeq(seq=1, expected=2)");

    Settlement.Post skipping = market.nextPost(payouts);
    refused(() ->
            market.send(with(skipping, 3, skipping.prevHash, skipping.periodStart), List.of()))
        .hasMessage("WrongSeq(seq=3, expected=2)");
    byte[] other = Bytes32.ZERO.bytes();
    refused(() -> market.send(with(skipping, 2, other, skipping.periodStart), List.of()))
        .hasMessage("WrongPrevHash(prevHash=%s, expected=%s)", Bytes32.ZERO, first.hash());
    refused(() -> market.send(with(skipping, 2, skipping.prevHash, BigInteger.ONE), List.of()))
        .hasMessageStartingWith("BadPeriod(start=1, end=");
  }

  private static Settlement.Post with(
      Settlement.Post post, long seq, byte[] prevHash, BigInteger periodStart) {
    return new Settlement.Post(
        BigInteger.valueOf(seq),
        prevHash,
        post.payoutsRoot,
        post.payoutsTotal,
        periodStart,
        post.periodEnd,
        post.daHash);
  }

  // Slashing an honest operator

  @Test
  void anHonestOperatorIsNotSlashed() throws Exception {
    registerThePrice();
    market.deposit(PAYER_1, FIVE);
    market.deposit(PAYER_2, FIVE);
    List<Receipt> mine =
        List.of(receipt(PAYER_1, 100, 20), receipt(PAYER_1, 7, 9), receipt(PAYER_1, 0, 1));
    ReceiptTree tree = market.tree(of(PAYER_1), mine);
    ReceiptTree theirs = market.tree(of(PAYER_2), List.of(receipt(PAYER_2, 5, 5)));
    Market.Charge a = market.charge(PAYER_1, tree, FIVE);
    Market.Charge b = market.charge(PAYER_2, theirs, FIVE);
    boolean isFirst = a.debit().payer().compareTo(b.debit().payer()) < 0;
    DebitTree debits =
        new DebitTree(isFirst ? List.of(a.debit(), b.debit()) : List.of(b.debit(), a.debit()));
    Batch batch = market.post(List.of(a, b), payouts(BigInteger.ZERO, BigInteger.ZERO));
    assertThat(debits.root()).isEqualTo(batch.receiptsRoot());

    Bond disputer = market.bond(DISPUTER);
    Bond.DebitProof charged = Structs.proof(batch, a.debit(), debits.proof(isFirst ? 0 : 1));
    Bond.Inclusion zero = Structs.inclusion(charged, 0, tree.siblings(0));
    Bond.Inclusion one = Structs.inclusion(charged, 1, tree.siblings(1));
    Bond.Receipt first = Structs.receipt(mine.get(0));
    Bond.Receipt second = Structs.receipt(mine.get(1));

    // Wrong price, wrong payer
    refused(() -> disputer.slashWrongPrice(first, zero).send())
        .hasMessage("PriceAgrees(amount=%s)", mine.get(0).amount());
    refused(() -> disputer.slashWrongPayer(first, zero).send())
        .hasMessage("PayerAgrees(payer=%s)", of(PAYER_1));
    // A receipt that was not charged, and one at a place that is not its own
    Bond.Receipt dearer = Structs.receipt(receipt(PAYER_1, 1_000_000, 0));
    refused(() -> disputer.slashWrongPrice(dearer, zero).send())
        .hasMessageStartingWith("NotInTree(root=");
    refused(() -> disputer.slashWrongPrice(first, one).send())
        .hasMessageStartingWith("NotInTree(root=");
    refused(() ->
            disputer.slashWrongPrice(first, Structs.inclusion(charged, 3, tree.siblings(0))).send())
        .hasMessage("IndexOutOfRange(index=3, count=3)");
    // Charged twice
    refused(() -> disputer.slashDoubleCharge(first, zero, first, zero).send())
        .hasMessage("SamePosition(payer=%s, seq=0)", of(PAYER_1));
    refused(() -> disputer.slashDoubleCharge(first, zero, second, one).send())
        .hasMessage(
            "DifferentRequests(a=%s, b=%s)", mine.get(0).requestId(), mine.get(1).requestId());
    // Wrong sum: the root opened, then the one leaf right of it
    ReceiptTree.Sum right = ReceiptTree.leaf(2, ReceiptTree.Entry.of(mine.get(2)));
    ReceiptTree.Sum left = tree.siblings(2).getFirst();
    Bond.Opening root = new Bond.Opening(Structs.sum(left), Structs.sum(right), true);
    refused(() -> disputer.slashWrongSum(charged, List.of(root)).send())
        .hasMessage("SumsAgree(sum=%s)", tree.sum());
    refused(() ->
            disputer
                .slashWrongLeaf(
                    charged,
                    List.of(root),
                    BigInteger.TWO,
                    mine.get(2).hash().bytes(),
                    mine.get(2).amount())
                .send())
        .hasMessage("LeafAgrees(seq=2, amount=%s)", mine.get(2).amount());
    // An inner node is no leaf, and a made-up node opens nothing
    refused(() ->
            disputer
                .slashWrongLeaf(
                    charged,
                    List.of(new Bond.Opening(Structs.sum(left), Structs.sum(right), false)),
                    BigInteger.ZERO,
                    left.hash().bytes(),
                    left.sum())
                .send())
        .hasMessage("NotALeaf(count=2)");
    Bond.Opening madeUp =
        new Bond.Opening(
            Structs.sum(left),
            Structs.sum(new ReceiptTree.Sum(right.hash(), right.sum().add(BigInteger.ONE))),
            true);
    refused(() -> disputer.slashWrongSum(charged, List.of(madeUp)).send())
        .hasMessageStartingWith("NotAnOpening(given=");
    // A debit of another tree
    Bond.DebitProof elsewhere =
        Structs.proof(batch, a.debit(), new DebitTree(List.of(a.debit())).proof(0));
    refused(() -> disputer.slashWrongSum(elsewhere, List.of(root)).send())
        .hasMessageStartingWith("NotInBatch(seq=1, root=");
    // A dispute that nobody upheld
    refused(() -> disputer.slashUpheldDispute(BigInteger.ONE).send()).hasMessage("NotUpheld(id=1)");
  }

  @Test
  void receiptsThatAgreeOrThatAnotherKeySignedAreNoConflict() throws Exception {
    Bond disputer = market.bond(DISPUTER);
    Receipt a = receipt(PAYER_1, 10, 10);
    Receipt b =
        new Receipt(
            a.requestId(),
            a.payer(),
            a.model(),
            a.adapter(),
            a.promptHash(),
            draws.bytes32(),
            a.tokensIn(),
            11,
            a.priceId(),
            a.amount(),
            a.traceHash(),
            a.timestamp());
    byte[] signedA = sign(OPERATOR, a);
    byte[] forgedB = sign(DISPUTER, b);
    refused(() -> conflict(disputer, a, signedA, a, signedA))
        .hasMessage("SameReceipt(receiptHash=%s)", a.hash());
    refused(() -> conflict(disputer, a, signedA, b, forgedB))
        .hasMessage("SignersDiffer(a=%s, b=%s)", of(OPERATOR), of(DISPUTER));
    refused(() -> conflict(disputer, a, sign(DISPUTER, a), b, forgedB))
        .hasMessage("NotLiable(signer=%s, until=0)", of(DISPUTER));
    Receipt other = receipt(PAYER_1, 3, 3);
    refused(() -> conflict(disputer, a, signedA, other, sign(OPERATOR, other)))
        .hasMessage("DifferentRequests(a=%s, b=%s)", a.requestId(), other.requestId());
  }

  @Test
  void anOperatorThatSignedTwoReceiptsForOneRequestIsSlashed() throws Exception {
    BigInteger value = market.allow(TestAccount.STAKER_1, market.deployment().bond(), FIVE);
    market.bond(TestAccount.STAKER_1).stake(FIVE, value).send();
    Receipt a = receipt(PAYER_1, 10, 10);
    Receipt b =
        new Receipt(
            a.requestId(),
            a.payer(),
            a.model(),
            a.adapter(),
            a.promptHash(),
            a.outputHash(),
            a.tokensIn(),
            11,
            a.priceId(),
            a.amount(),
            a.traceHash(),
            a.timestamp());
    Bond disputer = market.bond(DISPUTER);
    conflict(disputer, a, sign(OPERATOR, a), b, sign(OPERATOR, b));
    // A fifth is slashed, a tenth of that is the reporter's.
    assertThat(disputer.pool().send().component1()).isEqualTo(FIVE.subtract(OPEN));
    assertThat(disputer.owed(of(DISPUTER).toString()).send())
        .isEqualTo(OPEN.divide(BigInteger.TEN));
    refused(() -> conflict(disputer, a, sign(OPERATOR, a), b, sign(OPERATOR, b)))
        .hasMessageStartingWith("AlreadySlashed(faultId=0x");
  }

  private byte[] sign(TestAccount who, Receipt receipt) {
    return who.key().sign(market.deployment().domain().digest(receipt)).bytes();
  }

  private static void conflict(Bond bond, Receipt a, byte[] signedA, Receipt b, byte[] signedB)
      throws Exception {
    bond.slashConflictingReceipts(Structs.receipt(a), signedA, Structs.receipt(b), signedB).send();
  }
}
