package dev.openlora.server.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class StreamBoardTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  void writesOneLinePerFinishedStreamWithoutATerminal() {
    StreamBoard board = new StreamBoard(out, false, 120, List.of("base", "longer-name"));
    board.grow(0, "ba");
    board.grow(1, "x");
    board.grow(0, "la\n");
    board.finish(1, "done");
    board.finish(0, "FAILED: why");

    assertThat(text().lines())
        .containsExactly("longer-name  x  done", "base         bala·  FAILED: why");
    assertThat(text()).doesNotContain("\u001b");
  }

  @Test
  void redrawsItsRowsInPlaceOnATerminal() {
    StreamBoard board = new StreamBoard(out, true, 40, List.of("a", "b"));
    board.finish(0, "done");
    board.finish(1, "done");

    assertThat(text()).contains("\u001b[2A").endsWith("\n");
  }

  @Test
  void aRowNeverGrowsBeyondTheTerminal() {
    StreamBoard board = new StreamBoard(out, true, 40, List.of("a"));
    board.grow(0, "ba".repeat(500));
    board.finish(0, "done");

    assertThat(text().lines().map(line -> line.replaceAll("\u001b\\[[0-9]*[A-Z]", "").strip()))
        .allMatch(line -> line.length() < 40);
    assertThat(text()).contains("…");
  }

  @Test
  void charactersOfOtherWidthsBecomeDots() {
    StreamBoard board = new StreamBoard(out, false, 120, List.of("a"));
    board.grow(0, "é世\u001b[2J👩");
    board.finish(0, "");

    assertThat(text()).contains("é··[2J·").doesNotContain("\u001b");
  }

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
