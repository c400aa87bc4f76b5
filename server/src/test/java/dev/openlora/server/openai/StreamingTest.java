package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.engine.GenerationException.Kind;
import dev.openlora.server.http.HttpLimits;
import dev.openlora.server.http.Json;
import dev.openlora.server.openai.TestServer.Answer;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Answers as events: the contract that clients rely on, slow readers, clients that leave. */
class StreamingTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHAT = "/v1/chat/completions";

  @Test
  void streamsACompletion() throws Exception {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      List<JsonNode> events =
          server.events(COMPLETIONS, "{\"prompt\":\"On\",\"max_tokens\":6,\"stream\":true}");
      assertThat(events).extracting(e -> e.get("id").stringValue()).containsOnly(id(events));
      assertThat(events)
          .extracting(e -> e.get("object").stringValue())
          .containsOnly("text_completion");
      assertThat(events).noneMatch(e -> e.has("usage"));
      assertThat(text(events)).isEqualTo("abcdef");
      for (JsonNode event : events) {
        JsonNode choice = event.get("choices").get(0);
        boolean last = event == events.getLast();
        assertThat(choice.get("finish_reason").isNull()).isEqualTo(!last);
        assertThat(choice.has("stop_reason")).isTrue();
        assertThat(event.has("system_fingerprint")).isEqualTo(last);
      }
      assertThat(choice(events.getLast()).get("finish_reason").stringValue()).isEqualTo("length");
    }
  }

  @Test
  void streamsAChatThatBeginsWithTheRole() throws Exception {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      List<JsonNode> events =
          server.events(
              CHAT,
              "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":3,"
                  + "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
      assertThat(choice(events.getFirst()).get("delta").toString())
          .isEqualTo("{\"role\":\"assistant\",\"content\":\"\"}");
      assertThat(choice(events.getFirst()).get("finish_reason").isNull()).isTrue();
      StringBuilder text = new StringBuilder();
      for (JsonNode event : events.subList(1, events.size() - 1)) {
        JsonNode delta = choice(event).get("delta");
        assertThat(delta.has("role")).isFalse();
        text.append(delta.has("content") ? delta.get("content").stringValue() : "");
        assertThat(event.get("usage").isNull()).isTrue();
      }
      assertThat(text.toString()).isEqualTo("abc");
      JsonNode last = events.getLast();
      assertThat(last.get("choices")).isEmpty();
      assertThat(last.get("usage").get("completion_tokens").intValue()).isEqualTo(3);
      assertThat(last.get("object").stringValue()).isEqualTo("chat.completion.chunk");
      assertThat(events).extracting(e -> e.get("id").stringValue()).containsOnly(id(events));
    }
  }

  @Test
  void tellsTheUsageInEachChunkWhenAsked() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine)) {
      Iterator<String> lines =
          open(server, ",\"max_tokens\":2,\"stream_options\":{\"continuous_usage_stats\":true}");
      engine.step();
      assertThat(next(lines).get("usage").get("completion_tokens").intValue()).isEqualTo(1);
      engine.step();
      JsonNode event = next(lines);
      while (!event.get("choices").isEmpty()) { // the end may come with the last token or behind it
        assertThat(event.get("usage").get("completion_tokens").intValue()).isEqualTo(2);
        event = next(lines);
      }
      assertThat(event.get("usage").get("completion_tokens").intValue()).isEqualTo(2);
    }
  }

  @Test
  void sendsEachTokenWhenItComesAndCharactersWhole() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512).says("aé!");
    try (TestServer server = TestServer.start(engine)) {
      Iterator<String> lines = open(server, ",\"max_tokens\":9,\"return_token_ids\":true");
      engine.step();
      JsonNode first = choice(next(lines));
      assertThat(first.get("text").stringValue()).isEqualTo("a");
      assertThat(first.get("token_ids").toString()).isEqualTo("[97]");
      assertThat(first.get("prompt_token_ids").toString()).isEqualTo("[256,79,110]");
      engine.step();
      JsonNode half = choice(next(lines));
      assertThat(half.get("text").stringValue()).isEmpty();
      assertThat(half.get("prompt_token_ids").isNull()).isTrue();
      engine.step();
      assertThat(choice(next(lines)).get("text").stringValue()).isEqualTo("é");
      engine.step();
      next(lines);
      engine.step();
      assertThat(choice(next(lines)).get("finish_reason").stringValue()).isEqualTo("stop");
    }
  }

  @Test
  void interleavesChoicesByIndex() throws Exception {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      List<JsonNode> events =
          server.events(
              COMPLETIONS,
              "{\"prompt\":[\"On\",\"ce\"],\"n\":2,\"max_tokens\":5,\"stream\":true,"
                  + "\"stream_options\":{\"include_usage\":true}}");
      String[] texts = {"", "", "", ""};
      int[] ends = new int[4];
      for (JsonNode event : events.subList(0, events.size() - 1)) {
        JsonNode choice = choice(event);
        int index = choice.get("index").intValue();
        assertThat(ends[index]).isZero();
        texts[index] += choice.get("text").stringValue();
        ends[index] += choice.get("finish_reason").isNull() ? 0 : 1;
      }
      assertThat(texts).containsOnly("abcde");
      assertThat(ends).containsOnly(1);
      assertThat(events.getLast().get("usage").get("completion_tokens").intValue()).isEqualTo(20);
      assertThat(events.getLast().get("usage").get("prompt_tokens").intValue()).isEqualTo(6);
    }
  }

  @Test
  void streamsLogprobsWithOffsetsThatCountOn() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine)) {
      Iterator<String> lines = open(server, ",\"max_tokens\":2,\"logprobs\":1,\"echo\":true");
      engine.step();
      JsonNode echo = choice(next(lines));
      assertThat(echo.get("text").stringValue()).isEqualTo("On");
      assertThat(echo.get("logprobs").get("text_offset").toString()).isEqualTo("[0,3,4]");
      assertThat(echo.get("logprobs").get("token_logprobs").get(0).isNull()).isTrue();
      assertThat(choice(next(lines)).get("logprobs").get("text_offset").toString())
          .isEqualTo("[5]");
      engine.step();
      assertThat(choice(next(lines)).get("logprobs").get("text_offset").toString())
          .isEqualTo("[6]");
    }
  }

  @Test
  void streamsChatLogprobsWithBytes() throws Exception {
    try (TestServer server = TestServer.start(FakeEngine.running(512))) {
      List<JsonNode> events =
          server.events(
              CHAT,
              "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":1,"
                  + "\"stream\":true,\"logprobs\":true,\"top_logprobs\":2}");
      assertThat(choice(events.get(1)).get("logprobs").toString())
          .isEqualTo(
              "{\"content\":[{\"token\":\"a\",\"logprob\":-0.25,\"bytes\":[97],\"top_logprobs\":["
                  + "{\"token\":\"a\",\"logprob\":-0.25,\"bytes\":[97]},"
                  + "{\"token\":\"c\",\"logprob\":-2.0,\"bytes\":[99]}]}]}");
    }
  }

  @Test
  void answersAFailureBeforeTheFirstTokenWithItsStatus() throws Exception {
    FakeEngine engine =
        FakeEngine.running(512).fails(0, Kind.ADAPTER_FAILED, "The adapter 'x' gave NaN.");
    try (TestServer server = TestServer.start(engine)) {
      Answer streamed = server.complete("{\"prompt\":\"On\",\"stream\":true}");
      assertThat(streamed.status()).isEqualTo(500);
      assertThat(streamed.error()).isEqualTo("The adapter 'x' gave NaN.");
      assertThat(streamed.json().get("error").get("type").stringValue()).isEqualTo("AdapterError");
      Answer whole = server.complete("{\"prompt\":\"On\",\"n\":3}");
      assertThat(whole.status()).isEqualTo(500);
      assertThat(whole.error()).isEqualTo("The adapter 'x' gave NaN.");
    }
  }

  @Test
  void endsAFailedStreamWithTheErrorAndDone() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512).fails(2, Kind.INTERNAL, "The engine failed.");
    try (TestServer server = TestServer.start(engine)) {
      Iterator<String> lines = open(server, "");
      engine.step();
      assertThat(choice(next(lines)).get("text").stringValue()).isEqualTo("a");
      engine.step();
      assertThat(choice(next(lines)).get("text").stringValue()).isEqualTo("b");
      engine.step();
      assertThat(next(lines).toString())
          .isEqualTo(
              "{\"error\":{\"message\":\"The engine failed.\",\"type\":\"InternalServerError\","
                  + "\"param\":null,\"code\":500}}");
      assertThat(lines.next()).isEqualTo("data: [DONE]");
      assertThat(server.get("/health").status()).isEqualTo(200);
    }
  }

  @Test
  void cancelsAllGenerationsOfAClientThatLeaves() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine)) {
      for (String stream : List.of("true", "false")) {
        long before = engine.cancelledCount();
        try (Socket socket = new Socket("127.0.0.1", server.port)) {
          send(socket, "{\"prompt\":[\"On\",\"ce\"],\"n\":2,\"stream\":" + stream + "}");
          server.until(() -> engine.runningCount() == 4);
          engine.step();
        }
        server.until(() -> {
          engine.step();
          return engine.runningCount() == 0;
        });
        assertThat(engine.cancelledCount() - before).isEqualTo(4);
        server.until(() -> server.server.requestsInProgress() == 0);
      }
      assertThat(server.get("/metrics").text())
          .contains("openlora_generation_duration_seconds_count{outcome=\"abort\"} 8");
    }
  }

  @Test
  void takesAShutDownSendingSideForALeavingClient() throws Exception {
    FakeEngine engine = FakeEngine.stepped(512);
    try (TestServer server = TestServer.start(engine);
        Socket socket = new Socket("127.0.0.1", server.port)) {
      send(socket, "{\"prompt\":\"On\",\"stream\":true}");
      server.until(() -> engine.runningCount() == 1);
      socket.shutdownOutput();
      server.until(() -> {
        engine.step();
        return engine.runningCount() == 0;
      });
    }
  }

  @Test
  void letsASlowReaderHaveEverythingInFewerChunks() throws Exception {
    int tokens = 60_000;
    FakeEngine engine = FakeEngine.stepped(100_000).says("x".repeat(tokens));
    try (TestServer server = TestServer.start(engine);
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress("127.0.0.1", server.port));
      send(socket, "{\"prompt\":\"On\",\"max_tokens\":" + tokens + ",\"stream\":true}");
      server.until(() -> engine.runningCount() == 1);
      for (int i = 0; i <= tokens; i++) {
        engine.step();
      }
      assertThat(engine.runningCount()).isZero();
      String all = read(socket, "[DONE]");
      String body = all.substring(all.indexOf("\r\n\r\n") + 4);
      int chunks = 0;
      int characters = 0;
      for (String line : body.lines().filter(l -> l.startsWith("data: {")).toList()) {
        chunks++;
        characters +=
            choice(Json.MAPPER.readTree(line.substring(6))).get("text").stringValue().length();
      }
      assertThat(characters).isEqualTo(tokens);
      assertThat(chunks).isLessThan(tokens / 2);
    }
  }

  @Test
  void cancelsAReaderThatStalls() throws Exception {
    HttpLimits d = HttpLimits.defaults();
    HttpLimits impatient =
        new HttpLimits(
            d.bodyBytesMax(),
            d.bodyBytesTotalMax(),
            d.requestLineBytesMax(),
            d.headerBytesMax(),
            d.connectionsMax(),
            d.readTimeout(),
            d.idleTimeout(),
            Duration.ofMillis(100));
    FakeEngine engine = FakeEngine.stepped(2_000_000).says("x".repeat(1_000_000));
    try (TestServer server = new TestServer.Setup().http(impatient).start(engine);
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress("127.0.0.1", server.port));
      send(socket, "{\"prompt\":\"On\",\"max_tokens\":1000000,\"stream\":true,\"n\":4}");
      server.until(() -> engine.runningCount() == 4);
      server.until(() -> {
        for (int i = 0; i < 500 && engine.runningCount() > 0; i++) {
          engine.step();
        }
        return engine.runningCount() == 0;
      });
      assertThat(engine.cancelledCount()).isEqualTo(4);
    }
  }

  private static Iterator<String> open(TestServer server, String more) throws Exception {
    String body = "{\"prompt\":\"On\",\"stream\":true" + more + "}";
    // The answer begins with the first token, so the request must be under way before a step.
    var answer =
        server.client.sendAsync(
            server
                .request(COMPLETIONS)
                .header("content-type", "application/json")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(body))
                .build(),
            java.net.http.HttpResponse.BodyHandlers.ofLines());
    server.until(() -> server.engine.runningCount() == 1);
    return new Iterator<>() {
      private @Nullable Iterator<String> lines;

      @Override
      public boolean hasNext() {
        return true;
      }

      @Override
      public String next() {
        if (lines == null) {
          lines = answer.join().body().iterator();
        }
        return lines.next();
      }
    };
  }

  private static JsonNode next(Iterator<String> lines) {
    String line = lines.next();
    assertThat(line).startsWith("data: ");
    assertThat(lines.next()).isEmpty();
    return Json.MAPPER.readTree(line.substring(6));
  }

  private static void send(Socket socket, String body) throws Exception {
    socket.setSoTimeout(10_000);
    OutputStream out = socket.getOutputStream();
    out.write(
        ("POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                + "content-length: "
                + body.length()
                + "\r\n\r\n"
                + body)
            .getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  private static String read(Socket socket, String until) throws Exception {
    StringBuilder all = new StringBuilder();
    InputStream in = socket.getInputStream();
    byte[] buffer = new byte[1 << 16];
    for (int n; all.indexOf(until, Math.max(0, all.length() - 1000)) < 0; ) {
      n = in.read(buffer);
      assertThat(n).isPositive();
      all.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
    }
    return all.toString();
  }

  private static String id(List<JsonNode> events) {
    return events.getFirst().get("id").stringValue();
  }

  private static JsonNode choice(JsonNode event) {
    return event.get("choices").get(0);
  }

  private static String text(List<JsonNode> events) {
    StringBuilder text = new StringBuilder();
    events.forEach(event -> text.append(choice(event).get("text").stringValue()));
    return text.toString();
  }
}
