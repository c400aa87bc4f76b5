package dev.openlora.settlement.chain;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A chain for a class of tests; each test finds it as it was after the deployment. */
final class RunningChain
    implements BeforeAllCallback, BeforeEachCallback, AfterEachCallback, AfterAllCallback {
  private @Nullable LocalChain chain;
  private Object snapshot = "";

  /**
   * The contracts' folder, or the test is skipped by name where npm and its packages are missing.
   */
  static ContractsFolder folder() {
    ContractsFolder folder = ContractsFolder.under(root());
    if (!folder.isInstalled() && ContractsFolder.program("npm").isEmpty()) {
      Assumptions.abort("no npm on the PATH, and no node_modules in " + folder.path());
    }
    return folder;
  }

  /** Of the repository. */
  static Path root() {
    return Path.of(System.getProperty("openlora.root", ".."));
  }

  static LocalChain start() {
    return LocalChain.start(folder(), LocalChain.Options.shortest(log()), System.out::println);
  }

  static Path log() {
    try {
      return Files.createTempFile("anvil", ".log");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  LocalChain chain() {
    return Objects.requireNonNull(chain);
  }

  Rpc rpc() {
    return chain().rpc();
  }

  Sender sender(TestAccount account) {
    return new Sender(rpc(), account.key());
  }

  /** Lets time pass on the chain, and a block with it. */
  void pass(long seconds) {
    rpc().request("evm_increaseTime", seconds);
    rpc().request("evm_mine");
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    chain = start();
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    snapshot = Objects.requireNonNull(rpc().request("evm_snapshot"));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    rpc().request("evm_revert", snapshot);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (chain != null) {
      chain.close();
    }
  }
}
