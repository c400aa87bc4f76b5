package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.openai.RawClient.Raw;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** HTTP itself: connections that are kept, pipelines, limits, clients that send half of it. */
class ConnectionTest {
  private static final String HEALTH = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
  private static final String BODY = "{\"prompt\":\"On\",\"max_tokens\":2}";

  private TestServer server = TestServer.start(FakeEngine.running(512));

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void keepsAConnectionForManyRequests() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      for (int i = 0; i < 5; i++) {
        assertThat(client.send(HEALTH).read().status()).isEqualTo(200);
        assertThat(client.post("/v1/completions", BODY.getBytes()).read().status()).isEqualTo(200);
        assertThat(client.send("GET /nosuch HTTP/1.1\r\nhost: x\r\n\r\n").read().status())
            .isEqualTo(404);
      }
    }
  }

  @Test
  void answersAPipelineInOrder() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < 300; i++) {
        all.append(i % 3 == 0 ? HEALTH : "GET /nosuch" + i + " HTTP/1.1\r\nhost: x\r\n\r\n");
      }
      client.send(all.toString());
      for (int i = 0; i < 300; i++) {
        Raw raw = client.read();
        assertThat(raw.status()).isEqualTo(i % 3 == 0 ? 200 : 404);
        if (i % 3 != 0) {
          assertThat(raw.body()).contains("/nosuch" + i);
        }
      }
    }
  }

  @Test
  void holdsAPipelineLargerThanItsLimit() throws Exception {
    server.close();
    FakeEngine engine = FakeEngine.stepped(100_000);
    server = TestServer.start(engine);
    try (RawClient client = new RawClient(server.port)) {
      client.post("/v1/completions", BODY.getBytes());
      server.until(() -> engine.runningCount() == 1);
      byte[] tokenize = ("{\"prompt\":\"" + "x".repeat(50_000) + "\"}").getBytes();
      for (int i = 0; i < 3; i++) {
        client.post("/tokenize", tokenize);
      }
      engine.step();
      engine.step();
      assertThat(client.read().status()).isEqualTo(200);
      for (int i = 0; i < 3; i++) {
        assertThat(client.read().body()).startsWith("{\"count\":50001,");
      }
    }
  }

  @Test
  void speaksHttp10() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      Raw raw = client.send("GET /health HTTP/1.0\r\n\r\n").read();
      assertThat(raw.status()).isEqualTo(200);
      assertThat(raw.headers()).containsEntry("connection", "close");
      assertThat(client.atEnd()).isTrue();
    }
    try (RawClient client = new RawClient(server.port)) {
      String body = "{\"prompt\":\"On\",\"stream\":true}";
      Raw raw =
          client
              .send(
                  "POST /v1/completions HTTP/1.0\r\ncontent-type: application/json\r\n"
                      + "content-length: "
                      + body.length()
                      + "\r\n\r\n"
                      + body)
              .read();
      assertThat(raw.headers()).doesNotContainKey("transfer-encoding");
      assertThat(raw.body()).startsWith("data: {").endsWith("data: [DONE]\n\n");
    }
  }

  @Test
  void takesChunkedBodiesAndLowerCaseEverything() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      Raw raw =
          client
              .send(
                  "POST /v1/completions HTTP/1.1\r\nhost: x\r\n"
                      + "content-type: Application/JSON; charset=utf-8\r\n"
                      + "transfer-encoding: chunked\r\n\r\n"
                      + "a\r\n{\"prompt\":\r\n6\r\n\"On\" }\r\n0\r\n\r\n")
              .read();
      assertThat(raw.status()).isEqualTo(200);
    }
  }

  @Test
  void answersHeadAndOptions() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      Raw head = client.send("HEAD /v1/models HTTP/1.1\r\nhost: x\r\n\r\n").read(true);
      assertThat(head.status()).isEqualTo(200);
      assertThat(Integer.parseInt(head.headers().get("content-length"))).isPositive();
      Raw options = client.send("OPTIONS /v1/completions HTTP/1.1\r\nhost: x\r\n\r\n").read();
      assertThat(options.status()).isEqualTo(204);
      assertThat(options.headers()).containsEntry("allow", "OPTIONS, POST");
      assertThat(client.send(HEALTH).read().status()).isEqualTo(200);
    }
  }

  @Test
  void saysWhichMethodsARouteTakes() throws Exception {
    var wrong = server.get("/v1/completions");
    assertThat(wrong.status()).isEqualTo(405);
    assertThat(wrong.header("allow")).isEqualTo("OPTIONS, POST");
    assertThat(wrong.error())
        .isEqualTo("The route '/v1/completions' takes OPTIONS, POST, not GET.");
    var post = server.post("/v1/models", "{}");
    assertThat(post.status()).isEqualTo(405);
    assertThat(post.header("allow")).isEqualTo("GET, HEAD, OPTIONS");
    assertThat(server.get("/nosuch").error()).isEqualTo("There is no route '/nosuch'.");
    assertThat(server.get("/").status()).isEqualTo(404);
    assertThat(server.get("/ping").status()).isEqualTo(200);
    assertThat(server.get("/version").json().get("version").stringValue()).isNotEmpty();
    assertThat(server.get("/openapi.json").json().get("openapi").stringValue()).startsWith("3.1");
  }

  @Test
  void continuesOnlyBodiesThatItWants() throws Exception {
    try (RawClient client = new RawClient(server.port)) {
      String head =
          "content-type: application/json\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: "
              + BODY.length()
              + "\r\n\r\n";
      client.send("POST /v1/completions HTTP/1.1\r\n" + head);
      assertThat(client.read().status()).isEqualTo(100);
      assertThat(client.send(BODY).read().status()).isEqualTo(200);
      client.send("POST /nosuch HTTP/1.1\r\n" + head);
      assertThat(client.read().status()).isEqualTo(404);
      assertThat(client.atEnd()).isTrue();
    }
    try (RawClient client = new RawClient(server.port)) {
      client.send(
          "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              + "expect: miracles\r\ncontent-length: 2\r\n\r\n");
      assertThat(client.read().status()).isEqualTo(417);
    }
  }

  @Test
  void refusesWhatIsTooLarge() throws Exception {
    restart(limits(1000, 1500, Duration.ofSeconds(30), Duration.ofSeconds(30), 100));
    try (RawClient client = new RawClient(server.port)) {
      Raw raw = client.post("/v1/completions", new byte[1001]).read();
      assertThat(raw.status()).isEqualTo(413);
      assertThat(raw.body()).contains("has 1001 bytes (expected: at most 1000)");
      assertThat(client.atEnd()).isTrue();
    }
    try (RawClient client = new RawClient(server.port)) {
      client.send(
          "POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              + "transfer-encoding: chunked\r\n\r\n3e9\r\n");
      Raw raw = client.trySend(new byte[1001]).read();
      assertThat(raw.status()).isEqualTo(413);
    }
    try (RawClient client = new RawClient(server.port)) {
      Raw raw = client.send("GET /" + "x".repeat(9000) + " HTTP/1.1\r\nhost: x\r\n\r\n").read();
      assertThat(raw.status()).isEqualTo(414);
    }
    try (RawClient client = new RawClient(server.port)) {
      Raw raw =
          client
              .send("GET /health HTTP/1.1\r\nhost: x\r\nx: " + "x".repeat(40_000) + "\r\n\r\n")
              .read();
      assertThat(raw.status()).isEqualTo(431);
    }
  }

  @Test
  void holdsOnlySoManyBodiesAtOnce() throws Exception {
    restart(limits(1000, 1500, Duration.ofSeconds(30), Duration.ofSeconds(30), 100));
    String head =
        "POST /tokenize HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            + "content-length: 1000\r\n\r\n";
    try (RawClient first = new RawClient(server.port);
        RawClient second = new RawClient(server.port)) {
      first.send(head).send(new byte[900]);
      server.until(() -> server.server.bodyBytes() == 900);
      Raw raw = second.send(head).trySend(new byte[900]).read();
      assertThat(raw.status()).isEqualTo(503);
      assertThat(raw.headers()).containsEntry("retry-after", "5");
    }
    server.until(() -> server.server.bodyBytes() == 0);
  }

  @Test
  void endsRequestsThatTakeTooLong() throws Exception {
    restart(limits(1000, 5000, Duration.ofMillis(150), Duration.ofSeconds(30), 100));
    for (String part :
        new String[] {
          "GET /hea",
          "GET /health HTTP/1.1\r\nhost:",
          "POST /tokenize HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              + "content-length: 10\r\n\r\n{\"pro"
        }) {
      try (RawClient client = new RawClient(server.port)) {
        Raw raw = client.send(part).read();
        assertThat(raw.status()).isEqualTo(408);
        assertThat(raw.body()).contains("was not complete after 150 ms");
        assertThat(client.atEnd()).isTrue();
      }
    }
  }

  @Test
  void closesIdleConnectionsWithoutAWord() throws Exception {
    restart(limits(1000, 5000, Duration.ofSeconds(30), Duration.ofMillis(100), 100));
    try (RawClient fresh = new RawClient(server.port);
        RawClient used = new RawClient(server.port)) {
      assertThat(used.send(HEALTH).read().status()).isEqualTo(200);
      assertThat(used.atEnd()).isTrue();
      assertThat(fresh.atEnd()).isTrue();
    }
  }

  @Test
  void turnsAwayConnectionsBeyondTheLimit() throws Exception {
    restart(limits(1000, 5000, Duration.ofSeconds(30), Duration.ofSeconds(30), 2));
    try (RawClient first = new RawClient(server.port);
        RawClient second = new RawClient(server.port)) {
      assertThat(first.send(HEALTH).read().status()).isEqualTo(200);
      assertThat(second.send(HEALTH).read().status()).isEqualTo(200);
      try (RawClient third = new RawClient(server.port)) {
        Raw raw = third.read();
        assertThat(raw.status()).isEqualTo(503);
        assertThat(raw.body()).contains("too many open connections");
      }
    }
  }

  @Test
  void answersClientsThatOnlySendHalf() throws Exception {
    for (String part :
        new String[] {
          "GET /hea",
          "GET /health HTTP/1.1\r\nhost: x\r\n",
          "POST /tokenize HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              + "content-length: 10\r\n\r\n{\"pro",
          "POST /tokenize HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
              + "transfer-encoding: chunked\r\n\r\n5\r\n{\"p"
        }) {
      try (RawClient client = new RawClient(server.port)) {
        Raw raw = client.send(part).endSending().read();
        assertThat(raw.status()).as(part).isEqualTo(400);
        assertThat(raw.body()).contains("\"code\":400");
        assertThat(client.atEnd()).isTrue();
      }
    }
    try (RawClient client = new RawClient(server.port)) {
      assertThat(client.send(HEALTH).endSending().read().status()).isEqualTo(200);
      assertThat(client.atEnd()).isTrue();
    }
    try (RawClient client = new RawClient(server.port)) {
      assertThat(client.endSending().atEnd()).isTrue();
    }
  }

  private void restart(HttpLimits limits) {
    server.close();
    server = new TestServer.Setup().http(limits).start(FakeEngine.running(512));
  }

  private static HttpLimits limits(
      int body, long bodies, Duration read, Duration idle, int connections) {
    HttpLimits d = HttpLimits.defaults();
    return new HttpLimits(
        body,
        bodies,
        d.requestLineBytesMax(),
        d.headerBytesMax(),
        connections,
        read,
        idle,
        d.stallTimeout());
  }
}
