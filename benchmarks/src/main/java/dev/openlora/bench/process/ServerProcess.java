package dev.openlora.bench.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A server as a child process, whose output goes to a file. One thread; close once. */
public final class ServerProcess implements AutoCloseable {
  private static final int LOG_LINES_SHOWN = 15;

  private final ProcessGroup group;
  private final Path log;

  private ServerProcess(ProcessGroup group, Path log) {
    this.group = group;
    this.log = log;
  }

  /**
   * @param environment in addition to this process's
   */
  public static ServerProcess start(List<String> command, Map<String, String> environment)
      throws IOException {
    Path log = Files.createTempFile("openlora-bench-", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    try {
      return new ServerProcess(ProcessGroup.start(builder), log);
    } catch (IOException | RuntimeException e) {
      Files.delete(log);
      throw e;
    }
  }

  public boolean isAlive() {
    return group.first().isAlive();
  }

  /**
   * @return false when it still runs after that time
   */
  public boolean awaitEnd(Duration patience) throws InterruptedException {
    return group.awaitEnd(patience);
  }

  /**
   * @throws IllegalThreadStateException when it still runs
   */
  public int exitStatus() {
    return group.first().exitValue();
  }

  public ProcessTree tree() {
    return group.tree();
  }

  /** The end of what it printed. */
  public String logEnd() throws IOException {
    List<String> lines =
        new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
    return String.join(
        "\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
  }

  @Override
  public void close() throws IOException {
    try {
      group.close();
    } finally {
      Files.deleteIfExists(log);
    }
  }
}
