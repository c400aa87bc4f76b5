package dev.openlora.server.openai;

import dev.openlora.bench.streams.NoAdapters;
import dev.openlora.bench.streams.NullEngine;
import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.http.EmbeddedConnection;
import dev.openlora.server.http.RequestRouter;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does one token cost on its way from the engine to the bytes of its event, without a socket?
 * One endless stream; each call is one token through listener, metrics, answer, JSON and HTTP
 * chunk. In this package because the routes are the server's own.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class TokenEventBenchmark {
  private static final String PROMPT =
      "{\"model\":\"null\",\"stream\":true,\"max_tokens\":2000000000,";

  @Param({"completions", "chat"})
  String route;

  private NullEngine engine;
  private NoAdapters adapters;
  private EmbeddedChannel channel;

  @Setup
  public void ask() {
    engine = new NullEngine(new NullEngine.Limits(1, Integer.MAX_VALUE));
    adapters = new NoAdapters();
    ServerParts parts =
        new ServerParts(
            engine,
            adapters,
            prompt -> " aaa",
            null,
            ServerLimits.defaults(),
            AccessKeys.none(),
            InetAddress.getLoopbackAddress(),
            0,
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    RequestRouter router =
        new RequestRouter(
            new OpenAiServer(parts).routes(), AccessKeys.none(), (path, status) -> {});
    channel = EmbeddedConnection.open(router, parts.limits().http());
    boolean chat = route.equals("chat");
    String body =
        PROMPT
            + (chat
                ? "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"
                : "\"prompt\":\" aaa\"}");
    String head =
        "POST /v1/"
            + (chat ? "chat/completions" : "completions")
            + " HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
            + body.length()
            + "\r\n\r\n";
    channel.writeInbound(Unpooled.wrappedBuffer((head + body).getBytes(StandardCharsets.US_ASCII)));
    engine.tick();
    channel.runPendingTasks();
    String first = written();
    if (!first.startsWith("HTTP/1.1 200") || !first.contains("\" aab\"")) {
      throw new IllegalStateException("answer: '" + first + "' (expected: 200 and ' aab')");
    }
  }

  @TearDown
  public void close() {
    engine.close();
    adapters.close();
    channel.finishAndReleaseAll();
  }

  private String written() {
    StringBuilder text = new StringBuilder();
    for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
      text.append(bytes.toString(StandardCharsets.UTF_8));
      bytes.release();
    }
    return text.toString();
  }

  /** Returns the bytes on the wire. */
  @Benchmark
  public int token() {
    engine.tick();
    channel.runPendingTasks();
    int count = 0;
    for (ByteBuf bytes = channel.readOutbound(); bytes != null; bytes = channel.readOutbound()) {
      count += bytes.readableBytes();
      bytes.release();
    }
    return count;
  }
}
