package dev.openlora.bench.load;

import static dev.openlora.bench.load.ScriptedServer.event;
import static dev.openlora.bench.load.ScriptedServer.eventHead;
import static dev.openlora.bench.load.ScriptedServer.json;
import static dev.openlora.bench.load.ScriptedServer.rightAnswer;
import static dev.openlora.bench.load.ScriptedServer.text;
import static dev.openlora.bench.load.ScriptedServer.usage;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class StreamedCompletionTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Ask ASK =
      new Ask(Ask.BASE, JsonMapper.shared().createArrayNode().add(30).add(31).add(32), 3, 2);

  @Test
  void reportsAStatusWithTheServersSentence() throws IOException {
    String shaped = "{\"error\":{\"message\":\"no room\",\"type\":\"overloaded\"}}";
    assertThat(faultOf(json(503, shaped))).isEqualTo(new Fault("HTTP 503", "no room"));
    assertThat(faultOf(json(404, "{\"detail\":\"Not Found\"}")))
        .isEqualTo(new Fault("HTTP 404", "{\"detail\":\"Not Found\"}"));
    assertThat(faultOf(json(500, "a\n long  page")))
        .isEqualTo(new Fault("HTTP 500", "a long page"));
    assertThat(faultOf(json(502, ""))).isEqualTo(new Fault("HTTP 502", "(empty)"));
  }

  @Test
  void reportsEveryCutOfTheAnswer() throws IOException {
    byte[] whole = answer(text(" a"), text(" b"), usage(3, 2), "[DONE]");
    // The line [DONE] is over with its line break; what follows is framing.
    int done = new String(whole, UTF_8).indexOf("[DONE]") + "[DONE]\n".length();
    for (int length = 0; length < done; length++) {
      Outcome outcome = outcomeOf(Arrays.copyOf(whole, length));
      assertThat(outcome.right()).as("cut at byte %d of %d", length, whole.length).isFalse();
      assertThat(Objects.requireNonNull(outcome.fault()).kind()).isEqualTo("connection");
    }
    assertThat(outcomeOf(Arrays.copyOf(whole, done)).fault()).isNull();
  }

  @Test
  void reportsAStreamThatEndsWellFramedButWithoutSayingSo() throws IOException {
    assertThat(faultOf(answer(text(" a"), text(" b"), usage(3, 2))).kind()).isEqualTo("truncated");
    assertThat(faultOf("HTTP/1.1 200 OK\r\n\r\ndata: {}\n\n".getBytes(UTF_8)).kind())
        .isEqualTo("truncated");
  }

  @Test
  void reportsAnErrorWithinTheStream() throws IOException {
    byte[] broken = answer(text(" a"), "{\"error\":{\"message\":\"out of pages\"}}", "[DONE]");
    assertThat(faultOf(broken)).isEqualTo(new Fault("stream", "out of pages"));
    byte[] field = "HTTP/1.1 200 OK\r\n\r\nerror: {\"message\":\"x\"}\n\n".getBytes(UTF_8);
    assertThat(faultOf(field)).isEqualTo(new Fault("stream", "{\"message\":\"x\"}"));
  }

  @Test
  void reportsTokensThatDoNotCountAsAsked() throws IOException {
    assertThat(faultOf(answer(text(" a"), usage(3, 1), "[DONE]")))
        .isEqualTo(new Fault("token count", "1 new (expected: 2)"));
    assertThat(faultOf(answer(text(" a"), usage(4, 2), "[DONE]")))
        .isEqualTo(new Fault("token count", "4 of the prompt (expected: 3)"));
    assertThat(faultOf(answer(text(" a"), text(" b"), "[DONE]")).kind()).isEqualTo("usage");
  }

  @Test
  void reportsWhatIsNoHttpOrNoJson() throws IOException {
    assertThat(faultOf("ICY 200 OK\r\n\r\n".getBytes(UTF_8)).message()).contains("ICY 200 OK");
    assertThat(faultOf("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".getBytes(UTF_8)).message())
        .isEqualTo("content-length: 'many' (expected: a number)");
    assertThat(
            faultOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".getBytes(UTF_8))
                .message())
        .isEqualTo("chunk size: 'zz' (expected: hexadecimal digits)");
    assertThat(faultOf(answer("{\"choices\":", "[DONE]")).kind()).isEqualTo("event");
    byte[] endless = new byte[20_000];
    Arrays.fill(endless, (byte) 'x');
    assertThat(faultOf(endless).message()).startsWith("line: over ");
  }

  @Test
  void reportsSilence() throws IOException {
    CountDownLatch over = new CountDownLatch(1);
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> {
          out.write(eventHead());
          out.flush();
          over.await();
        })) {
      StreamedCompletion hasty =
          new StreamedCompletion(
              server.endpoint(Dialect.OPENAI), Ticker.SYSTEM, Duration.ofMillis(20));
      Fault fault = Objects.requireNonNull(hasty.send(ASK, System.nanoTime()).fault());
      assertThat(fault.kind()).isEqualTo("timeout");
      over.countDown();
    }
  }

  @Test
  void reportsAServerThatIsNotThere() throws IOException {
    URI nowhere;
    try (ServerSocket socket = new ServerSocket(0)) {
      nowhere = URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
    Endpoint endpoint = new Endpoint(nowhere, Dialect.OPENAI, null, "base", List.of(), 0);
    Outcome outcome = new StreamedCompletion(endpoint, Ticker.SYSTEM, PATIENCE).send(ASK, 0);
    assertThat(Objects.requireNonNull(outcome.fault()).kind()).isEqualTo("connection");
  }

  @Test
  void readsAnAnswerThatArrivesInAnyTwoPieces() throws IOException {
    byte[] framed = answer(text(" grün"), text(" und 🌊"), usage(3, 2), "[DONE]");
    byte[] body = Arrays.copyOfRange(framed, eventHead().length, framed.length);
    for (int split = 0; split <= body.length; split++) {
      StreamedAnswer answer = new StreamedAnswer();
      Fault fault = offline().events(BodyStream.chunked(new Pieces(body, split)), answer);
      assertThat(fault).as("split at byte %d", split).isNull();
      assertThat(answer.text()).as("split at byte %d", split).isEqualTo(" grün und 🌊");
      assertThat(answer.pieceNanos()).hasSize(2);
      assertThat(answer.outputTokens()).isEqualTo(2);
    }
  }

  @Test
  void readsAnAnswerThatArrivesByteByByteAndWithOtherLineEnds() throws IOException {
    String body =
        ": a comment\r\n\r\nevent: message\r\ndata:"
            + text(" a")
            + "\r\n\r\n\r\ndata: "
            + text("")
            + "\r\n\r\ndata: "
            + text(" b")
            + "\r\n\r\ndata: "
            + usage(3, 2)
            + "\r\n\r\ndata: [DONE]\r\n\r\n";
    StreamedAnswer answer = new StreamedAnswer();
    InputStream slow = new Pieces(body.getBytes(UTF_8), -1);
    assertThat(offline().events(BodyStream.untilClosed(slow), answer)).isNull();
    assertThat(answer.text()).isEqualTo(" a b");
    assertThat(answer.pieceNanos()).as("an empty text is no piece").hasSize(2);
  }

  @Test
  void asksAndCountsInTheOpenAiDialect() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(rightAnswer(request, "w")))) {
      Endpoint endpoint =
          new Endpoint(server.uri(), Dialect.OPENAI, "secret", "base", List.of("x", "y"), 0);
      StreamedCompletion completion = new StreamedCompletion(endpoint, Ticker.SYSTEM, PATIENCE);
      Outcome outcome = completion.send(new Ask(1, ASK.prompt(), 3, 2), System.nanoTime());
      assertThat(outcome.fault()).isNull();
      assertThat(outcome.text()).isEqualTo(" w w");
      assertThat(outcome.outputTokens()).isEqualTo(2);
      assertThat(outcome.gaps()).hasSize(1);
      ScriptedServer.Received request = server.received().getFirst();
      assertThat(request.line()).isEqualTo("POST /v1/completions HTTP/1.1");
      assertThat(request.headers()).contains("Authorization: Bearer secret");
      assertThat(request.body())
          .isEqualTo(
              JsonMapper.shared()
                  .readTree(
                      """
                      {"model": "y", "prompt": [30, 31, 32], "max_tokens": 2, "temperature": 0,
                       "ignore_eos": true, "stream": true,
                       "stream_options": {"include_usage": true}}
                      """));
    }
  }

  @Test
  void asksAndCountsInTheLlamaDialect() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(rightAnswer(request, "w")))) {
      StreamedCompletion completion =
          new StreamedCompletion(server.endpoint(Dialect.LLAMA, "0", "1"), Ticker.SYSTEM, PATIENCE);
      Outcome base = completion.send(ASK, System.nanoTime());
      assertThat(base.fault()).isNull();
      assertThat(base.text()).isEqualTo(" w w");
      assertThat(base.promptTokens()).isEqualTo(3);
      assertThat(completion.send(new Ask(1, ASK.prompt(), 3, 2), 0).right()).isTrue();
      ScriptedServer.Received request = server.received().getFirst();
      assertThat(request.path()).isEqualTo("/completion");
      assertThat(request.body())
          .isEqualTo(
              JsonMapper.shared()
                  .readTree(
                      """
                      {"prompt": [30, 31, 32], "n_predict": 2, "temperature": 0,
                       "repeat_penalty": 1, "ignore_eos": true, "cache_prompt": false,
                       "stream": true, "lora": [{"id": 0, "scale": 0}]}
                      """));
      assertThat(server.received().getLast().model()).isEqualTo("[{\"id\":1,\"scale\":1}]");
    }
  }

  @Test
  void takesTheEndForTheFirstTextOfATokenWithoutAny() throws IOException {
    Ask one = new Ask(Ask.BASE, ASK.prompt(), 3, 1);
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(answer(usage(3, 1), "[DONE]")))) {
      Outcome outcome = completion(server).send(one, System.nanoTime());
      assertThat(outcome.right()).isTrue();
      assertThat(outcome.first()).isEqualTo(outcome.end());
    }
    Outcome silent = outcomeOf(answer(usage(3, 2), "[DONE]"));
    assertThat(silent.right()).isTrue();
    assertThat(silent.first()).isEqualTo(Outcome.NO_TEXT);
  }

  private static Fault faultOf(byte[] answer) throws IOException {
    return Objects.requireNonNull(outcomeOf(answer).fault());
  }

  private static Outcome outcomeOf(byte[] answer) throws IOException {
    try (ScriptedServer server = new ScriptedServer((request, out) -> out.write(answer))) {
      return completion(server).send(ASK, System.nanoTime());
    }
  }

  private static StreamedCompletion completion(ScriptedServer server) {
    return new StreamedCompletion(server.endpoint(Dialect.OPENAI), Ticker.SYSTEM, PATIENCE);
  }

  private static StreamedCompletion offline() {
    URI nowhere = URI.create("http://127.0.0.1:1");
    Endpoint endpoint = new Endpoint(nowhere, Dialect.OPENAI, null, "base", List.of(), 0);
    return new StreamedCompletion(endpoint, Ticker.SYSTEM, PATIENCE);
  }

  private static byte[] answer(String... events) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(eventHead());
    for (String each : events) {
      out.writeBytes(event(each));
    }
    out.writeBytes("0\r\n\r\n".getBytes(UTF_8));
    return out.toByteArray();
  }

  /** Bytes in two reads, parted at {@code split}; -1: one by one. */
  private static final class Pieces extends InputStream {
    private final ByteArrayInputStream bytes;
    private int left;

    Pieces(byte[] bytes, int split) {
      this.bytes = new ByteArrayInputStream(bytes);
      left = split;
    }

    @Override
    public int read() {
      left = left > 0 ? left - 1 : left;
      return bytes.read();
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int most = left > 0 ? Math.min(left, length) : left == 0 ? length : Math.min(1, length);
      int count = bytes.read(into, offset, most);
      left = left > 0 ? left - Math.max(0, count) : left;
      return count;
    }
  }
}
