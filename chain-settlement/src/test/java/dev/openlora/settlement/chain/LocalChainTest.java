package dev.openlora.settlement.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starting and ending chains. */
class LocalChainTest {
  @Test
  void twoAtOnceHoldTheSameAndLeaveNoProcessBehind() {
    long first;
    long second;
    try (LocalChain a = RunningChain.start();
        LocalChain b = RunningChain.start()) {
      first = a.pid();
      second = b.pid();
      assertThat(a.rpc().uri()).isNotEqualTo(b.rpc().uri());
      assertThat(a.contracts()).isEqualTo(b.contracts());
      for (LocalChain chain : new LocalChain[] {a, b}) {
        assertThat(chain.rpc().chainId()).isEqualTo(LocalChain.CHAIN_ID);
        BigInteger latest = chain.rpc().height(Block.LATEST);
        assertThat(chain.rpc().height(Block.SAFE)).isEqualTo(latest.subtract(BigInteger.ONE));
        assertThat(chain.rpc().height(Block.FINALIZED)).isEqualTo(latest.subtract(BigInteger.TWO));
        for (Deployment deployment :
            new Deployment[] {chain.contracts().nativeCoin(), chain.contracts().erc20()}) {
          assertThat(chain.rpc().hasCode(deployment.settlement())).isTrue();
          assertThat(chain.rpc().hasCode(deployment.prices())).isTrue();
          assertThat(chain.rpc().hasCode(deployment.bond())).isTrue();
        }
        for (TestAccount account : TestAccount.values()) {
          assertThat(chain.rpc().tokenBalance(chain.contracts().token(), account.key().address()))
              .isEqualTo(LocalChain.ENDOWMENT);
          if (account != TestAccount.DEPLOYER) {
            assertThat(chain.rpc().balance(account.key().address(), Block.LATEST))
                .isEqualTo(LocalChain.ENDOWMENT);
          }
        }
      }
    }
    assertThat(isAlive(first)).isFalse();
    assertThat(isAlive(second)).isFalse();
  }

  @Test
  void saysThatAnvilIsGoneWhenItWasKilled() throws Exception {
    try (LocalChain chain = RunningChain.start()) {
      ProcessHandle anvil = ProcessHandle.of(chain.pid()).orElseThrow();
      assertThat(anvil.destroyForcibly()).isTrue();
      anvil.onExit().get(10, TimeUnit.SECONDS);
      assertThatThrownBy(() -> chain.rpc().chainId())
          .isInstanceOf(ChainException.class)
          .hasMessageContaining("eth_chainId at http://127.0.0.1:")
          .hasMessageContaining("anvil, process " + chain.pid() + ", is gone");
      assertThat(chain.state().isAlive()).isFalse();
      assertThat(chain.state().stop()).isFalse();
    }
  }

  @Test
  void runsOnWhenItIsLeftAndIsFoundByItsFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("chain.json");
    assertThat(LocalChainState.read(file)).isEmpty();
    try (LocalChain chain = RunningChain.start()) {
      chain.state().write(file);
      chain.leave();
    }
    LocalChainState state = LocalChainState.read(file).orElseThrow();
    try {
      assertThat(state.isAlive()).isTrue();
      try (Rpc rpc = state.connect()) {
        assertThat(rpc.hasCode(state.contracts().erc20().bond())).isTrue();
      }
      LocalChainState other =
          new LocalChainState(state.pid(), "another process", state.rpc(), state.contracts());
      assertThat(other.isAlive()).as("a process that took over the id").isFalse();
    } finally {
      assertThat(state.stop()).isTrue();
    }
    assertThat(isAlive(state.pid())).isFalse();
    try (Rpc rpc = state.connect()) {
      assertThatThrownBy(rpc::chainId)
          .isInstanceOf(ChainException.class)
          .hasMessageContaining("process " + state.pid() + " is gone");
    }
  }

  @Test
  void endsWithTheProcessThatStartedIt(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("anvil.log");
    RunningChain.folder().install(System.out::println);
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Abandoning.class.getName(),
                RunningChain.root().toString(),
                log.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("out").toFile())
            .start();
    assertThat(other.waitFor(2, TimeUnit.MINUTES)).isTrue();
    String out = Files.readString(folder.resolve("out"));
    assertThat(out).contains("anvil runs as ");
    long pid = Long.parseLong(out.replaceAll("(?s).*anvil runs as (\\d+).*", "$1"));
    Optional<ProcessHandle> anvil = ProcessHandle.of(pid);
    if (anvil.isPresent()) {
      anvil.get().onExit().get(10, TimeUnit.SECONDS);
    }
    assertThat(isAlive(pid)).isFalse();
  }

  /** Starts a chain and ends without closing it. */
  static final class Abandoning {
    private Abandoning() {}

    public static void main(String[] args) {
      LocalChain chain =
          LocalChain.start(
              ContractsFolder.under(Path.of(args[0])),
              LocalChain.Options.shortest(Path.of(args[1])),
              line -> {});
      System.out.println("anvil runs as " + chain.pid());
      System.exit(3);
    }
  }

  @Test
  void refusesAPortThatIsTakenWithWhatAnvilSays() {
    try (LocalChain chain = RunningChain.start()) {
      LocalChain.Options taken =
          LocalChain.Options.shortest(RunningChain.log()).withPort(chain.rpc().uri().getPort());
      assertThatThrownBy(() -> LocalChain.start(RunningChain.folder(), taken, System.out::println))
          .isInstanceOf(ChainException.class)
          .hasMessageContaining("anvil: ended at once")
          .hasMessageContaining("in use");
    }
    assertThatThrownBy(() -> LocalChain.Options.shortest(Path.of("log")).withPort(65_536))
        .hasMessage("port: 65536 (expected: 0..65535)");
  }

  @Test
  void refusesAStateFileThatIsNoState(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("chain.json"), "{\"pid\": 1}");
    assertThatThrownBy(() -> LocalChainState.read(file))
        .isInstanceOf(ChainException.class)
        .hasMessageContaining("chain.json");
    Files.writeString(file, "{\"pid\": ");
    assertThatThrownBy(() -> LocalChainState.read(file)).isInstanceOf(ChainException.class);
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }
}
