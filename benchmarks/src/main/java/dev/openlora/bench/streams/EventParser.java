package dev.openlora.bench.streams;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * The bytes of one HTTP/1.1 answer to the data of its server-sent events, however they are cut.
 * Strict on purpose: only status 200, only chunks, one data line and one empty line per event. One
 * thread.
 */
final class EventParser {
  private static final int LINE_BYTES_MAX = 64 << 10;
  private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);

  private enum Part {
    STATUS,
    HEADERS,
    CHUNK_SIZE,
    CHUNK,
    CHUNK_END,
    LAST_LINE,
    OVER
  }

  /** Takes the data of an event: the bytes [from, to). */
  @FunctionalInterface
  interface Events {
    void event(byte[] bytes, int from, int to) throws BadAnswerException;
  }

  private final Events events;
  private Part part = Part.STATUS;
  private boolean chunked;
  private boolean emptyLineDue;
  private int chunkLeft;
  private byte[] line = new byte[512];
  private int lineLength;

  EventParser(Events events) {
    this.events = events;
  }

  /** Whether the answer is complete. */
  boolean isOver() {
    return part == Part.OVER;
  }

  /** Takes all bytes that are there. */
  void take(ByteBuffer bytes) throws BadAnswerException {
    while (bytes.hasRemaining()) {
      if (part == Part.CHUNK) {
        takeChunk(bytes);
      } else if (part == Part.OVER) {
        throw new BadAnswerException(bytes.remaining() + " bytes behind the end");
      } else {
        takeHttp(bytes.get());
      }
    }
  }

  private void takeChunk(ByteBuffer bytes) throws BadAnswerException {
    int count = Math.min(chunkLeft, bytes.remaining());
    for (int i = 0; i < count; i++) {
      byte b = bytes.get();
      if (b == '\n') {
        onEventLine();
        lineLength = 0;
      } else {
        keep(b);
      }
    }
    chunkLeft -= count;
    if (chunkLeft == 0) {
      part = Part.CHUNK_END;
    }
  }

  private void onEventLine() throws BadAnswerException {
    if (emptyLineDue) {
      if (lineLength != 0) {
        throw new BadAnswerException("an event of two lines: " + shownLine());
      }
      emptyLineDue = false;
      return;
    }
    if (lineLength < DATA.length || !Arrays.equals(line, 0, DATA.length, DATA, 0, DATA.length)) {
      throw new BadAnswerException("a line of no event: " + shownLine());
    }
    events.event(line, DATA.length, lineLength);
    emptyLineDue = true;
  }

  /** A byte outside chunks. Their framing may come within an event's line, which then goes on. */
  private void takeHttp(byte b) throws BadAnswerException {
    switch (part) {
      case STATUS, HEADERS -> {
        if (b == '\n') {
          onHeadLine();
          lineLength = 0;
        } else if (b != '\r') {
          keep(b);
        }
      }
      case CHUNK_SIZE -> {
        if (b == '\n') {
          part = chunkLeft == 0 ? Part.LAST_LINE : Part.CHUNK;
        } else if (b != '\r') {
          int digit = Character.digit(b, 16);
          if (digit < 0 || chunkLeft > Integer.MAX_VALUE >> 5) {
            throw new BadAnswerException("a chunk size with '" + (char) b + "'");
          }
          chunkLeft = 16 * chunkLeft + digit;
        }
      }
      case CHUNK_END, LAST_LINE -> {
        if (b == '\n') {
          if (part == Part.LAST_LINE && (lineLength > 0 || emptyLineDue)) {
            throw new BadAnswerException("the end within an event");
          }
          part = part == Part.LAST_LINE ? Part.OVER : Part.CHUNK_SIZE;
        } else if (b != '\r') {
          throw new BadAnswerException("'" + (char) b + "' behind a chunk");
        }
      }
      case CHUNK, OVER -> throw new IllegalStateException("not here: " + part);
    }
  }

  private void onHeadLine() throws BadAnswerException {
    String text = new String(line, 0, lineLength, StandardCharsets.ISO_8859_1);
    if (part == Part.STATUS) {
      if (!text.startsWith("HTTP/1.1 200")) {
        throw new BadAnswerException(text + " (expected: HTTP/1.1 200)");
      }
      part = Part.HEADERS;
    } else if (!text.isEmpty()) {
      chunked |= text.toLowerCase(Locale.ROOT).equals("transfer-encoding: chunked");
    } else if (chunked) {
      part = Part.CHUNK_SIZE;
    } else {
      throw new BadAnswerException("no chunks (expected: transfer-encoding: chunked)");
    }
  }

  private void keep(byte b) throws BadAnswerException {
    if (lineLength == line.length) {
      if (lineLength == LINE_BYTES_MAX) {
        throw new BadAnswerException("a line of more than " + LINE_BYTES_MAX + " bytes");
      }
      line = Arrays.copyOf(line, 2 * lineLength);
    }
    line[lineLength++] = b;
  }

  private String shownLine() {
    return "'" + new String(line, 0, Math.min(80, lineLength), StandardCharsets.ISO_8859_1) + "'";
  }
}
