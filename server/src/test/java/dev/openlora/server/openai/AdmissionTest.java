package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.admission.AccessKeys;
import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.openai.TestServer.Answer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.net.InetAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Keys, how much at once, and going away gracefully. */
class AdmissionTest {
  private static final String API = "key-of-a-tenant";
  private static final String ADMIN = "key-of-the-admin";
  private static final String LOAD = "{\"lora_name\":\"x\",\"lora_path\":\"/no/such\"}";

  @Test
  void asksForKeysOnceThereAreSome() {
    AccessKeys keys = new AccessKeys(List.of("another-key", API), List.of(ADMIN), false);
    try (TestServer server = new TestServer.Setup().keys(keys).start(FakeEngine.running(512))) {
      for (String wrong :
          new String[] {null, "Bearer nonsense-key", "Basic " + API, "Bearer", API}) {
        Answer refused = ask(server, "/v1/completions", "{\"prompt\":\"On\"}", wrong);
        assertThat(refused.status()).isEqualTo(401);
        assertThat(refused.header("www-authenticate")).isEqualTo("Bearer");
        assertThat(refused.error()).startsWith("A valid key is required").doesNotContain(API);
        assertThat(ask(server, "/v1/load_lora_adapter", LOAD, wrong).status()).isEqualTo(401);
        assertThat(ask(server, "/v1/models", null, wrong).status()).isEqualTo(401);
        assertThat(ask(server, "/metrics", null, wrong).status()).isEqualTo(401);
        assertThat(ask(server, "/health/ready", null, wrong).status()).isEqualTo(200);
      }
      for (String right : new String[] {"Bearer " + API, "bearer " + ADMIN}) {
        assertThat(ask(server, "/v1/completions", "{\"prompt\":\"On\"}", right).status())
            .isEqualTo(200);
        assertThat(ask(server, "/metrics", null, right).status()).isEqualTo(200);
      }
      assertThat(ask(server, "/v1/load_lora_adapter", LOAD, "Bearer " + API).status())
          .isEqualTo(403);
      assertThat(ask(server, "/v1/load_lora_adapter", LOAD, "Bearer " + ADMIN).status())
          .isEqualTo(404);
      assertThat(keys.toString()).isEqualTo("AccessKeys[2 API, 1 admin]");
    }
  }

  @Test
  void lockTheAdminRoutesWithoutAnAdminKey() {
    AccessKeys keys = new AccessKeys(List.of(API), List.of(), true);
    try (TestServer server = new TestServer.Setup().keys(keys).start(FakeEngine.running(512))) {
      assertThat(ask(server, "/v1/load_lora_adapter", LOAD, "Bearer " + API).status())
          .isEqualTo(403);
      assertThat(ask(server, "/v1/unload_lora_adapter", LOAD, null).status()).isEqualTo(403);
      assertThat(ask(server, "/metrics", null, null).status()).isEqualTo(200);
    }
  }

  @Test
  void anAdminKeyAloneGuardsTheAdminRoutesOnly() {
    AccessKeys keys = new AccessKeys(List.of(), List.of(ADMIN), false);
    try (TestServer server = new TestServer.Setup().keys(keys).start(FakeEngine.running(512))) {
      assertThat(ask(server, "/v1/completions", "{\"prompt\":\"On\"}", null).status())
          .isEqualTo(200);
      assertThat(ask(server, "/v1/load_lora_adapter", LOAD, null).status()).isEqualTo(401);
      assertThat(ask(server, "/v1/load_lora_adapter", LOAD, "Bearer " + ADMIN).status())
          .isEqualTo(404);
    }
  }

  @Test
  void doesNotServeOthersWithoutAKey() throws Exception {
    ServerParts parts =
        new ServerParts(
            FakeEngine.stepped(10),
            new FakeAdapters(),
            null,
            null,
            ServerLimits.defaults(),
            AccessKeys.none(),
            InetAddress.getByName("0.0.0.0"),
            0,
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    try (OpenAiServer server = new OpenAiServer(parts)) {
      assertThatThrownBy(server::start)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "bind address: 0.0.0.0 is reachable from other machines and no API key is configured"
                  + " (expected: at least one API key, or a loopback address)");
      assertThat(server.port()).isZero();
    }
    assertThatThrownBy(() -> new AccessKeys(List.of("short"), List.of(), false))
        .hasMessage("API key: 5 characters (expected: at least 8, without blanks around)");
  }

  @Test
  void saysTooManyWhenAllSlotsAreTaken() {
    FakeEngine engine = FakeEngine.stepped(512);
    ServerLimits two = new ServerLimits(HttpLimits.defaults(), 2, 128, 2048, 8, 1000);
    try (TestServer server = new TestServer.Setup().limits(two).start(engine)) {
      var first = start(server, "{\"prompt\":\"On\",\"max_tokens\":1}");
      var second = start(server, "{\"prompt\":\"On\",\"max_tokens\":1,\"stream\":true}");
      server.until(() -> engine.runningCount() == 2);
      Answer third = server.complete("{\"prompt\":\"On\"}");
      assertThat(third.status()).isEqualTo(429);
      assertThat(third.header("retry-after")).isEqualTo("1");
      assertThat(third.error())
          .isEqualTo("The server is working on 2 requests already. Please try again.");
      assertThat(server.get("/health").status()).isEqualTo(200);
      engine.step();
      assertThat(first.join().statusCode()).isEqualTo(200);
      assertThat(second.join().statusCode()).isEqualTo(200);
    }
  }

  @Test
  void letsRunningRequestsFinishWhenDraining() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine)) {
      var whole = start(server, "{\"prompt\":\"On\",\"max_tokens\":2}");
      var stream = start(server, "{\"prompt\":\"On\",\"max_tokens\":2,\"stream\":true}");
      server.until(() -> engine.runningCount() == 2);
      CompletableFuture<Boolean> drained = drain(server, Duration.ofSeconds(20));
      server.until(() -> server.get("/health/ready").status() == 503);
      assertThat(server.get("/health/live").status()).isEqualTo(200);
      Answer late = server.complete("{\"prompt\":\"On\"}");
      assertThat(late.status()).isEqualTo(503);
      assertThat(late.header("retry-after")).isEqualTo("5");
      assertThat(late.error()).startsWith("The server is shutting down");
      assertThat(drained).isNotDone();
      engine.step();
      engine.step();
      assertThat(drained.join()).isTrue();
      assertThat(whole.join().statusCode()).isEqualTo(200);
      assertThat(stream.join().body()).endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void cancelsWhatIsLeftWhenDrainingTakesTooLong() {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine)) {
      var whole = start(server, "{\"prompt\":\"On\",\"max_tokens\":200}");
      server.until(() -> engine.runningCount() == 1);
      CompletableFuture<Boolean> drained = drain(server, Duration.ofMillis(50));
      server.until(() -> {
        engine.step();
        return engine.runningCount() == 0;
      });
      assertThat(drained.join()).isFalse();
      assertThat(whole.join().statusCode()).isIn(200, 503);
    }
  }

  private static CompletableFuture<Boolean> drain(TestServer server, Duration limit) {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return server.server.drain(limit);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    });
  }

  private static CompletableFuture<HttpResponse<String>> start(TestServer server, String body) {
    return server.client.sendAsync(
        server
            .request("/v1/completions")
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static Answer ask(
      TestServer server, String path, @Nullable String body, @Nullable String authorization) {
    var request = server.request(path);
    if (body != null) {
      request.header("content-type", "application/json").POST(BodyPublishers.ofString(body));
    }
    if (authorization != null) {
      request.header("authorization", authorization);
    }
    return server.send(request.build());
  }
}
