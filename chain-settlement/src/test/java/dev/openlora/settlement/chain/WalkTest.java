package dev.openlora.settlement.chain;

import static dev.openlora.settlement.chain.Market.of;
import static dev.openlora.settlement.chain.TestAccount.CONTRIBUTOR_1;
import static dev.openlora.settlement.chain.TestAccount.CONTRIBUTOR_2;
import static dev.openlora.settlement.chain.TestAccount.CONTRIBUTOR_3;
import static dev.openlora.settlement.chain.TestAccount.DISPUTER;
import static dev.openlora.settlement.chain.TestAccount.HOST;
import static dev.openlora.settlement.chain.TestAccount.MODEL_OWNER;
import static dev.openlora.settlement.chain.TestAccount.OPERATOR;
import static dev.openlora.settlement.chain.TestAccount.PAYER_1;
import static dev.openlora.settlement.chain.TestAccount.PAYER_2;
import static dev.openlora.settlement.chain.TestAccount.PAYER_3;
import static dev.openlora.settlement.chain.TestAccount.STAKER_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.Batch;
import dev.openlora.settlement.proof.Debit;
import dev.openlora.settlement.proof.DebitTree;
import dev.openlora.settlement.proof.Draws;
import dev.openlora.settlement.proof.PayoutTree;
import dev.openlora.settlement.proof.Receipt;
import dev.openlora.settlement.proof.ReceiptTree;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The money's way from deposits to claims, against books kept in integers beside it. */
class WalkTest {
  @RegisterExtension static final RunningChain CHAIN = new RunningChain();

  private static final List<TestAccount> PAYERS = List.of(PAYER_1, PAYER_2, PAYER_3);
  private static final List<TestAccount> EARNERS =
      List.of(MODEL_OWNER, HOST, CONTRIBUTOR_1, CONTRIBUTOR_2, CONTRIBUTOR_3, OPERATOR);
  private static final BigInteger INPUT_RATE =
      BigInteger.TEN.pow(15).multiply(BigInteger.valueOf(3));
  private static final BigInteger OUTPUT_RATE =
      BigInteger.TEN.pow(15).multiply(BigInteger.valueOf(7));
  private static final BigInteger THOUSAND = BigInteger.valueOf(1000);

  /** The books: what everybody paid in, spent, earned and took, in the smallest unit. */
  private static final class Books {
    private final Map<TestAccount, BigInteger> deposited = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, BigInteger> spent = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, Long> receipts = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, BigInteger> earned = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, BigInteger> claimed = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, BigInteger> withdrawn = new EnumMap<>(TestAccount.class);
    private final Map<TestAccount, BigInteger> start = new EnumMap<>(TestAccount.class);

    private static BigInteger sum(Map<TestAccount, BigInteger> amounts) {
      return amounts.values().stream().reduce(BigInteger.ZERO, BigInteger::add);
    }

    private static BigInteger get(Map<TestAccount, BigInteger> amounts, TestAccount account) {
      return amounts.getOrDefault(account, BigInteger.ZERO);
    }

    /** Shares a fee by weights 3, 2, 2, 1, 1, 1 of 10; what is left over goes to the first. */
    private void share(BigInteger fee) {
      int[] weights = {3, 2, 2, 1, 1, 1};
      BigInteger left = fee;
      for (int i = weights.length - 1; i > 0; i--) {
        BigInteger part = fee.multiply(BigInteger.valueOf(weights[i])).divide(BigInteger.TEN);
        earned.merge(EARNERS.get(i), part, BigInteger::add);
        left = left.subtract(part);
      }
      earned.merge(EARNERS.getFirst(), left, BigInteger::add);
    }

    private TreeMap<Address, BigInteger> payouts() {
      TreeMap<Address, BigInteger> payouts = new TreeMap<>();
      earned.forEach((account, amount) -> payouts.put(of(account), amount));
      return payouts;
    }
  }

