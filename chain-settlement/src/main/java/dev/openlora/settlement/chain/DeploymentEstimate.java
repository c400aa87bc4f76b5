package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.util.List;

/**
 * What a deployment would cost now, in wei of the chain's native coin. Nothing has been sent.
 *
 * @param balance what the deployer holds
 * @param gasPrice base fee and tip, per unit of gas
 * @param isOpStack false: no GasPriceOracle is there, so no fee for data is known
 */
public record DeploymentEstimate(
    long chainId,
    Address deployer,
    BigInteger balance,
    BigInteger gasPrice,
    boolean isOpStack,
    List<Step> steps) {
  /**
   * One transaction.
   *
   * @param address where the contract will be if the deployer sends nothing else before
   * @param gas units
   * @param dataFee for L1 or whatever holds the chain's data, in wei
   * @param operatorFee of the chain's operator, in wei
   */
  public record Step(
      String contract,
      Address address,
      BigInteger gas,
      BigInteger dataFee,
      BigInteger operatorFee) {
    public BigInteger fee(BigInteger gasPrice) {
      return gas.multiply(gasPrice).add(dataFee).add(operatorFee);
    }
  }

  public BigInteger fee() {
    return steps.stream().map(step -> step.fee(gasPrice)).reduce(BigInteger.ZERO, BigInteger::add);
  }
}
