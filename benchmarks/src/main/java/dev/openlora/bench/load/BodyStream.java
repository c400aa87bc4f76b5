package dev.openlora.bench.load;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * The body of an HTTP/1.1 answer without its framing: chunked, of a known length, or until the
 * connection closes. A body that ends before its framing says so is an error, and so is one over
 * {@link #BYTES_MAX}. Reads return what is there, so that an event is seen when it arrives. One
 * thread.
 */
final class BodyStream extends InputStream {
  static final long BYTES_MAX = 64L << 20;

  private static final int LINE_BYTES_MAX = 8192;

  private enum Framing {
    CHUNKED,
    LENGTH,
    UNTIL_CLOSED
  }

  private final InputStream in;
  private final Framing framing;

  /** Bytes still to come of this chunk, or of the body. */
  private long left;

  private long total;
  private boolean firstChunk = true;
  private boolean ended;

  private BodyStream(InputStream in, Framing framing, long left) {
    this.in = in;
    this.framing = framing;
    this.left = left;
  }

  static BodyStream chunked(InputStream in) {
    return new BodyStream(in, Framing.CHUNKED, 0);
  }

  static BodyStream ofLength(InputStream in, long bytes) {
    return new BodyStream(in, Framing.LENGTH, bytes);
  }

  static BodyStream untilClosed(InputStream in) {
    return new BodyStream(in, Framing.UNTIL_CLOSED, Long.MAX_VALUE);
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (framing == Framing.CHUNKED && left == 0 && !ended) {
      nextChunk();
    }
    if (ended || left == 0) {
      return -1;
    }
    int count = in.read(bytes, offset, (int) Math.min(length, left));
    if (count < 0) {
      if (framing == Framing.UNTIL_CLOSED) {
        ended = true;
        return -1;
      }
      throw new EOFException("the connection closed with " + left + " bytes of the body to come");
    }
    left -= count;
    total += count;
    if (total > BYTES_MAX) {
      throw new IOException("body: over " + total + " bytes (expected: at most " + BYTES_MAX + ")");
    }
    return count;
  }

  private void nextChunk() throws IOException {
    if (!firstChunk && !line(in).isEmpty()) {
      throw new IOException("chunk: bytes after its end (expected: a line break)");
    }
    firstChunk = false;
    String size = line(in);
    int semicolon = size.indexOf(';');
    String digits = (semicolon < 0 ? size : size.substring(0, semicolon)).strip();
    if (!digits.matches("[0-9a-fA-F]{1,8}")) {
      throw new IOException("chunk size: '" + digits + "' (expected: hexadecimal digits)");
    }
    left = Long.parseLong(digits, 16);
    ended = left == 0;
  }

  /** A line of a head or of chunked framing, without its end. */
  static String line(InputStream in) throws IOException {
    byte[] bytes = new byte[64];
    int count = 0;
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new EOFException("the connection closed within a line");
      }
      if (count == LINE_BYTES_MAX) {
        throw new IOException("line: over " + LINE_BYTES_MAX + " bytes (expected: a line break)");
      }
      if (count == bytes.length) {
        bytes = java.util.Arrays.copyOf(bytes, 2 * count);
      }
      bytes[count++] = (byte) b;
    }
    int end = count > 0 && bytes[count - 1] == '\r' ? count - 1 : count;
    return new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
  }
}
