package dev.openlora.settlement.chain;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A running anvil, started here or found by its process id. Any thread. */
final class Anvil {
  /** Every anvil and hardhat uses it; its keys are known to everybody. */
  static final String TEST_MNEMONIC = "test test test test test test test test test test test junk";

  private static final Pattern LISTENING = Pattern.compile("Listening on (127\\.0\\.0\\.1:\\d+)");
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration STOP_MAX = Duration.ofSeconds(5);
  private static final Duration POLL = Duration.ofMillis(10);

  private final ProcessHandle process;
  private final URI rpc;
  private final Path log;

  Anvil(ProcessHandle process, URI rpc, Path log) {
    this.process = process;
    this.rpc = rpc;
    this.log = log;
  }

  /**
   * Starts one as an OP Stack chain whose blocks become safe and final one and two blocks later.
   *
   * @param port 0 for any free one
   * @param log what anvil says; it names the keys of the test accounts and then falls silent
   */
  static Anvil start(Path program, long chainId, int port, int accounts, Path log) {
    ProcessBuilder command =
        new ProcessBuilder(
                program.toString(),
                "--network=optimism",
                "--chain-id=" + chainId,
                "--slots-in-an-epoch=1",
                "--host=127.0.0.1",
                "--port=" + port,
                "--accounts=" + accounts,
                "--mnemonic=" + TEST_MNEMONIC,
                "--color=never",
                "--no-cors")
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    Process process;
    try {
      process = command.start();
    } catch (IOException e) {
      throw new ChainException("anvil: " + e.getMessage(), e);
    }
    try {
      URI rpc = URI.create("http://" + listening(process, log));
      Anvil anvil = new Anvil(process.toHandle(), rpc, log);
      try (Rpc connection = anvil.connect()) {
        connection.request("anvil_setLoggingEnabled", false); // else its log has a line per call
      }
      return anvil;
    } catch (RuntimeException | Error e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static String listening(Process process, Path log) {
    Instant until = Instant.now().plus(START_MAX);
    while (true) {
      boolean alive = process.isAlive();
      Matcher line = LISTENING.matcher(text(log));
      if (line.find()) {
        return line.group(1);
      }
      if (!alive) {
        throw new ChainException(
            "anvil: ended at once with status " + process.exitValue() + ": " + lastLine(log));
      }
      if (Instant.now().isAfter(until)) {
        throw new ChainException("anvil: does not listen after " + START_MAX + "; log " + log);
      }
      LockSupport.parkNanos(POLL.toNanos());
    }
  }

  long pid() {
    return process.pid();
  }

  URI uri() {
    return rpc;
  }

  /** When its process began, as far as the system says; tells it from a later one with its id. */
  Optional<Instant> startedAt() {
    return process.info().startInstant();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  Rpc connect() {
    return Rpc.open(rpc, this::obituary);
  }

  private Optional<String> obituary() {
    return isAlive()
        ? Optional.empty()
        : Optional.of("anvil, process " + pid() + ", is gone (its log: " + log + ")");
  }

  /** Ends it and waits until it is gone. */
  void stop() {
    process.destroy();
    try {
      process.onExit().get(STOP_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      process.destroyForcibly();
    }
  }

  /** As stop, without waiting. */
  void kill() {
    process.destroyForcibly();
  }

  private static String text(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new ChainException("anvil: its log cannot be read: " + e, e);
    }
  }

  private static String lastLine(Path log) {
    List<String> lines = text(log).lines().filter(line -> !line.isBlank()).toList();
    return lines.isEmpty() ? "it said nothing" : lines.getLast().strip();
  }
}
