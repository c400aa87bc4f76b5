package dev.openlora.bench.process;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code ./openlora serve} on a port of this machine that was free just now. Immutable.
 *
 * @param uri where it will answer
 */
public record ServeCommand(List<String> words, URI uri) {
  public ServeCommand {
    words = List.copyOf(words);
  }

  /**
   * @param launcher {@code ./openlora}
   * @param flags further ones of {@code serve}
   */
  public static ServeCommand of(Path launcher, Path model, List<String> flags) throws IOException {
    int port = freePort();
    List<String> words =
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
    words.addAll(flags);
    return new ServeCommand(words, URI.create("http://127.0.0.1:" + port));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
