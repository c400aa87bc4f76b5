package dev.openlora.settlement.chain;

import dev.openlora.settlement.chain.contract.MockGasPriceOracle;
import dev.openlora.settlement.chain.contract.MockToken;
import dev.openlora.settlement.proof.Address;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * A chain of our own for tests and demos: anvil as an OP Stack chain, the contracts deployed for
 * the native coin and for an ERC-20, and accounts with money whose keys everybody knows. Ends with
 * {@link #close} or with this process, unless it is {@linkplain #leave left} running. Any thread.
 */
public final class LocalChain implements AutoCloseable {
  public static final long CHAIN_ID = 1612;

  /** What each account holds of each coin, in the smallest unit: 10,000 with 18 decimals. */
  public static final BigInteger ENDOWMENT = BigInteger.TEN.pow(22);

  private static final BigInteger DISPUTE_BOND = BigInteger.TEN.pow(18);
  private static final int SLASH_BPS = 2000;
  private static final int REPORTER_BPS = 1000;

  /**
   * What stands on it.
   *
   * @param nativeCoin the settlement that takes the chain's own coin
   * @param erc20 the settlement that takes {@code token}
   */
  public record Contracts(Deployment nativeCoin, Deployment erc20, Address token) {}

  /**
   * @param port 0 for any free one
   * @param delays of both settlements
   * @param log where anvil writes what it says
   */
  public record Options(int port, DeploymentTerms.Delays delays, Path log) {
    /** Any port, and the shortest delays that the contracts take. */
    public static Options shortest(Path log) {
      return new Options(0, DeploymentTerms.Delays.SHORTEST, log);
    }

    public Options {
      if (port < 0 || port > 65_535) {
        throw new IllegalArgumentException("port: " + port + " (expected: 0..65535)");
      }
    }

    public Options withPort(int changed) {
      return new Options(changed, delays, log);
    }
  }

  private final Anvil anvil;
  private final Rpc rpc;
  private final Contracts contracts;
  private final Thread hook;
  private volatile boolean left;

  private LocalChain(Anvil anvil, Options options, Consumer<String> progress) {
    this.anvil = anvil;
    hook = new Thread(anvil::kill, "anvil-" + anvil.pid() + "-end");
    Runtime.getRuntime().addShutdownHook(hook);
    rpc = anvil.connect();
    try {
      contracts = deploy(options.delays(), progress);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /**
   * Fetches what is missing from npm, starts anvil and deploys.
   *
   * @param progress told what takes long
   */
  public static LocalChain start(
      ContractsFolder folder, Options options, Consumer<String> progress) {
    folder.install(progress);
    Anvil anvil =
        Anvil.start(
            folder.anvil(), CHAIN_ID, options.port(), TestAccount.values().length, options.log());
    return new LocalChain(anvil, options, progress);
  }

  private Contracts deploy(DeploymentTerms.Delays delays, Consumer<String> progress) {
    Sender sender = new Sender(rpc, TestAccount.DEPLOYER.key());
    Address mock = create(sender, MockGasPriceOracle.BINARY);
    rpc.request("anvil_setCode", GasPriceOracle.ADDRESS.toString(), rpc.code(mock));
    Address token = create(sender, MockToken.BINARY);
    MockToken minted = MockToken.load(token.toString(), rpc.web3j(), sender, Sender.gas(rpc));
    for (TestAccount account : TestAccount.values()) {
      sender.send(
          token,
          BigInteger.ZERO,
          minted.mint(account.key().address().toString(), ENDOWMENT).encodeFunctionCall());
      rpc.request(
          "anvil_setBalance", account.key().address().toString(), "0x" + ENDOWMENT.toString(16));
    }
    Deployer deployer = new Deployer(rpc, TestAccount.DEPLOYER.key());
    Deployment nativeCoin =
        deployer.deploy(terms(Address.ZERO, delays), line -> progress.accept("native: " + line));
    Deployment erc20 =
        deployer.deploy(terms(token, delays), line -> progress.accept("erc-20: " + line));
    return new Contracts(nativeCoin, erc20, token);
  }

  private static Address create(Sender sender, String binary) {
    return Address.parse(sender.send(null, BigInteger.ZERO, "0x" + binary).getContractAddress());
  }

  private static DeploymentTerms terms(Address asset, DeploymentTerms.Delays delays) {
    return new DeploymentTerms(
        asset,
        TestAccount.OWNER.key().address(),
        TestAccount.OPERATOR.key().address(),
        TestAccount.ARBITER.key().address(),
        Address.ZERO,
        TestAccount.TREASURY.key().address(),
        delays,
        DISPUTE_BOND,
        SLASH_BPS,
        REPORTER_BPS);
  }

  public Rpc rpc() {
    return rpc;
  }

  public Contracts contracts() {
    return contracts;
  }

  /** Process id of anvil. */
  public long pid() {
    return anvil.pid();
  }

  /** What another process needs to find and stop it. */
  public LocalChainState state() {
    return new LocalChainState(
        anvil.pid(),
        anvil.startedAt().map(Object::toString).orElse(""),
        anvil.uri().toString(),
        contracts);
  }

  /** Lets it run on after this process and after {@link #close}. */
  public void leave() {
    Runtime.getRuntime().removeShutdownHook(hook);
    left = true;
  }

  @Override
  public void close() {
    rpc.close();
    if (left) {
      return;
    }
    anvil.stop();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException shuttingDown) {
      // the hook runs already, and ends what has ended
    }
  }
}
