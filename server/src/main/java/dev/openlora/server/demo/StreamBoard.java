package dev.openlora.server.demo;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Many answers growing under each other: one row each, rewritten in place on a terminal; one line
 * per finished answer anywhere else. Any thread.
 */
final class StreamBoard {
  private static final long REDRAW_NANOS = 80_000_000;
  private static final int PLAIN_TEXT_CHARACTERS = 60;

  private final PrintStream out;
  private final boolean terminal;
  private final int columns;
  private final int nameWidth;
  // All guarded by this.
  private final List<Row> rows = new ArrayList<>();
  private boolean drawn;
  private long lastDrawn;

  private static final class Row {
    final String name;
    final StringBuilder text = new StringBuilder();
    String state = "";

    Row(String name) {
      this.name = name;
    }
  }

  StreamBoard(PrintStream out, boolean terminal, int columns, List<String> names) {
    this.out = out;
    this.terminal = terminal;
    this.columns = columns;
    this.nameWidth = names.stream().mapToInt(String::length).max().orElse(0);
    names.forEach(name -> rows.add(new Row(name)));
  }

  synchronized void grow(int row, String piece) {
    Row grown = rows.get(row);
    grown.text.append(printable(piece));
    if (terminal && System.nanoTime() - lastDrawn > REDRAW_NANOS) {
      draw();
    }
  }

  /** The row's last word: {@code state} is short, e.g. "done" or why it failed. */
  synchronized void finish(int row, String state) {
    Row finished = rows.get(row);
    finished.state = state;
    if (terminal) {
      draw();
    } else {
      out.println(line(finished, nameWidth + PLAIN_TEXT_CHARACTERS + 24));
    }
  }

  private void draw() {
    StringBuilder frame = new StringBuilder();
    if (drawn) {
      frame.append("\u001b[").append(rows.size()).append('A');
    }
    for (Row row : rows) {
      frame.append("\r\u001b[2K").append(line(row, columns - 1)).append('\n');
    }
    out.print(frame);
    out.flush();
    drawn = true;
    lastDrawn = System.nanoTime();
  }

  private String line(Row row, int width) {
    String head = String.format("%-" + nameWidth + "s  ", row.name);
    String tail = row.state.isEmpty() ? "" : "  " + row.state;
    int room = Math.max(8, width - head.length() - tail.length());
    String text = row.text.toString();
    String shown = text.length() <= room ? text : "…" + text.substring(text.length() - room + 1);
    return head + shown + tail;
  }

  /** Characters that take exactly one column; others as a dot. */
  private static String printable(String piece) {
    StringBuilder clean = new StringBuilder(piece.length());
    piece
        .codePoints()
        .forEach(c -> {
          boolean narrow = (c >= ' ' && c < 0x7F) || (c >= 0xA1 && c < 0x250 && c != 0xAD);
          clean.appendCodePoint(narrow ? c : '·');
        });
    return clean.toString();
  }
}
