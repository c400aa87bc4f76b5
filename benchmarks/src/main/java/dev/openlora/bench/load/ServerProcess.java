package dev.openlora.bench.load;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Our server as a process of its own, so that its CPU time is not the client's: {@code ./openlora
 * serve} on a free port of this machine, from start to end of a measurement.
 */
final class ServerProcess implements AutoCloseable {
  private static final Duration READY_PATIENCE = Duration.ofMinutes(10);
  private static final int LOG_LINES_SHOWN = 12;

  private final Process process;
  private final URI uri;
  private final Path log;

  /** A server that outlives its measurement would take the cores from the next one. */
  private final Thread atExit;

  private ServerProcess(Process process, URI uri, Path log) {
    this.process = process;
    this.uri = uri;
    this.log = log;
    atExit = new Thread(process::destroy, "stop server");
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param flags further flags of {@code serve}
   * @throws IOException when it ends or does not get ready, with the end of its log
   */
  static ServerProcess start(Path launcher, Path model, @Nullable Path adapters, List<String> flags)
      throws IOException, InterruptedException {
    int port = freePort();
    List<String> command =
        new ArrayList<>(
            List.of(
                launcher.toString(),
                "serve",
                "--model",
                model.toString(),
                "--host",
                "127.0.0.1",
                "--port",
                String.valueOf(port)));
    if (adapters != null) {
      command.addAll(List.of("--adapters", adapters.toString()));
    }
    command.addAll(flags);
    Path log = Files.createTempFile("openlora-bench-server-", ".log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    ServerProcess server = new ServerProcess(process, URI.create("http://127.0.0.1:" + port), log);
    try {
      server.awaitReady();
      return server;
    } catch (IOException | InterruptedException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private void awaitReady() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + READY_PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      if (process.waitFor(200, TimeUnit.MILLISECONDS)) {
        throw new IOException(
            "the server ended with status " + process.exitValue() + ":\n" + logEnd());
      }
      URI ready = URI.create(uri + "/health/ready");
      try (HttpCall call = HttpCall.send(ready, null, null, Duration.ofSeconds(10))) {
        if (call.status() == 200) {
          return;
        }
      } catch (IOException e) {
        // It does not listen yet.
      }
    }
    throw new IOException(
        "the server was not ready in " + READY_PATIENCE.toMinutes() + " minutes:\n" + logEnd());
  }

  private String logEnd() throws IOException {
    List<String> lines = Files.readString(log, StandardCharsets.UTF_8).lines().toList();
    return String.join(
        "\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
  }

  URI uri() {
    return uri;
  }

  ProcessTree tree() {
    return new ProcessTree(process.pid());
  }

  /** Ends it: asked first, made to after half a minute. */
  @Override
  public void close() throws IOException {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(log);
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // This program ends already, and the hook with it.
    }
  }
}
