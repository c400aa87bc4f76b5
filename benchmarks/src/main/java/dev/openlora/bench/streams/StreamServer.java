package dev.openlora.bench.streams;

import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.openai.OpenAiServer;
import dev.openlora.server.openai.ServerLimits;
import dev.openlora.server.openai.ServerParts;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * The server under load, in a process of its own so that its CPU time can be told from the
 * client's: our API on a {@link NullEngine}. It prints its port, then answers each line on its
 * input with one number, and ends when its input does. Its answers begin with {@link #ANSWER},
 * because the JVM may print there too.
 *
 * <ul>
 *   <li>{@code hold}: generations wait from now on
 *   <li>{@code await COUNT SECONDS}: until so many wait; how many there are
 *   <li>{@code clock}: {@link System#nanoTime}
 *   <li>{@code go PERIOD}: a token each period of so many nanoseconds; when the first one is due
 *   <li>{@code heap}: bytes that are live after a collection
 * </ul>
 */
final class StreamServer {
  static final String ANSWER = "answer ";

  private StreamServer() {}

  /**
   * @param args streams at once, tokens of each answer
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    int streams = Integer.parseInt(args[0]);
    int tokens = Integer.parseInt(args[1]);
    PrintStream out = System.out;
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    try (NullEngine engine = new NullEngine(new NullEngine.Limits(streams, tokens + 1));
        NoAdapters adapters = new NoAdapters();
        OpenAiServer server = new OpenAiServer(parts(engine, adapters, streams))) {
      out.println(ANSWER + server.start());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        out.println(ANSWER + answer(engine, line.split(" ")));
      }
    }
  }

  /** The default limits, where they leave room for the streams. */
  static ServerParts parts(NullEngine engine, NoAdapters adapters, int streams) {
    ServerLimits d = ServerLimits.defaults();
    HttpLimits h = d.http();
    HttpLimits http =
        new HttpLimits(
            h.bodyBytesMax(),
            h.bodyBytesTotalMax(),
            h.requestLineBytesMax(),
            h.headerBytesMax(),
            Math.max(h.connectionsMax(), 2 * streams),
            h.readTimeout(),
            h.idleTimeout(),
            h.stallTimeout());
    ServerLimits limits =
        new ServerLimits(
            http,
            Math.max(d.requestsMax(), streams),
            d.choicesMax(),
            d.sequencesMax(),
            d.adaptersPerRequestMax(),
            d.adaptersResidentMax());
    return new ServerParts(
        engine,
        adapters,
        null,
        null,
        limits,
        AccessKeys.none(),
        InetAddress.getLoopbackAddress(),
        0,
        new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
  }

  private static long answer(NullEngine engine, String[] command) throws InterruptedException {
    switch (command[0]) {
      case "hold" -> {
        engine.hold();
        return 0;
      }
      case "await" -> {
        return engine.awaitGenerations(
            Integer.parseInt(command[1]), Duration.ofSeconds(Long.parseLong(command[2])));
      }
      case "clock" -> {
        return System.nanoTime();
      }
      case "go" -> {
        return engine.go(Long.parseLong(command[1]));
      }
      case "heap" -> {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
      }
      default ->
          throw new IllegalArgumentException(
              "command: '" + command[0] + "' (expected: hold, await, clock, go or heap)");
    }
  }
}
