package dev.openlora.bench.load;

import dev.openlora.bench.process.ProcessTree;
import dev.openlora.bench.process.ServeCommand;
import dev.openlora.bench.process.ServerProcess;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;

/**
 * Our server as a process of its own, so that its CPU time is not the client's, from start to end
 * of a measurement.
 */
record StartedServer(ServerProcess process, URI uri) implements AutoCloseable {
  private static final Duration READY_PATIENCE = Duration.ofMinutes(10);
  private static final Duration PAUSE = Duration.ofMillis(200);

  /**
   * Starts it and waits until it is ready.
   *
   * @throws IOException when it ends or does not get ready, with the end of its log
   */
  static StartedServer start(ServeCommand command) throws IOException, InterruptedException {
    StartedServer server =
        new StartedServer(ServerProcess.start(command.words(), Map.of()), command.uri());
    try {
      server.awaitReady();
      return server;
    } catch (IOException | InterruptedException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void awaitReady() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + READY_PATIENCE.toNanos();
    while (System.nanoTime() < deadline) {
      if (process.awaitEnd(PAUSE)) {
        throw new IOException(
            "the server ended with status " + process.exitStatus() + ":\n" + process.logEnd());
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
        "the server was not ready in "
            + READY_PATIENCE.toMinutes()
            + " minutes:\n"
            + process.logEnd());
  }

  ProcessTree tree() {
    return process.tree();
  }

  @Override
  public void close() throws IOException {
    process.close();
  }
}
