package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.Bond;
import dev.openlora.settlement.chain.contract.Prices;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Address;
import dev.openlora.settlement.proof.SigningDomain;
import java.math.BigInteger;

/** Where the contracts of one operator and one asset are. */
public record Deployment(long chainId, Address settlement, Address prices, Address bond) {
  public SigningDomain domain() {
    return new SigningDomain(BigInteger.valueOf(chainId), settlement);
  }

  public Settlement settlement(Rpc rpc, Sender sender) {
    return Settlement.load(settlement.toString(), rpc.web3j(), sender, Sender.gas(rpc));
  }

  public Prices prices(Rpc rpc, Sender sender) {
    return Prices.load(prices.toString(), rpc.web3j(), sender, Sender.gas(rpc));
  }

  public Bond bond(Rpc rpc, Sender sender) {
    return Bond.load(bond.toString(), rpc.web3j(), sender, Sender.gas(rpc));
  }
}
