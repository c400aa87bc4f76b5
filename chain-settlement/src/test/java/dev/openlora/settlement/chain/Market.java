package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.Bond;
import dev.openlora.settlement.chain.contract.MockToken;
import dev.openlora.settlement.chain.contract.Prices;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Batch;
import dev.openlora.settlement.proof.Bytes32;
import dev.openlora.settlement.proof.Debit;
import dev.openlora.settlement.proof.PayoutTree;
import dev.openlora.settlement.proof.Receipt;
import dev.openlora.settlement.proof.ReceiptTree;
import dev.openlora.settlement.proof.SpendingLimit;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.web3j.crypto.Hash;
import org.web3j.protocol.core.methods.response.TransactionReceipt;

/** One settlement and the people around it: what each of them sends, and what it cost in gas. */
final class Market {
  static final BigInteger OPEN = BigInteger.TEN.pow(18);
  static final long NEVER = Long.MAX_VALUE;
  static final long DISPUTE_WINDOW_SECONDS = 60;
  static final long WITHDRAW_DELAY_SECONDS = 15 * 60;

  private static final byte[] DA_COMMITMENT = {3, 0, (byte) 0xC0, (byte) 0xFF, (byte) 0xEE};
  private static final BigInteger DELTA_UNIT = BigInteger.TWO.pow(160);
  private static final BigInteger LIMIT_UNIT = BigInteger.TWO.pow(64);

  private final RunningChain chain;
  private final Deployment deployment;
  private final boolean isNative;
  private final Map<TestAccount, BigInteger> gasPaid = new HashMap<>();

  private Market(RunningChain chain, Deployment deployment, boolean isNative) {
    this.chain = chain;
    this.deployment = deployment;
    this.isNative = isNative;
  }

  static Market ofNativeCoin(RunningChain chain) {
    return new Market(chain, chain.chain().contracts().nativeCoin(), true);
  }

  static Market ofToken(RunningChain chain) {
    return new Market(chain, chain.chain().contracts().erc20(), false);
  }

  Deployment deployment() {
    return deployment;
  }

  boolean isNative() {
    return isNative;
  }

  Settlement settlement(TestAccount as) {
    return deployment.settlement(chain.rpc(), chain.sender(as));
  }

  Bond bond(TestAccount as) {
    return deployment.bond(chain.rpc(), chain.sender(as));
  }

  Prices prices(TestAccount as) {
    return deployment.prices(chain.rpc(), chain.sender(as));
  }

  static Address of(TestAccount account) {
    return account.key().address();
  }

  /** Books the gas of a transaction with whoever sent it. */
  TransactionReceipt paidBy(TestAccount sender, TransactionReceipt receipt) {
    BigInteger price = new BigInteger(receipt.getEffectiveGasPrice().substring(2), 16);
    gasPaid.merge(sender, receipt.getGasUsed().multiply(price), BigInteger::add);
    return receipt;
  }

  BigInteger gasPaid(TestAccount account) {
    return gasPaid.getOrDefault(account, BigInteger.ZERO);
  }

  /** Of the asset. */
  BigInteger balance(Address account) {
    return isNative
        ? chain.rpc().balance(account, Block.LATEST)
        : chain.rpc().tokenBalance(chain.chain().contracts().token(), account);
  }

  /** What an account held at first and would hold now if the asset moved by {@code change}. */
  BigInteger expected(TestAccount account, BigInteger start, BigInteger change) {
    return start.add(change).subtract(isNative ? gasPaid(account) : BigInteger.ZERO);
  }

  /** Lets a contract take an amount; returns the value that the call has to carry. */
  BigInteger allow(TestAccount from, Address contract, BigInteger amount) throws Exception {
    if (isNative) {
      return amount;
    }
    MockToken token =
        MockToken.load(
            chain.chain().contracts().token().toString(),
            chain.rpc().web3j(),
            chain.sender(from),
            Sender.gas(chain.rpc()));
    paidBy(from, token.approve(contract.toString(), amount).send());
    return BigInteger.ZERO;
  }

  void deposit(TestAccount payer, BigInteger amount) throws Exception {
    depositFor(of(payer), payer, amount);
  }

  void depositFor(Address payer, TestAccount from, BigInteger amount) throws Exception {
    BigInteger value = allow(from, deployment.settlement(), amount);
    paidBy(from, settlement(from).deposit(payer.toString(), amount, value).send());
  }

