package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.settlement.chain.ContractsFolder;
import dev.openlora.settlement.chain.LocalChainState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChainCommandTest {
  private static final String SOMEBODY = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  private static final String TERMS =
      """
      owner: "%1$s"
      operator: "%1$s"
      arbiter: "%1$s"
      treasury: "%1$s"
      withdrawDelaySeconds: 86400
      disputeWindowSeconds: 172800
      resolvePeriodSeconds: 604800
      abandonDelaySeconds: 15552000
      unbondingDelaySeconds: 1209600
      disputeBond: "1000000000000000000"
      slashBps: 2000
      reporterBps: 1000
      """
          .formatted(SOMEBODY);

  @TempDir private Path work = Path.of("");

  @Test
  void startsShowsDeploysAndStops() throws Exception {
    needsNode();
    Path dir = work.resolve("chain");
    CommandOutcome started =
        CommandOutcome.of("chain", "start", "--dir", dir.toString(), "--port", "0");
    assertThat(started.status()).as(started.err()).isZero();
    LocalChainState state = LocalChainState.read(dir.resolve("chain.json")).orElseThrow();
    try {
      assertThat(started.out())
          .contains(state.rpc(), state.contracts().erc20().bond().toString())
          .contains("everybody knows these keys");

      assertThat(CommandOutcome.of("chain", "start", "--dir", dir.toString()))
          .isEqualTo(
              new CommandOutcome(
                  1,
                  "",
                  "openlora: chain: runs already, process "
                      + state.pid()
                      + " at "
                      + state.rpc()
                      + "\n"));

      CommandOutcome status = CommandOutcome.of("chain", "status", "--dir", dir.toString());
      assertThat(status.status()).isZero();
      assertThat(status.out())
          .containsPattern("blocks +latest [0-9]+, safe [0-9]+, finalized [0-9]+")
          .containsPattern("payer-1 +0x[0-9a-fA-F]{40} +10000 +10000");

      deploys(state.rpc());
    } finally {
      assertThat(CommandOutcome.of("chain", "stop", "--dir", dir.toString()).out())
          .isEqualTo("chain: process " + state.pid() + " stopped\n");
    }
    assertThat(state.isAlive()).isFalse();
    assertThat(CommandOutcome.of("chain", "status", "--dir", dir.toString()).err())
        .isEqualTo("openlora: chain: none runs in " + dir + " (start one)\n");
  }

  private void deploys(String rpc) throws IOException {
    Path terms = Files.writeString(work.resolve("terms.yaml"), TERMS);
    // The first of the keys that everybody knows.
    Path key = key("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    String[] deploy = {
      "chain", "deploy", "--rpc", rpc, "--key-file", key.toString(), "--terms", terms.toString()
    };
    assertThat(CommandOutcome.of(deploy).err())
        .isEqualTo(
            "openlora: --rpc: chain 1612 is OpenLedger's mainnet (expected: --mainnet, if it is"
                + " meant)\n");
    CommandOutcome dry = CommandOutcome.of(with(deploy, "--mainnet", "--dry-run"));
    assertThat(dry.status()).as(dry.err()).isZero();
    assertThat(dry.out()).contains("nothing was sent").doesNotContain("deployed");
    CommandOutcome again = CommandOutcome.of(with(deploy, "--mainnet", "--dry-run"));
    assertThat(again.out()).as("nothing moved, not even a nonce").isEqualTo(dry.out());
    assertThat(CommandOutcome.of(with(deploy, "--mainnet")))
        .extracting(CommandOutcome::status, CommandOutcome::err)
        .containsExactly(
            2, "openlora: chain deploy: nobody to ask (expected: --yes, or --dry-run)\n");
    CommandOutcome sent = CommandOutcome.of(with(deploy, "--mainnet", "--yes"));
    assertThat(sent.status()).as(sent.err()).isZero();
    assertThat(sent.out()).containsPattern("(?m)^settlement: \"0x[0-9a-fA-F]{40}\"$");
    String settlement = sent.out().replaceAll("(?s).*settlement: \"(0x[0-9a-fA-F]{40})\".*", "$1");
    assertThat(dry.out()).contains("Settlement  " + settlement);

    Files.writeString(terms, TERMS.replace("172800", "5"));
    assertThat(CommandOutcome.of(with(deploy, "--mainnet", "--dry-run")))
        .extracting(CommandOutcome::status, CommandOutcome::err)
        .containsExactly(
            1, "openlora: DelayOutOfRange(field=disputeWindow, value=5, min=60, max=864000)\n");
    Path poor = key("0".repeat(63) + "7");
    deploy[5] = poor.toString();
    Files.writeString(terms, TERMS);
    assertThat(CommandOutcome.of(with(deploy, "--mainnet", "--yes")))
        .extracting(CommandOutcome::status, CommandOutcome::err)
        .containsExactly(1, "openlora: chain deploy: the deployer holds too little\n");
  }

  @Test
  void aChainThatWasKilledIsSaidToBeGone() throws Exception {
    needsNode();
    Path dir = work.resolve("chain");
    assertThat(CommandOutcome.of("chain", "start", "--dir", dir.toString(), "--port", "0").status())
        .isZero();
    long pid = LocalChainState.read(dir.resolve("chain.json")).orElseThrow().pid();
    ProcessHandle anvil = ProcessHandle.of(pid).orElseThrow();
    assertThat(anvil.destroyForcibly()).isTrue();
    anvil.onExit().get(10, TimeUnit.SECONDS);
    assertThat(CommandOutcome.of("chain", "status", "--dir", dir.toString()))
        .isEqualTo(
            new CommandOutcome(
                1,
                "",
                "openlora: chain: process "
                    + pid
                    + " of "
                    + dir.resolve("chain.json")
                    + " is gone (start it again)\n"));
    assertThat(CommandOutcome.of("chain", "stop", "--dir", dir.toString()).out())
        .isEqualTo("chain: process " + pid + " was gone already\n");
  }

  @Test
  void whatWasAskedWronglyExitsWithTwoAndOneLine() throws IOException {
    Path terms = work.resolve("terms.yaml");
    Path key = key("0".repeat(63) + "1");
    assertWrong("chain: start, status, stop or deploy?", "chain");
    assertWrong(
        "port: -1 (expected: 0..65535)",
        "chain",
        "start",
        "--dir",
        work.toString(),
        "--port",
        "-1");
    Files.writeString(terms, TERMS.replace("owner:", "ower:"));
    assertWrong("terms.ower: unknown (expected: [abandonDelaySeconds, ", deploy(terms, key));
    Files.writeString(
        terms, TERMS.replace("disputeBond: \"1000000000000000000\"", "disputeBond: 1e18"));
    assertWrong("terms.disputeBond: 1.0E18 (expected: digits in quotes", deploy(terms, key));
    Files.writeString(terms, TERMS.replace("slashBps: 2000", "slashBps: -1"));
    assertWrong("terms.slashBps: -1 (expected: a whole number from 0)", deploy(terms, key));
    Files.writeString(terms, TERMS.replace("treasury: \"" + SOMEBODY + "\"\n", ""));
    assertWrong("terms.treasury: missing (expected: an address in quotes)", deploy(terms, key));
    Files.writeString(terms, TERMS.replaceFirst(SOMEBODY, SOMEBODY.replace("5aAe", "5aae")));
    assertWrong("terms.owner: address: '0x5aae", deploy(terms, key));
    Files.writeString(terms, TERMS);
    String[] elsewhere = deploy(terms, key);
    elsewhere[3] = "ftp://127.0.0.1";
    assertWrong("rpc: 'ftp://127.0.0.1' (expected: an http or https URL)", elsewhere);
  }

  @Test
  void anEndpointThatDoesNotAnswerIsNamed() throws IOException {
    Path terms = Files.writeString(work.resolve("terms.yaml"), TERMS);
    CommandOutcome outcome = CommandOutcome.of(deploy(terms, key("0".repeat(63) + "1")));
    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err()).startsWith("openlora: eth_chainId at http://127.0.0.1:1: ");
  }

  private static String[] deploy(Path terms, Path key) {
    return new String[] {
      "chain",
      "deploy",
      "--rpc",
      "http://127.0.0.1:1",
      "--key-file",
      key.toString(),
      "--terms",
      terms.toString(),
      "--dry-run"
    };
  }

  private static void assertWrong(String message, String... arguments) {
    CommandOutcome outcome = CommandOutcome.of(arguments);
    assertThat(outcome.status()).as(outcome.err()).isEqualTo(2);
    assertThat(outcome.err()).startsWith("openlora: " + message).doesNotContain("\tat ");
    assertThat(outcome.out()).isEmpty();
  }

  private static void needsNode() {
    ContractsFolder folder =
        ContractsFolder.under(Path.of(System.getProperty("openlora.root", "")));
    if (!folder.isInstalled() && ContractsFolder.program("npm").isEmpty()) {
      Assumptions.abort("no npm on the PATH, and no node_modules in " + folder.path());
    }
  }

  private Path key(String digits) throws IOException {
    Path file = Files.createTempFile(work, "key", "");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return Files.writeString(file, digits);
  }

  private static String[] with(String[] arguments, String... more) {
    String[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return all;
  }
}