  @Test
  void everyBalanceOfTheNativeCoinIsWhatTheBooksSay() throws Exception {
    walk(Market.ofNativeCoin(CHAIN), Draws.announced("native coin"));
  }

  @Test
  void everyBalanceOfTheTokenIsWhatTheBooksSay() throws Exception {
    walk(Market.ofToken(CHAIN), Draws.announced("token"));
  }

  private static void walk(Market market, Draws draws) throws Exception {
    Books books = new Books();
    for (TestAccount account : TestAccount.values()) {
      books.start.put(account, market.balance(of(account)));
    }
    market.paidBy(
        OPERATOR,
        market
            .prices(OPERATOR)
            .register(INPUT_RATE, OUTPUT_RATE, BigInteger.ZERO, BigInteger.ZERO)
            .send());
    for (TestAccount payer : PAYERS) {
      BigInteger amount = Market.OPEN.multiply(BigInteger.valueOf(100 + draws.below(900)));
      market.deposit(payer, amount);
      books.deposited.put(payer, amount);
    }
    // One payer signs itself, one by a session key, one has a limit on the chain.
    Settlement second = market.settlement(PAYER_2);
    market.paidBy(
        PAYER_2,
        second
            .addSessionKey(
                of(STAKER_1).toString(), Market.OPEN.multiply(THOUSAND), uint64(Market.NEVER))
            .send());
    market.paidBy(
        PAYER_3,
        market
            .settlement(PAYER_3)
            .setStandingLimit(of(OPERATOR).toString(), Market.OPEN.multiply(THOUSAND))
            .send());
    check(market, books);

    Batch first = serveAndPost(market, books, draws);
    Batch last = serveAndPost(market, books, draws);
    assertThat(last.prevHash()).isEqualTo(first.hash());
    check(market, books);

    PayoutTree payouts = new PayoutTree(books.payouts());
    BigInteger host = Books.get(books.earned, HOST);
    assertThatThrownBy(() -> market.claim(HOST, last, payouts, of(HOST), host))
        .isInstanceOf(SettlementError.class)
        .hasMessageStartingWith("ClaimTooEarly(seq=2, claimableAt=");
    CHAIN.pass(Market.DISPUTE_WINDOW_SECONDS);

    // Two claim themselves; a stranger claims for the others at once.
    for (TestAccount earner : List.of(HOST, CONTRIBUTOR_1)) {
      market.claim(earner, last, payouts, of(earner), Books.get(books.earned, earner));
      books.claimed.put(earner, Books.get(books.earned, earner));
      check(market, books);
    }
    List<Settlement.Payout> others = new ArrayList<>();
    for (TestAccount earner : EARNERS) {
      if (!books.claimed.containsKey(earner)) {
        books.claimed.put(earner, Books.get(books.earned, earner));
        others.add(
            new Settlement.Payout(
                of(earner).toString(),
                Books.get(books.earned, earner),
                Structs.bytes(payouts.proof(of(earner)))));
      }
    }
    market.paidBy(
        DISPUTER, market.settlement(DISPUTER).claimMany(Structs.settlement(last), others).send());
    check(market, books);
    assertThat(Books.sum(books.claimed)).isEqualTo(Books.sum(books.spent));

    // Whoever paid takes back what is left.
    for (TestAccount payer : PAYERS) {
      BigInteger rest = Books.get(books.deposited, payer).subtract(Books.get(books.spent, payer));
      market.paidBy(payer, market.settlement(payer).requestWithdrawal(rest).send());
    }
    CHAIN.pass(Market.WITHDRAW_DELAY_SECONDS);
    for (TestAccount payer : PAYERS) {
      market.paidBy(payer, market.settlement(payer).withdraw(of(payer).toString()).send());
      books.withdrawn.put(
          payer, Books.get(books.deposited, payer).subtract(Books.get(books.spent, payer)));
    }
    check(market, books);
    assertThat(market.balance(market.deployment().settlement())).isZero();
  }

