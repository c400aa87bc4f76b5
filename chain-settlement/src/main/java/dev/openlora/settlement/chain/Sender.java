package dev.openlora.settlement.chain;

import dev.openlora.settlement.proof.Address;
import java.io.IOException;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.web3j.crypto.RawTransaction;
import org.web3j.crypto.TransactionEncoder;
import org.web3j.protocol.core.DefaultBlockParameter;
import org.web3j.protocol.core.methods.response.EthGetCode;
import org.web3j.protocol.core.methods.response.EthSendTransaction;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.protocol.exceptions.TransactionException;
import org.web3j.tx.TransactionManager;
import org.web3j.tx.gas.ContractEIP1559GasProvider;
import org.web3j.tx.gas.DefaultGasProvider;
import org.web3j.utils.Numeric;

/**
 * Sends one key's transactions, one after the other, and waits for each. Every call is tried on the
 * chain first, so a refusal is a {@link SettlementError} and costs nothing. Remembers nothing over
 * a restart: for deploying, tests and demos, not for a settler. Any thread.
 */
public final class Sender extends TransactionManager {
  private static final Duration POLL = Duration.ofMillis(500);
  private static final Duration MINED_MAX = Duration.ofMinutes(3);
  private static final BigInteger GAS_CAP = BigInteger.valueOf(16_777_216); // EIP-7825

  private final Rpc rpc;
  private final Key key;
  private final long chainId;
  private final ReentrantLock lane = new ReentrantLock();

  public Sender(Rpc rpc, Key key) {
    super(rpc.web3j(), (int) MINED_MAX.dividedBy(POLL), POLL.toMillis(), key.address().toString());
    this.rpc = rpc;
    this.key = key;
    chainId = rpc.chainId();
  }

  public Address address() {
    return key.address();
  }

  /**
   * @param to null to create a contract
   * @return the receipt of a transaction that did what it should
   */
  TransactionReceipt send(@Nullable Address to, BigInteger value, String data) {
    try {
      return processResponse(submit(to, value, data));
    } catch (IOException | TransactionException e) {
      throw new ChainException("sending from " + address() + ": " + e.getMessage(), e);
    }
  }

  private EthSendTransaction submit(@Nullable Address to, BigInteger value, String data) {
    Rpc.Call call = new Rpc.Call(address(), to, value, data);
    lane.lock();
    try {
      BigInteger gas = gasLimit(rpc.estimateGas(call, Map.of()));
      GasPrice price = GasPrice.now(rpc);
      RawTransaction transaction =
          RawTransaction.createTransaction(
              chainId,
              rpc.nextNonce(address()),
              gas,
              to == null ? null : to.toString(),
              value,
              data,
              price.tip(),
              price.max());
      byte[] signed = TransactionEncoder.signMessage(transaction, key.credentials());
      return rpc.ask(rpc.web3j().ethSendRawTransaction(Numeric.toHexString(signed)));
    } finally {
      lane.unlock();
    }
  }

  /** A fifth above the estimate: storage may have changed until it is mined. */
  static BigInteger gasLimit(BigInteger estimate) {
    BigInteger limit = estimate.multiply(BigInteger.valueOf(6)).divide(BigInteger.valueOf(5));
    if (estimate.compareTo(GAS_CAP) > 0) {
      throw new ChainException("gas: " + estimate + " (expected: at most " + GAS_CAP + ")");
    }
    return limit.min(GAS_CAP);
  }

  @Override
  protected TransactionReceipt processResponse(EthSendTransaction sent)
      throws IOException, TransactionException {
    TransactionReceipt receipt = super.processResponse(sent);
    if (!receipt.isStatusOK()) {
      throw failed(receipt);
    }
    return receipt;
  }

  /** Runs a mined and failed transaction once more, for the reason. */
  private ChainException failed(TransactionReceipt receipt) {
    org.web3j.protocol.core.methods.response.Transaction sent =
        rpc.ask(rpc.web3j().ethGetTransactionByHash(receipt.getTransactionHash()))
            .getTransaction()
            .orElseThrow(() -> new ChainException(receipt.getTransactionHash() + " is gone"));
    Address to = sent.getTo() == null ? null : Address.parse(sent.getTo());
    try {
      rpc.call(
          new Rpc.Call(address(), to, sent.getValue(), sent.getInput()),
          DefaultBlockParameter.valueOf(receipt.getBlockNumber()));
    } catch (ChainException reason) {
      return reason;
    }
    return new ChainException("failed when mined: " + receipt.getTransactionHash());
  }

  // For the wrappers. Gas and prices are found out at the time, so what they hand over is not used.

  static ContractEIP1559GasProvider gas(Rpc rpc) {
    return new GasOnDemand(rpc.chainId());
  }

  @Override
  public EthSendTransaction sendEIP1559Transaction(
      long chain,
      BigInteger tip,
      BigInteger max,
      BigInteger gas,
      @Nullable String to,
      String data,
      BigInteger value,
      boolean constructor) {
    return submit(to == null || to.isEmpty() ? null : Address.parse(to), value, data);
  }

  @Override
  public EthSendTransaction sendTransaction(
      BigInteger price,
      BigInteger gas,
      @Nullable String to,
      String data,
      BigInteger value,
      boolean constructor) {
    return submit(to == null || to.isEmpty() ? null : Address.parse(to), value, data);
  }

  @Override
  public String sendCall(String to, String data, DefaultBlockParameter at) {
    return rpc.call(new Rpc.Call(address(), Address.parse(to), BigInteger.ZERO, data), at);
  }

  @Override
  public EthGetCode getCode(String contract, DefaultBlockParameter at) {
    return rpc.ask(rpc.web3j().ethGetCode(contract, at));
  }

  /** Makes the wrappers take the way of EIP-1559. */
  private static final class GasOnDemand extends DefaultGasProvider
      implements ContractEIP1559GasProvider {
    private final long chainId;

    private GasOnDemand(long chainId) {
      this.chainId = chainId;
    }

    @Override
    public long getChainId() {
      return chainId;
    }

    @Override
    public BigInteger getMaxFeePerGas() {
      return BigInteger.ZERO;
    }

    @Override
    public BigInteger getMaxPriorityFeePerGas() {
      return BigInteger.ZERO;
    }
  }
}
