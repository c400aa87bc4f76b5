package dev.openlora.settlement.chain;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The folder of the Solidity sources and of what npm puts beside them: forge, anvil, the compiler.
 * Any thread; many processes may install at once, one does it.
 */
public final class ContractsFolder {
  private static final int INSTALL_MAX_MINUTES = 10;

  private final Path folder;

  private ContractsFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * @param root of the repository
   */
  public static ContractsFolder under(Path root) {
    Path folder = root.resolve("chain-settlement").resolve("contracts").toAbsolutePath();
    if (!Files.isRegularFile(folder.resolve("package-lock.json"))) {
      throw new ChainException(
          "contracts: no " + folder.resolve("package-lock.json") + " (expected: the repository's)");
    }
    return new ContractsFolder(folder);
  }

  public Path path() {
    return folder;
  }

  /** Where a program is on the PATH. */
  public static Optional<Path> program(String name) {
    for (String part : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      Path program = Path.of(part.isEmpty() ? "." : part).resolve(name);
      if (Files.isExecutable(program) && !Files.isDirectory(program)) {
        return Optional.of(program);
      }
    }
    return Optional.empty();
  }

  /** Whether npm's packages are there and as new as the lock file. */
  public boolean isInstalled() {
    try {
      Path installed = folder.resolve("node_modules").resolve(".package-lock.json");
      return Files.exists(installed)
          && Files.getLastModifiedTime(installed)
                  .compareTo(Files.getLastModifiedTime(folder.resolve("package-lock.json")))
              >= 0;
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Fetches npm's packages if they are missing or old.
   *
   * @param progress told what happens, if anything does
   */
  public void install(Consumer<String> progress) {
    if (isInstalled()) {
      return;
    }
    Path npm =
        program("npm")
            .orElseThrow(() ->
                new ChainException(
                    "npm: not on the PATH (expected: Node.js 20 or later with npm)"));
    Path cache = folder.resolve("cache");
    try {
      Files.createDirectories(cache);
      try (FileChannel channel =
              FileChannel.open(
                  cache.resolve("npm.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (!isInstalled()) {
          progress.accept("fetching forge, anvil and solc from npm, once (240 MB on disk) …");
          run(npm, cache.resolve("npm.log"));
          progress.accept("fetched into " + folder.resolve("node_modules"));
        }
      }
    } catch (IOException e) {
      throw new ChainException("npm ci in " + folder + ": " + e, e);
    }
  }

  private void run(Path npm, Path log) throws IOException {
    Process process =
        new ProcessBuilder(npm.toString(), "ci", "--no-audit", "--no-fund")
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!process.waitFor(INSTALL_MAX_MINUTES, TimeUnit.MINUTES)) {
        throw new ChainException("npm ci: not done in " + INSTALL_MAX_MINUTES + " min; log " + log);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ChainException("npm ci: interrupted", e);
    } finally {
      process.destroy();
    }
    if (process.exitValue() != 0) {
      List<String> lines = Files.readAllLines(log);
      throw new ChainException(
          "npm ci: status "
              + process.exitValue()
              + ": "
              + String.join(" ", lines.subList(Math.max(0, lines.size() - 3), lines.size())));
    }
  }

  Path anvil() {
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch", "");
    if (!os.equals("linux") || !arch.equals("amd64")) {
      throw new ChainException("anvil: " + os + " on " + arch + " (expected: linux on amd64)");
    }
    Path anvil = folder.resolve("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    if (!Files.isExecutable(anvil)) {
      throw new ChainException("anvil: no " + anvil + " (expected: npm ci in " + folder + ")");
    }
    return anvil;
  }
}