  /** Requests of all payers in one batch; the roots are the contract's own. */
  private static Batch serveAndPost(Market market, Books books, Draws draws) throws Exception {
    List<Market.Charge> charges = new ArrayList<>();
    BigInteger total = BigInteger.ZERO;
    for (TestAccount payer : PAYERS) {
      List<Receipt> receipts = new ArrayList<>();
      int count = 1 + draws.below(40);
      for (int i = 0; i < count; i++) {
        receipts.add(receipt(draws, payer));
      }
      BigInteger sum =
          receipts.stream().map(Receipt::amount).reduce(BigInteger.ZERO, BigInteger::add);
      ReceiptTree tree = market.tree(of(payer), receipts);
      assertThat(tree.sum()).isEqualTo(sum);
      BigInteger limit = Books.get(books.spent, payer).add(sum);
      charges.add(
          switch (payer) {
            case PAYER_1 -> market.charge(payer, tree, limit);
            case PAYER_2 ->
                market.charge(
                    of(payer), STAKER_1.key(), market.deployment(), tree, limit, Market.NEVER);
            default -> market.unsigned(of(payer), tree);
          });
      books.spent.merge(payer, sum, BigInteger::add);
      books.receipts.merge(payer, (long) count, Long::sum);
      total = total.add(sum);
    }
    books.share(total);
    Batch batch = market.post(charges, books.payouts());
    assertThat(batch.charged()).isEqualTo(total);
    assertThat(batch.receiptsRoot())
        .isEqualTo(
            new DebitTree(
                    charges.stream()
                        .map(Market.Charge::debit)
                        .sorted(Comparator.comparing(Debit::payer))
                        .toList())
                .root());
    assertThat(market.settlement(OPERATOR).batchHash(uint64(batch.seq())).send())
        .isEqualTo(batch.hash().bytes());
    return batch;
  }

  private static Receipt receipt(Draws draws, TestAccount payer) {
    long tokensIn = draws.below(4000);
    long tokensOut = 1 + draws.below(1000);
    BigInteger rated =
        INPUT_RATE
            .multiply(BigInteger.valueOf(tokensIn))
            .add(OUTPUT_RATE.multiply(BigInteger.valueOf(tokensOut)));
    BigInteger amount = rated.add(THOUSAND).subtract(BigInteger.ONE).divide(THOUSAND);
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

  /** Every account and every counter of the contract. */
  private static void check(Market market, Books books) throws Exception {
    Settlement settlement = market.settlement(OPERATOR);
    for (TestAccount payer : PAYERS) {
      var account = settlement.account(of(payer).toString()).send();
      assertThat(account.component1())
          .isEqualTo(Books.get(books.deposited, payer).subtract(Books.get(books.withdrawn, payer)));
      assertThat(account.component2()).isEqualTo(Books.get(books.spent, payer));
      assertThat(account.component3().longValueExact())
          .isEqualTo(books.receipts.getOrDefault(payer, 0L));
    }
    assertThat(market.balance(market.deployment().settlement()))
        .isEqualTo(
            Books.sum(books.deposited)
                .subtract(Books.sum(books.claimed))
                .subtract(Books.sum(books.withdrawn)));
    var totals = settlement.totals().send();
    assertThat(totals.component1()).isEqualTo(Books.sum(books.spent));
    assertThat(totals.component2()).isEqualTo(Books.sum(books.claimed));
    assertThat(totals.component3()).isEqualTo(Books.sum(books.earned));
    for (TestAccount account : TestAccount.values()) {
      BigInteger change =
          Books.get(books.claimed, account)
              .add(Books.get(books.withdrawn, account))
              .subtract(Books.get(books.deposited, account));
      assertThat(market.balance(of(account)))
          .as("%s", account)
          .isEqualTo(market.expected(account, Books.get(books.start, account), change));
    }
  }

  private static BigInteger uint64(long value) {
    return BigInteger.valueOf(value);
  }
}
