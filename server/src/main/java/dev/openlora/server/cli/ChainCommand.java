package dev.openlora.server.cli;

import dev.openlora.settlement.chain.Block;
import dev.openlora.settlement.chain.ChainException;
import dev.openlora.settlement.chain.ContractsFolder;
import dev.openlora.settlement.chain.Deployer;
import dev.openlora.settlement.chain.Deployment;
import dev.openlora.settlement.chain.DeploymentEstimate;
import dev.openlora.settlement.chain.DeploymentTerms;
import dev.openlora.settlement.chain.Key;
import dev.openlora.settlement.chain.LocalChain;
import dev.openlora.settlement.chain.LocalChainState;
import dev.openlora.settlement.chain.Rpc;
import dev.openlora.settlement.chain.TestAccount;
import dev.openlora.settlement.proof.Address;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A local chain with the settlement contracts, and their deployment to any other. */
@Command(
    name = "chain",
    mixinStandardHelpOptions = true,
    description = "Run a local chain with the settlement contracts; deploy them to another.",
    subcommands = {
      ChainCommand.Start.class,
      ChainCommand.Status.class,
      ChainCommand.Stop.class,
      ChainCommand.Deploy.class
    })
final class ChainCommand implements Runnable {
  private static final int COIN_DECIMALS = 18;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "chain: start, status, stop or deploy?");
  }

  /** Where the running chain is written down. */
  static final class Folder {
    @Option(
        names = "--dir",
        paramLabel = "DIR",
        description = "folder of its state and log (default: 'chain' in the cache, or else here)")
    private @Nullable Path dir;

    Path path() {
      String cache = System.getenv().getOrDefault("OPENLORA_CACHE_DIR", "");
      return dir != null ? dir : Path.of(cache, "chain").toAbsolutePath();
    }

    Path state() {
      return path().resolve("chain.json");
    }

    LocalChainState running() throws IOException {
      LocalChainState state =
          LocalChainState.read(state())
              .orElseThrow(
                  () -> new CommandFailure(1, "chain: none runs in " + path() + " (start one)"));
      if (!state.isAlive()) {
        throw new CommandFailure(
            1, "chain: process " + state.pid() + " of " + state() + " is gone (start it again)");
      }
      return state;
    }
  }

  /** Leaves anvil running. */
  @Command(
      name = "start",
      mixinStandardHelpOptions = true,
      description = {
        "Start a local OP Stack chain (anvil) in the background, deploy the contracts for the",
        "native coin and for an ERC-20, and print where they are. Its accounts are anvil's: their",
        "keys are known to everybody, for tests only. Needs Node.js with npm the first time."
      })
  static final class Start implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Option(
        names = "--port",
        paramLabel = "N",
        defaultValue = "8545",
        description = "port on 127.0.0.1, 0 for any free one (default: ${DEFAULT-VALUE})")
    private int port;

    @Override
    public Integer call() {
      return doing(() -> {
        Files.createDirectories(folder.path());
        try (FileChannel channel =
                FileChannel.open(
                    folder.path().resolve("chain.lock"),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock()) {
          if (lock == null) {
            throw new CommandFailure(1, "chain: another start in " + folder.path() + " goes on");
          }
          LocalChainState before = LocalChainState.read(folder.state()).orElse(null);
          if (before != null && before.isAlive()) {
            throw new CommandFailure(
                1, "chain: runs already, process " + before.pid() + " at " + before.rpc());
          }
          start();
        }
        return 0;
      });
    }

    private void start() throws IOException {
      PrintWriter err = spec.commandLine().getErr();
      LocalChain.Options options =
          LocalChain.Options.shortest(folder.path().resolve("anvil.log")).withPort(port);
      try (LocalChain chain =
          LocalChain.start(
              ContractsFolder.under(Path.of(System.getProperty("openlora.root", ""))),
              options,
              line -> {
                err.println(line);
                err.flush();
              })) {
        // Written before the chain is let go: nothing runs that no file names.
        chain.state().write(folder.state());
        chain.leave();
        print(spec.commandLine().getOut(), chain.state());
      }
    }
  }

  /** What runs, and who holds what. */
  @Command(
      name = "status",
      mixinStandardHelpOptions = true,
      description = "Show the local chain's blocks, contracts and balances; status 1 if none runs.")
  static final class Status implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Override
    public Integer call() {
      return doing(() -> {
        LocalChainState state = folder.running();
        PrintWriter out = spec.commandLine().getOut();
        print(out, state);
        try (Rpc rpc = state.connect()) {
          out.printf(
              "blocks      latest %s, safe %s, finalized %s%n",
              rpc.height(Block.LATEST), rpc.height(Block.SAFE), rpc.height(Block.FINALIZED));
          out.printf("%-16s %-42s %26s %26s%n", "balances", "", "OPEN", "mOPEN");
          for (TestAccount account : TestAccount.values()) {
            Address address = account.key().address();
            out.printf(
                "  %-14s %s %26s %26s%n",
                account,
                address,
                coins(rpc.balance(address, Block.LATEST)),
                coins(rpc.tokenBalance(state.contracts().token(), address)));
          }
        }
        out.flush();
        return 0;
      });
    }
  }

  /** Ends anvil. */
  @Command(
      name = "stop",
      mixinStandardHelpOptions = true,
      description = "Stop the local chain; what happened on it is gone.")
  static final class Stop implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private Folder folder = new Folder();

    @Override
    public Integer call() {
      return doing(() -> {
        LocalChainState state =
            LocalChainState.read(folder.state())
                .orElseThrow(() -> new CommandFailure(1, "chain: none runs in " + folder.path()));
        boolean ran = state.stop();
        Files.delete(folder.state());
        PrintWriter out = spec.commandLine().getOut();
        out.printf("chain: process %d %s%n", state.pid(), ran ? "stopped" : "was gone already");
        out.flush();
        return 0;
      });
    }
  }

  /** Sends three transactions, or says what they would cost. */
  @Command(
      name = "deploy",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Deploy settlement, price list and bond with one key. --dry-run sends nothing and says",
        "what it would cost. OpenLedger: chain 161201 (testnet), 1612 (mainnet)."
      })
  static final class Deploy implements Callable<Integer> {
    private static final long MAINNET = 1612;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(names = "--rpc", required = true, paramLabel = "URL", description = "JSON-RPC endpoint")
    private String rpc = "";

    @Option(
        names = "--key-file",
        required = true,
        paramLabel = "FILE",
        description = "the deployer's private key, in hexadecimal; readable by its owner alone")
    private Path keyFile = Path.of("");

    @Option(
        names = "--terms",
        required = true,
        paramLabel = "FILE",
        description = {
          "YAML: owner, operator, arbiter, treasury (addresses in quotes); asset and permit2 or",
          "neither; withdrawDelaySeconds, disputeWindowSeconds, resolvePeriodSeconds,",
          "abandonDelaySeconds, unbondingDelaySeconds; disputeBond (digits in quotes, smallest",
          "unit); slashBps, reporterBps"
        })
    private Path terms = Path.of("");

    @Option(names = "--dry-run", description = "estimate gas and fees, and send nothing")
    private boolean isDryRun;

    @Option(names = "--yes", description = "do not ask before sending")
    private boolean isAgreed;

    @Option(names = "--mainnet", description = "chain 1612 is meant: the money is real")
    private boolean isMainnetMeant;

    @Override
    public Integer call() {
      return doing(() -> {
        DeploymentTerms wanted = TermsFile.read(terms);
        Deployer deployer;
        try (Rpc connection = Rpc.open(URI.create(rpc))) {
          long chainId = connection.chainId();
          if (chainId == MAINNET && !isMainnetMeant) {
            throw new CommandFailure(
                2,
                "--rpc: chain 1612 is OpenLedger's mainnet (expected: --mainnet, if it is meant)");
          }
          if (chainId != MAINNET && isMainnetMeant) {
            throw new CommandFailure(2, "--mainnet: " + rpc + " is chain " + chainId);
          }
          deployer = new Deployer(connection, Key.read(keyFile));
          DeploymentEstimate estimate = deployer.estimate(wanted);
          print(estimate);
          if (isDryRun) {
            return 0;
          }
          if (estimate.fee().compareTo(estimate.balance()) > 0) {
            throw new CommandFailure(1, "chain deploy: the deployer holds too little");
          }
          agree(chainId);
          send(deployer, wanted);
        }
        return 0;
      });
    }

    private void agree(long chainId) {
      if (isAgreed) {
        return;
      }
      Console console = System.console();
      if (console == null || !console.isTerminal()) {
        throw new CommandFailure(2, "chain deploy: nobody to ask (expected: --yes, or --dry-run)");
      }
      String answer = console.readLine("Send these to chain %d? [yes/no] ", chainId);
      if (!"yes".equals(answer)) {
        throw new CommandFailure(1, "chain deploy: not agreed, nothing sent");
      }
    }

    private void send(Deployer deployer, DeploymentTerms wanted) {
      PrintWriter out = spec.commandLine().getOut();
      Deployment deployment =
          deployer.deploy(
              wanted,
              line -> {
                out.println("deployed    " + line);
                out.flush();
              });
      out.printf(
          "chainId: %d%nsettlement: \"%s\"%nprices: \"%s\"%nbond: \"%s\"%n",
          deployment.chainId(), deployment.settlement(), deployment.prices(), deployment.bond());
      out.flush();
    }

    private void print(DeploymentEstimate estimate) {
      PrintWriter out = spec.commandLine().getOut();
      out.printf(
          "chain       %d, gas price %s wei%s%n",
          estimate.chainId(),
          estimate.gasPrice(),
          estimate.isOpStack() ? "" : ", no GasPriceOracle: fees for data are not known");
      out.printf("deployer    %s holds %s%n", estimate.deployer(), coins(estimate.balance()));
      out.printf(
          "%-11s %-42s %12s %22s %22s %22s%n",
          "contract", "address", "gas", "execution", "data", "operator");
      for (DeploymentEstimate.Step step : estimate.steps()) {
        out.printf(
            "%-11s %s %12s %22s %22s %22s%n",
            step.contract(),
            step.address(),
            step.gas(),
            coins(step.gas().multiply(estimate.gasPrice())),
            coins(step.dataFee()),
            coins(step.operatorFee()));
      }
      out.printf("fee         %s%n", coins(estimate.fee()));
      if (isDryRun) {
        out.println("nothing was sent");
      }
      out.flush();
    }
  }

  private static void print(PrintWriter out, LocalChainState state) {
    LocalChain.Contracts contracts = state.contracts();
    out.printf(
        "rpc         %s (chain %d, process %d)%n", state.rpc(), LocalChain.CHAIN_ID, state.pid());
    print(out, "native", contracts.nativeCoin());
    print(out, "erc-20", contracts.erc20());
    out.println("token       " + contracts.token() + " (mOPEN, anyone may mint)");
    out.println("accounts    anvil's test mnemonic: everybody knows these keys, tests only");
    out.flush();
  }

  private static void print(PrintWriter out, String asset, Deployment deployment) {
    for (Map.Entry<String, Address> contract :
        Map.of(
                "settlement", deployment.settlement(),
                "prices", deployment.prices(),
                "bond", deployment.bond())
            .entrySet()
            .stream()
            .sorted(Map.Entry.<String, Address>comparingByKey().reversed())
            .toList()) {
      out.printf("%-11s %-10s %s%n", asset, contract.getKey(), contract.getValue());
    }
  }

  private static String coins(BigInteger wei) {
    return new BigDecimal(wei, COIN_DECIMALS).toPlainString().replaceAll("\\.?0+$", "");
  }

  private static int doing(Callable<Integer> work) {
    try {
      return work.call();
    } catch (CommandFailure e) {
      throw e;
    } catch (ChainException e) {
      throw new CommandFailure(1, String.valueOf(e.getMessage()));
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(2, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure(1, "reading or writing failed: " + e);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