  BigInteger spent(Address payer) throws Exception {
    return settlement(TestAccount.OPERATOR).account(payer.toString()).send().component2();
  }

  long nextSeq(Address payer) throws Exception {
    return settlement(TestAccount.OPERATOR)
        .account(payer.toString())
        .send()
        .component3()
        .longValueExact();
  }

  /** A debit and what the payer allowed for it. */
  record Charge(Debit debit, Settlement.Debit struct) {}

  /** Signed by the payer for exactly what it will have spent. */
  Charge charge(TestAccount payer, List<Receipt> receipts) throws Exception {
    ReceiptTree tree = tree(of(payer), receipts);
    return charge(payer, tree, spent(of(payer)).add(tree.sum()));
  }

  Charge charge(TestAccount payer, ReceiptTree tree, BigInteger limit) throws Exception {
    return charge(of(payer), payer.key(), deployment, tree, limit, NEVER);
  }

  /**
   * @param signedFor where the signature counts
   */
  Charge charge(
      Address payer,
      Key signer,
      Deployment signedFor,
      ReceiptTree tree,
      BigInteger limit,
      long expiry)
      throws Exception {
    SpendingLimit allowed =
        new SpendingLimit(payer, signer.address(), of(TestAccount.OPERATOR), limit, expiry);
    Signature signature = signer.sign(signedFor.domain().digest(allowed));
    return charge(payer, signer.address(), tree, limit, expiry, signature.r(), signature.vs());
  }

  /** On what the chain allows, without a signature. */
  Charge unsigned(Address payer, ReceiptTree tree) throws Exception {
    return charge(payer, Address.ZERO, tree, BigInteger.ZERO, 0, Bytes32.ZERO, Bytes32.ZERO);
  }

  private Charge charge(
      Address payer,
      Address signer,
      ReceiptTree tree,
      BigInteger limit,
      long expiry,
      Bytes32 r,
      Bytes32 vs)
      throws Exception {
    Debit debit = Debit.of(payer, nextSeq(payer), tree);
    BigInteger amounts =
        debit
            .delta()
            .multiply(DELTA_UNIT)
            .add(limit.multiply(LIMIT_UNIT))
            .add(BigInteger.valueOf(expiry));
    return new Charge(
        debit,
        new Settlement.Debit(
            payer.toString(),
            signer.toString(),
            amounts,
            BigInteger.valueOf(debit.count()),
            debit.subRoot().bytes(),
            r.bytes(),
            vs.bytes()));
  }

  ReceiptTree tree(Address payer, List<Receipt> receipts) throws Exception {
    return new ReceiptTree(nextSeq(payer), receipts.stream().map(ReceiptTree.Entry::of).toList());
  }

  /** What the operator states next. */
  Settlement.Post nextPost(PayoutTree payouts) throws Exception {
    Settlement settlement = settlement(TestAccount.OPERATOR);
    BigInteger last = settlement.lastSeq().send();
    return new Settlement.Post(
        last.add(BigInteger.ONE),
        settlement.batchHash(last).send(),
        payouts.root().bytes(),
        payouts.total(),
        settlement.lastPeriodEnd().send(),
        BigInteger.valueOf(chain.rpc().time()),
        Hash.sha3(DA_COMMITMENT));
  }

  /** Sends a post as it is; returns the batch that its event tells. */
  Batch send(Settlement.Post post, List<Charge> charges) throws Exception {
    TransactionReceipt receipt =
        settlement(TestAccount.OPERATOR)
            .post(post, DA_COMMITMENT, charges.stream().map(Charge::struct).toList())
            .send();
    paidBy(TestAccount.OPERATOR, receipt);
    return Structs.batch(Settlement.getPostedEvents(receipt).getFirst().batch);
  }

  Batch post(List<Charge> charges, SortedMap<Address, BigInteger> payouts) throws Exception {
    List<Charge> rising = new ArrayList<>(charges);
    rising.sort(Comparator.comparing(charge -> charge.debit().payer()));
    return send(nextPost(new PayoutTree(payouts)), rising);
  }

  void claim(TestAccount as, Batch batch, PayoutTree payouts, Address who, BigInteger cumulative)
      throws Exception {
    paidBy(
        as,
        settlement(as)
            .claim(
                Structs.settlement(batch),
                who.toString(),
                cumulative,
                Structs.bytes(payouts.proof(who)))
            .send());
  }
}
