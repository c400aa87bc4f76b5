package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.Bond;
import dev.openlora.settlement.chain.contract.Prices;
import dev.openlora.settlement.chain.contract.Settlement;
import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.web3j.abi.FunctionEncoder;
import org.web3j.abi.datatypes.Type;
import org.web3j.abi.datatypes.generated.Uint16;
import org.web3j.abi.datatypes.generated.Uint64;
import org.web3j.crypto.ContractUtils;
import org.web3j.crypto.RawTransaction;
import org.web3j.crypto.TransactionEncoder;
import org.web3j.utils.Numeric;

/** Puts a settlement, its price list and its bond on a chain with one key. Any thread. */
public final class Deployer {
  private static final int CONTRACTS = 3;

  private final Rpc rpc;
  private final Key key;

  public Deployer(Rpc rpc, Key key) {
    this.rpc = rpc;
    this.key = key;
  }

  /** Finds out what it would cost and whether the contracts take the terms; sends nothing. */
  public DeploymentEstimate estimate(DeploymentTerms terms) {
    GasPriceOracle oracle = new GasPriceOracle(rpc);
    boolean isOpStack = oracle.exists();
    long chainId = rpc.chainId();
    GasPrice price = GasPrice.now(rpc);
    BigInteger nonce = rpc.nextNonce(key.address());
    Deployment planned = planned(chainId, nonce);
    // The bond asks the settlement for its terms when it is made, so it must seem to be there.
    String settlementCode = rpc.call(creation(settlementCode(terms)));
    List<DeploymentEstimate.Step> steps = new ArrayList<>();
    for (Contract contract : contracts(terms, planned)) {
      Map<Address, Map<String, String>> before =
          steps.isEmpty()
              ? Map.of()
              : Map.of(
                  planned.settlement(), Map.of("code", settlementCode),
                  key.address(), Map.of("nonce", Numeric.encodeQuantity(nonce)));
      BigInteger gas = rpc.estimateGas(creation(contract.code()), before);
      byte[] unsigned =
          TransactionEncoder.encode(
              RawTransaction.createTransaction(
                  chainId,
                  nonce,
                  Sender.gasLimit(gas),
                  null,
                  BigInteger.ZERO,
                  contract.code(),
                  price.tip(),
                  price.max()));
      steps.add(
          new DeploymentEstimate.Step(
              contract.name(),
              contract.address(),
              gas,
              isOpStack ? oracle.dataFee(unsigned) : BigInteger.ZERO,
              isOpStack ? oracle.operatorFee(gas) : BigInteger.ZERO));
      nonce = nonce.add(BigInteger.ONE);
    }
    return new DeploymentEstimate(
        chainId,
        key.address(),
        rpc.balance(key.address(), Block.LATEST),
        price.expected(),
        isOpStack,
        steps);
  }

  /**
   * Sends three transactions and waits for each.
   *
   * @param progress told of each contract when it stands
   */
  public Deployment deploy(DeploymentTerms terms, Consumer<String> progress) {
    Sender sender = new Sender(rpc, key);
    Deployment planned = planned(rpc.chainId(), rpc.nextNonce(key.address()));
    for (Contract contract : contracts(terms, planned)) {
      String address = sender.send(null, BigInteger.ZERO, contract.code()).getContractAddress();
      if (!Address.parse(address).equals(contract.address())) {
        throw new ChainException(
            contract.name()
                + ": at "
                + address
                + " (expected: "
                + contract.address()
                + "; does something else send with this key?)");
      }
      progress.accept(contract.name() + " " + contract.address());
    }
    return planned;
  }

  private record Contract(String name, Address address, String code) {}

  private Deployment planned(long chainId, BigInteger nonce) {
    Address[] addresses = new Address[CONTRACTS];
    for (int i = 0; i < CONTRACTS; i++) {
      addresses[i] =
          Address.of(
              ContractUtils.generateContractAddress(
                  key.address().bytes(), nonce.add(BigInteger.valueOf(i))));
    }
    return new Deployment(chainId, addresses[0], addresses[1], addresses[2]);
  }

  private static List<Contract> contracts(DeploymentTerms terms, Deployment planned) {
    return List.of(
        new Contract("Settlement", planned.settlement(), settlementCode(terms)),
        new Contract("Prices", planned.prices(), pricesCode(planned)),
        new Contract("Bond", planned.bond(), bondCode(terms, planned)));
  }

  private static String settlementCode(DeploymentTerms terms) {
    return code(Settlement.BINARY, List.of(terms.settlement()));
  }

  private static String pricesCode(Deployment planned) {
    return code(Prices.BINARY, List.of(abi(planned.settlement())));
  }

  private static String bondCode(DeploymentTerms terms, Deployment planned) {
    return code(
        Bond.BINARY,
        List.of(
            abi(planned.settlement()),
            abi(planned.prices()),
            abi(terms.treasury()),
            new Uint64(DeploymentTerms.seconds(terms.delays().unbonding())),
            new Uint16(terms.slashBps()),
            new Uint16(terms.reporterBps())));
  }

  @SuppressWarnings("rawtypes") // web3j's encoder takes raw types
  private static String code(String binary, List<Type> arguments) {
    return "0x" + binary + FunctionEncoder.encodeConstructor(arguments);
  }

  private static org.web3j.abi.datatypes.Address abi(Address address) {
    return new org.web3j.abi.datatypes.Address(address.toString());
  }

  private Rpc.Call creation(String code) {
    return new Rpc.Call(key.address(), null, BigInteger.ZERO, code);
  }
}
