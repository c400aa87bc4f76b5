package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.bench.streams.StreamClient.Schedule;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

class StreamClientTest {
  private static final long PERIOD = 2_000_000;

  private static long deadline() {
    return System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
  }

  @Test
  void readsManyStreamsOfTheRealServer() throws Exception {
    int streams = 40;
    int tokens = 12;
    try (NullEngine engine = new NullEngine(new NullEngine.Limits(streams, tokens + 1));
        NoAdapters adapters = new NoAdapters();
        var server =
            new dev.openlora.server.openai.OpenAiServer(
                StreamServer.parts(engine, adapters, streams));
        StreamClient client = new StreamClient(server.start(), tokens)) {
      engine.hold();
      client.ask(streams, deadline());
      assertThat(engine.awaitGenerations(streams, java.time.Duration.ofSeconds(20)))
          .isEqualTo(streams);
      client.expect(new Schedule(engine.go(PERIOD), PERIOD));
      long[] progress = {0};
      client.read(() -> false, deadline(), more -> progress[0] += more);
      assertThat(client.failures()).isEmpty();
      assertThat(client.unfinished()).isZero();
      assertThat(client.tokensSeen()).isEqualTo(streams * tokens);
      assertThat(progress[0]).isEqualTo(streams * tokens);
      assertThat(client.eventsSeen()).isBetween((long) streams, (long) streams * tokens);
      assertThat(client.delays().getTotalCount()).isEqualTo(streams * tokens);
      assertThat(client.gaps().getTotalCount()).isEqualTo(streams * (tokens - 1));
    }
  }

  /** What a client makes of a server that answers its one request with these bytes and closes. */
  private static StreamClient ofAnswer(String answer) throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ExecutorService thread = Executors.newSingleThreadExecutor();
        StreamClient client = new StreamClient(listener.getLocalPort(), 2)) {
      var served = thread.submit(() -> answer(listener, answer));
      client.expect(new Schedule(System.nanoTime(), PERIOD));
      client.ask(1, deadline());
      client.read(() -> false, deadline(), more -> {});
      served.get();
      return client;
    }
  }

  private static Void answer(ServerSocket listener, String answer) throws IOException {
    int length = StreamClient.request(StreamClient.promptId(0), 2).remaining();
    try (Socket socket = listener.accept();
        OutputStream out = socket.getOutputStream()) {
      assertThat(socket.getInputStream().readNBytes(length)).hasSize(length);
      out.write(answer.getBytes(StandardCharsets.US_ASCII));
    }
    return null;
  }

  private static String chunked(String body) {
    return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        + Integer.toHexString(body.length())
        + "\r\n"
        + body
        + "\r\n";
  }

  private static final String FIRST_TOKEN =
      "data: {\"choices\":[{\"text\":\" aab\",\"finish_reason\":null}]}\n\n";

  @Test
  void countsAConnectionThatBreaksInTheMiddle() throws Exception {
    StreamClient client = ofAnswer(chunked(FIRST_TOKEN));
    assertThat(client.connectionFailures()).isEqualTo(1);
    assertThat(client.answerFailures()).isZero();
    assertThat(client.failures()).singleElement().asString().contains("after 1 tokens");
    assertThat(client.unfinished()).isZero();
  }

  @Test
  void countsAnAnswerThatIsNotTheOneThatWasDue() throws Exception {
    StreamClient client = ofAnswer(chunked(FIRST_TOKEN + FIRST_TOKEN));
    assertThat(client.answerFailures()).isEqualTo(1);
    assertThat(client.failures()).singleElement().asString().contains("not token 1 of 2");
  }

  @Test
  void countsARefusal() throws Exception {
    StreamClient client = ofAnswer("HTTP/1.1 429 Too Many Requests\r\n\r\n");
    assertThat(client.answerFailures()).isEqualTo(1);
    assertThat(client.failures()).singleElement().asString().contains("429");
  }

  @Test
  void countsAPortWhereNobodyListens() throws Exception {
    int port;
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = listener.getLocalPort();
    }
    try (StreamClient client = new StreamClient(port, 2)) {
      client.ask(3, deadline());
      assertThat(client.connectionFailures()).isEqualTo(3);
      assertThat(client.unfinished()).isZero();
      assertThat(client.failures()).hasSize(3).allMatch(reason -> reason.contains("connect:"));
    }
  }

  @Test
  void deviationIsTheDistanceOfAGapFromThePeriod() {
    Histogram gaps = new Histogram(1_000_000, 3);
    gaps.recordValueWithCount(100, 98);
    gaps.recordValue(70);
    gaps.recordValue(150);
    Histogram deviations = RunReport.deviations(gaps, 100);
    assertThat(deviations.getTotalCount()).isEqualTo(100);
    assertThat(deviations.getCountAtValue(0)).isEqualTo(98);
    assertThat(deviations.getCountAtValue(30)).isEqualTo(1);
    assertThat(deviations.getCountAtValue(50)).isEqualTo(1);
  }
}
