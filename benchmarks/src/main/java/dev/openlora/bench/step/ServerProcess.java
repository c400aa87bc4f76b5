package dev.openlora.bench.step;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A server as a child process in a process group of its own, so that all of it can be stopped. Its
 * output goes to a file. One thread; close once.
 */
final class ServerProcess implements AutoCloseable {
  private static final int STOP_SECONDS = 30;
  private static final int TAIL_LINES = 15;

  private final Process process;
  private final Path log;
  private final Thread atExit;

  private ServerProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
    atExit = Thread.ofPlatform().name("stop server").unstarted(this::kill);
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  static ServerProcess start(List<String> command, Map<String, String> environment)
      throws IOException {
    Path log = Files.createTempFile("openlora-bench-", ".log");
    List<String> grouped = new ArrayList<>(List.of("setsid"));
    grouped.addAll(command);
    ProcessBuilder builder =
        new ProcessBuilder(grouped).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    return new ServerProcess(builder.start(), log);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  ProcessMemory memory() {
    return ProcessMemory.ofTree(process.toHandle());
  }

  /** The end of what it printed. */
  String tail() throws IOException {
    List<String> lines =
        new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
    return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
  }

  /**
   * To every process of the group, whose number is its first process's; a group that is gone is no
   * error.
   */
  private void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("sh", "-c", "kill -s " + name + " -- -" + process.pid())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor(STOP_SECONDS, TimeUnit.SECONDS);
  }

  private void kill() {
    try {
      signal("KILL");
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** Asks the group to end, ends what does not, and what its first process left behind. */
  @Override
  public void close() throws IOException {
    try {
      signal("TERM");
      process.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      kill();
      Runtime.getRuntime().removeShutdownHook(atExit);
      Files.deleteIfExists(log);
    }
  }
}
