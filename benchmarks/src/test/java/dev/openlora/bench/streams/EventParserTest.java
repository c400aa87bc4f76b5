package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class EventParserTest {
  private static final String HEAD =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  // Two events in three chunks, one cut within a line, one of 16 bytes to need a second digit.
  private static final String BODY =
      "10\r\ndata: {\"a\":1}\n\nd\r\n" + "7\r\nata: [D\r\n" + "6\r\nONE]\n\n\r\n" + "0\r\n\r\n";

  private final List<String> data = new ArrayList<>();
  private final EventParser parser =
      new EventParser((bytes, from, to) ->
          data.add(new String(bytes, from, to - from, StandardCharsets.US_ASCII)));

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }

  private void refuses(String answer, String reason) {
    assertThatThrownBy(() -> parser.take(bytes(answer)))
        .isInstanceOf(BadAnswerException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void findsTheSameEventsWhereverTheBytesAreCut() throws BadAnswerException {
    String answer = HEAD + BODY;
    for (int cut = 0; cut <= answer.length(); cut++) {
      List<String> found = new ArrayList<>();
      EventParser cutParser =
          new EventParser((bytes, from, to) ->
              found.add(new String(bytes, from, to - from, StandardCharsets.US_ASCII)));
      cutParser.take(bytes(answer.substring(0, cut)));
      assertThat(cutParser.isOver()).isEqualTo(cut == answer.length());
      cutParser.take(bytes(answer.substring(cut)));
      assertThat(found).as("cut at %d", cut).containsExactly("{\"a\":1}", "[DONE]");
      assertThat(cutParser.isOver()).isTrue();
    }
  }

  @Test
  void keepsALineLongerThanItsFirstBuffer() throws BadAnswerException {
    String text = "x".repeat(5000);
    String event = "data: " + text + "\n\n";
    parser.take(bytes(HEAD + Integer.toHexString(event.length()) + "\r\n" + event + "\r\n"));
    assertThat(data).containsExactly(text);
  }

  @Test
  void refusesAnotherStatus() {
    refuses("HTTP/1.1 429 Too Many Requests\r\n", "429");
  }

  @Test
  void refusesAnAnswerWithoutChunks() {
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "chunked");
  }

  @Test
  void refusesALineThatIsNoEvent() {
    refuses(HEAD + "8\r\nevent: x\r\n2\r\n\n\n\r\n", "event: x");
  }

  @Test
  void refusesAnEventWithoutItsEmptyLine() {
    refuses(HEAD + "10\r\ndata: a\ndata: b\n\r\n", "two lines");
  }

  @Test
  void refusesAnEndWithinAnEvent() {
    refuses(HEAD + "8\r\ndata: ab\r\n0\r\n\r\n", "within an event");
  }

  @Test
  void refusesBytesBehindTheEnd() {
    refuses(HEAD + "0\r\n\r\nHTTP/1.1", "behind the end");
  }

  @Test
  void refusesALineWithoutEnd() {
    refuses("HTTP/1.1 200 OK" + "x".repeat(70_000), "65536 bytes");
  }
}
