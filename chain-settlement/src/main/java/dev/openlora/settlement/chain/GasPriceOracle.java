package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.util.List;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.datatypes.DynamicBytes;
import org.web3j.abi.datatypes.Function;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Uint256;
import org.web3j.utils.Numeric;

/** What an OP Stack chain asks above the gas: its predeployed contract knows. */
final class GasPriceOracle {
  static final Address ADDRESS = Address.parse("0x420000000000000000000000000000000000000F");

  private final Rpc rpc;

  GasPriceOracle(Rpc rpc) {
    this.rpc = rpc;
  }

  boolean exists() {
    return rpc.hasCode(ADDRESS);
  }

  /** In wei, for a transaction without its signature. */
  BigInteger dataFee(byte[] unsigned) {
    return ask("getL1Fee", new DynamicBytes(unsigned));
  }

  /** In wei; 0 on chains from before there was one. */
  BigInteger operatorFee(BigInteger gas) {
    try {
      return ask("getOperatorFee", new Uint256(gas));
    } catch (SettlementError beforeIsthmus) {
      return BigInteger.ZERO;
    }
  }

  private BigInteger ask(String function, Type<?> argument) {
    String data = FunctionEncoder.encode(new Function(function, List.of(argument), List.of()));
    String answer = rpc.call(new Rpc.Call(Address.ZERO, ADDRESS, BigInteger.ZERO, data));
    return Numeric.toBigInt(answer);
  }
}
