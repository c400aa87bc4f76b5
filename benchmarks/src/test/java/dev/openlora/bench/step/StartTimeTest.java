package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.openlora.bench.process.ProcessMemory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class StartTimeTest {
  private static final String MODELS = "{\"data\":[{\"id\":\"m\"}]}";
  private static final String COMPLETION =
      "{\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}";

  private final AtomicInteger refusals = new AtomicInteger();

  private HttpServer server() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/models", exchange -> answer(exchange, 200, MODELS));
    server.createContext(
        "/v1/completions",
        exchange -> {
          boolean ready = refusals.decrementAndGet() < 0;
          answer(exchange, ready ? 200 : 503, ready ? COMPLETION : "{}");
        });
    server.start();
    return server;
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    exchange.getRequestBody().readAllBytes();
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(bytes);
    }
  }

  @Test
  void asksAgainUntilATokenComes(@TempDir Path folder) throws Exception {
    refusals.set(3);
    HttpServer server = server();
    StringWriter out = new StringWriter();
    Path json = folder.resolve("start.json");
    try {
      CommandLine line = new CommandLine(new StartTime());
      line.setOut(new PrintWriter(out));
      int status =
          line.execute(
              "--command",
              "exec sleep 600",
              "--url",
              "http://127.0.0.1:" + server.getAddress().getPort(),
              "--runs",
              "2",
              "--json",
              json.toString());
      assertThat(status).isZero();
    } finally {
      server.stop(0);
    }
    // The first start, which is not counted, was refused three times; then one each.
    assertThat(refusals).hasValue(-3);
    JsonNode figures = JsonMapper.shared().readTree(Files.readString(json));
    assertThat(figures.path("other").path("first_token_s").path("median").asDouble()).isPositive();
    assertThat(figures.path("other").path("resident_mib").path("median").asDouble()).isPositive();
    assertThat(figures.path("load_average").has("after")).isTrue();
    assertThat(out.toString()).contains("--command");
  }

  @Test
  void saysHowAServerEndedThatNeverAnswered() {
    StringWriter errors = new StringWriter();
    CommandLine line = new CommandLine(new StartTime());
    line.setErr(new PrintWriter(errors));
    line.setOut(new PrintWriter(new StringWriter()));
    int status = line.execute("--command", "echo no model; exit 3", "--url", "http://127.0.0.1:1");
    assertThat(status).isEqualTo(1);
    assertThat(errors.toString()).contains("no token after").contains("no model");
  }

  @Test
  void printsWaysAndTheirRatio() {
    Map<StartTime.Way, List<StartTime.Start>> starts = new EnumMap<>(StartTime.Way.class);
    starts.put(StartTime.Way.COLD, List.of(start(2, 100), start(4, 104)));
    starts.put(StartTime.Way.WARM, List.of(start(1, 90), start(1, 92)));
    StringWriter text = new StringWriter();
    StartTime.print(starts, BenchReport.begin(new PrintWriter(text), "start"));
    assertThat(text.toString().lines().skip(1).toList())
        .containsExactly(
            "                     first token, s         resident then, MiB         peak, MiB",
            "  no class archive   3.00 [2.00–4.00]       102 [100–104]              204 [200–208]",
            "  class archive      1.00 [1.00–1.00]       91 [90–92]                 182 [180–184]",
            "  with archive / without: 0.38 [0.25–0.50]");
  }

  private static StartTime.Start start(double seconds, long mib) {
    return new StartTime.Start(seconds, new ProcessMemory(mib << 20, mib << 21));
  }
}
