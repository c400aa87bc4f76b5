package dev.openlora.attribution.datanet;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a UTF-8 file from outside, one in memory at a time. Bytes that are not UTF-8, a NUL,
 * and anything over a limit are refused with line and byte offset; a byte order mark at the start
 * is dropped.
 */
final class TextLines implements Closeable {
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int SIGNATURE_BYTES = 4;
  private static final byte[] BYTE_ORDER_MARK = {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF};

  private final String file;
  private final InputStream in;
  private final int bytesPerLine;
  private final long bytesPerFile;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private byte[] bytes = new byte[1024]; // of the line at hand
  private int next;
  private int filled;
  private long bytesRead;
  private long line;

  TextLines(String file, InputStream in, int bytesPerLine, long bytesPerFile) {
    this.file = file;
    this.in = in;
    this.bytesPerLine = bytesPerLine;
    this.bytesPerFile = bytesPerFile;
  }

  /** The next line without its LF or CR LF; null at the end of the file. */
  @Nullable String next() throws IOException {
    if (bytesRead == 0) {
      begin();
    }
    if (next == filled && !fill()) {
      return null;
    }
    line++;
    long start = bytesRead - filled + next;
    int length = 0;
    boolean broken = false;
    while (!broken && (next < filled || fill())) {
      int from = next;
      while (next < filled && buffer[next] != '\n') {
        next++;
      }
      int more = next - from;
      if (length + (long) more > bytesPerLine) {
        throw new DatanetException(
            file, line, "a line of more than " + bytesPerLine + " bytes (expected: at most)");
      }
      if (bytes.length < length + more) {
        bytes = Arrays.copyOf(bytes, Math.max(length + more, 2 * bytes.length));
      }
      System.arraycopy(buffer, from, bytes, length, more);
      length += more;
      if (next < filled) {
        next++;
        broken = true;
      }
    }
    if (broken && length > 0 && bytes[length - 1] == '\r') {
      length--;
    }
    return decode(start, length);
  }

  /** Of the line that {@link #next} gave, from 1. */
  long line() {
    return line;
  }

  long bytesRead() {
    return bytesRead;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }

  private void begin() throws IOException {
    filled = in.readNBytes(buffer, 0, SIGNATURE_BYTES);
    bytesRead = filled;
    String kind = kind();
    if (kind != null) {
      throw new DatanetException(file, 1, kind + " (expected: text in UTF-8)");
    }
    if (filled >= BYTE_ORDER_MARK.length
        && Arrays.equals(buffer, 0, BYTE_ORDER_MARK.length, BYTE_ORDER_MARK, 0, 3)) {
      next = BYTE_ORDER_MARK.length;
    }
  }

  /** What the first bytes say that the file is, if that is not text in UTF-8. */
  private @Nullable String kind() {
    int first = filled < 2 ? 0 : (buffer[0] & 0xFF) << 8 | buffer[1] & 0xFF;
    return switch (first) {
      case 0x1F8B -> "gzip data";
      case 0x504B -> filled == 4 && buffer[2] == 3 && buffer[3] == 4 ? "a zip archive" : null;
      case 0x28B5 ->
          filled == 4 && buffer[2] == 0x2F && buffer[3] == (byte) 0xFD ? "zstd data" : null;
      case 0xFFFE, 0xFEFF -> "text in UTF-16";
      default -> null;
    };
  }

  private boolean fill() throws IOException {
    int read = in.read(buffer, 0, buffer.length);
    if (read <= 0) {
      return false;
    }
    next = 0;
    filled = read;
    bytesRead += read;
    if (bytesRead > bytesPerFile) {
      throw new DatanetException(
          file, Math.max(1, line), "more than " + bytesPerFile + " bytes (expected: at most)");
    }
    return true;
  }

  private String decode(long start, int length) {
    for (int i = 0; i < length; i++) {
      if (bytes[i] == 0) {
        throw new DatanetException(
            file, line, "a NUL byte at offset " + (start + i) + " (expected: text in UTF-8)");
      }
    }
    ByteBuffer undecoded = ByteBuffer.wrap(bytes, 0, length);
    try {
      return decoder.decode(undecoded).toString();
    } catch (CharacterCodingException e) {
      int at = undecoded.position();
      throw new DatanetException(
          file,
          line,
          String.format(
              "byte 0x%02X at offset %d is not UTF-8 (expected: text in UTF-8)",
              bytes[at] & 0xFF, start + at));
    }
  }
}
