package dev.openlora.settlement.chain;

import java.math.BigInteger;

/**
 * What a unit of gas is offered now, in wei.
 *
 * @param max the most: room for the base fee to double
 */
record GasPrice(BigInteger base, BigInteger tip, BigInteger max) {
  static GasPrice now(Rpc rpc) {
    BigInteger base = rpc.block(Block.LATEST).getBaseFeePerGas();
    BigInteger tip = rpc.ask(rpc.web3j().ethMaxPriorityFeePerGas()).getMaxPriorityFeePerGas();
    return new GasPrice(base, tip, base.shiftLeft(1).add(tip));
  }

  /** What is paid if the base fee stays. */
  BigInteger expected() {
    return base.add(tip);
  }
}
