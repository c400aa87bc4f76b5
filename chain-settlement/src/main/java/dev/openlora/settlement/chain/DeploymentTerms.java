package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.time.Duration;

/**
 * What a settlement, its price list and its bond are made with. The contracts check the ranges.
 *
 * @param asset an ERC-20; {@link Address#ZERO} for the native coin
 * @param owner may change operator and arbiter, and touches no money
 * @param operator posts batches and signs receipts
 * @param arbiter decides disputes
 * @param permit2 {@link Address#ZERO} for no Permit2 route
 * @param treasury gets what a slash takes and the reporter does not
 * @param disputeBond in the smallest unit of the asset
 */
public record DeploymentTerms(
    Address asset,
    Address owner,
    Address operator,
    Address arbiter,
    Address permit2,
    Address treasury,
    Delays delays,
    BigInteger disputeBond,
    int slashBps,
    int reporterBps) {
  private static final int BOND_BITS = 96;

  /**
   * In whole seconds.
   *
   * @param withdraw for withdrawals, limit cuts and key removals
   * @param disputeWindow after a post, before its payouts can be claimed
   * @param resolve a dispute that nobody decided ends after it
   * @param abandon without a post, before the contract may be wound down
   * @param unbonding for stake; at least disputeWindow and resolve together
   */
  public record Delays(
      Duration withdraw,
      Duration disputeWindow,
      Duration resolve,
      Duration abandon,
      Duration unbonding) {
    /** The shortest that the contracts take: for a chain where people wait for them. */
    static final Delays SHORTEST =
        new Delays(
            Duration.ofMinutes(15),
            Duration.ofMinutes(1),
            Duration.ofMinutes(1),
            Duration.ofDays(45),
            Duration.ofMinutes(2));
  }

  public DeploymentTerms {
    required("owner", owner);
    required("operator", operator);
    required("arbiter", arbiter);
    required("treasury", treasury);
    if (disputeBond.signum() < 0 || disputeBond.bitLength() > BOND_BITS) {
      throw new IllegalArgumentException(
          "disputeBond: " + disputeBond + " (expected: 0.." + "2^" + BOND_BITS + " - 1)");
    }
    share("slashBps", slashBps);
    share("reporterBps", reporterBps);
  }

  private static void required(String field, Address address) {
    if (address.equals(Address.ZERO)) {
      throw new IllegalArgumentException(
          field + ": the zero address (expected: one that somebody holds)");
    }
  }

  private static void share(String field, int bps) {
    if (bps < 0 || bps > 10_000) {
      throw new IllegalArgumentException(field + ": " + bps + " (expected: 0..10000)");
    }
  }

  Settlement.Terms settlement() {
    return new Settlement.Terms(
        asset.toString(),
        owner.toString(),
        operator.toString(),
        arbiter.toString(),
        permit2.toString(),
        seconds(delays.withdraw),
        seconds(delays.disputeWindow),
        seconds(delays.resolve),
        seconds(delays.abandon),
        disputeBond);
  }

  static BigInteger seconds(Duration delay) {
    return BigInteger.valueOf(delay.toSeconds());
  }
}
