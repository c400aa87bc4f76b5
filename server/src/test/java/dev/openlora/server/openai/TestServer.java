package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.http.Json;
import dev.openlora.server.http.LeakCheck;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A server on a fake engine, with a client. Closing it checks that nothing was left behind. */
final class TestServer implements AutoCloseable {
  /** An answer: its status, its body as text and as JSON when it is JSON. */
  record Answer(HttpResponse<String> response) {
    int status() {
      return response.statusCode();
    }

    String text() {
      return response.body();
    }

    JsonNode json() {
      return Json.MAPPER.readTree(response.body());
    }

    /** The error's message; checks the error object's shape. */
    String error() {
      JsonNode error = json().get("error");
      assertThat(error.propertyNames()).containsExactly("message", "type", "param", "code");
      assertThat(error.get("code").intValue()).isEqualTo(status());
      assertThat(error.get("type").stringValue()).isNotEmpty();
      return error.get("message").stringValue();
    }

    @Nullable String param() {
      JsonNode param = json().get("error").get("param");
      return param.isNull() ? null : param.stringValue();
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }
  }

  final FakeEngine engine;
  final FakeAdapters adapters = new FakeAdapters();
  final OpenAiServer server;
  private final @Nullable FineTuning fineTuning;
  final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  final int port;

  private TestServer(FakeEngine engine, Setup setup) {
    this.engine = engine;
    this.server =
        new OpenAiServer(
            new ServerParts(
                engine,
                adapters,
                setup.chat,
                setup.fineTuning(adapters),
                setup.limits,
                setup.keys,
                InetAddress.getLoopbackAddress(),
                0,
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT)));
    this.fineTuning = setup.opened;
    if (fineTuning != null) {
      fineTuning.start();
    }
    this.port = server.start();
  }

  /** What differs from the defaults. */
  static final class Setup {
    private @Nullable ChatRenderer chat = TestServer::render;
    private ServerLimits limits = ServerLimits.defaults();
    private AccessKeys keys = AccessKeys.none();
    private Function<AdapterRegistry, @Nullable FineTuning> tuning = adapters -> null;
    private @Nullable FineTuning opened;

    /** The server closes it. */
    Setup tuning(Function<AdapterRegistry, @Nullable FineTuning> open) {
      tuning = open;
      return this;
    }

    private @Nullable FineTuning fineTuning(AdapterRegistry adapters) {
      opened = tuning.apply(adapters);
      return opened;
    }

    Setup chat(@Nullable ChatRenderer renderer) {
      chat = renderer;
      return this;
    }

    Setup limits(ServerLimits all) {
      limits = all;
      return this;
    }

    Setup http(HttpLimits http) {
      ServerLimits d = ServerLimits.defaults();
      limits =
          new ServerLimits(
              http,
              d.requestsMax(),
              d.choicesMax(),
              d.sequencesMax(),
              d.adaptersPerRequestMax(),
              d.adaptersResidentMax());
      return this;
    }

    Setup keys(AccessKeys all) {
      keys = all;
      return this;
    }

    TestServer start(FakeEngine engine) {
      return new TestServer(engine, this);
    }
  }

  static TestServer start(FakeEngine engine) {
    return new Setup().start(engine);
  }

  private static String render(ChatPrompt prompt) throws ChatTemplateException {
    StringBuilder text = new StringBuilder();
    for (var message : prompt.messages()) {
      if ("tool".equals(message.get("role"))) {
        throw new ChatTemplateException("no tools here");
      }
      text.append(message.get("role")).append(": ").append(message.get("content")).append('\n');
    }
    prompt.arguments().forEach((name, value) -> text.append(name + "=" + value + "\n"));
    return text + (prompt.addGenerationPrompt() ? "assistant:" : "");
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port + path);
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(20));
  }

  Answer get(String path) {
    return send(request(path).build());
  }

  Answer post(String path, String body) {
    return send(
        request(path)
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  Answer complete(String body) {
    return post("/v1/completions", body);
  }

  Answer chat(String body) {
    return post("/v1/chat/completions", body);
  }

  Answer send(HttpRequest request) {
    try {
      return new Answer(client.send(request, BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new IllegalStateException(request.toString(), e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Opens a stream; the status has been checked. */
  Stream<String> stream(String path, String body) throws IOException, InterruptedException {
    HttpResponse<Stream<String>> response =
        client.send(
            request(path)
                .header("content-type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build(),
            BodyHandlers.ofLines());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type"))
        .contains("text/event-stream; charset=utf-8");
    return response.body();
  }

  /** All events of a stream; checks the framing and the end. */
  List<JsonNode> events(String path, String body) throws IOException, InterruptedException {
    List<String> lines = stream(path, body).toList();
    assertThat(lines.size()).isGreaterThanOrEqualTo(2);
    for (int i = 0; i < lines.size(); i++) {
      if (i % 2 == 0) {
        assertThat(lines.get(i)).startsWith("data: ");
      } else {
        assertThat(lines.get(i)).isEmpty();
      }
    }
    List<String> data =
        lines.stream().filter(line -> !line.isEmpty()).map(line -> line.substring(6)).toList();
    assertThat(data.getLast()).isEqualTo("[DONE]");
    return data.subList(0, data.size() - 1).stream().map(Json.MAPPER::readTree).toList();
  }

  void until(BooleanSupplier condition) {
    await()
        .pollInterval(Duration.ofMillis(2))
        .atMost(Duration.ofSeconds(10))
        .until(condition::getAsBoolean);
  }

  @Override
  public void close() {
    until(() -> server.requestsInProgress() == 0 && engine.runningCount() == 0);
    assertThat(adapters.openLeases()).isZero();
    server.close();
    if (fineTuning != null) {
      fineTuning.close();
    }
    assertThat(server.bodyBytes()).isZero();
    engine.close();
    client.close();
    LeakCheck.assertNoLeaks();
  }
}
