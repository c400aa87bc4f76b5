package dev.openlora.server.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a {@code multipart/form-data} body (RFC 7578), one after the other, read while they
 * come; memory is bounded whatever comes. One thread.
 */
public final class MultipartReader {
  /**
   * A part's head.
   *
   * @param name of the form's field
   * @param fileName null when the part is no file
   */
  public record Part(String name, @Nullable String fileName) {}

  private static final int PARTS_MAX = 16;
  private static final int HEAD_BYTES_MAX = 2 << 10;
  private static final int EPILOGUE_BYTES_MAX = 4 << 10;
  private static final int BUFFER_BYTES = 64 << 10;
  private static final Pattern BOUNDARY =
      Pattern.compile(
          ";\\s*boundary=(?:\"([^\"]{1,70})\"|([^\\s;,\"]{1,70}))", Pattern.CASE_INSENSITIVE);
  private static final Pattern PARAMETER =
      Pattern.compile(";\\s*([A-Za-z*]+)\\s*=\\s*(?:\"((?:[^\"\\\\]++|\\\\.)*+)\"|([^\\s;\"]*))");

  private final InputStream in;
  private final byte[] delimiter; // CR LF -- boundary
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int start;
  private int end;
  private boolean inputEnded;
  private int parts;
  private State state = State.BEFORE_FIRST;

  private enum State {
    BEFORE_FIRST,
    IN_PART,
    AFTER_PART,
    DONE
  }

  /** Reads a body whose content type names the boundary. */
  public MultipartReader(InputStream in, String contentType) throws ApiException {
    Matcher boundary = BOUNDARY.matcher(contentType);
    if (!boundary.find()) {
      throw ApiException.badRequest(
          null,
          "The content type "
              + RequestRouter.shown(contentType)
              + " names no boundary of 1 to 70 characters.");
    }
    String name = boundary.group(1) == null ? boundary.group(2) : boundary.group(1);
    this.in = in;
    this.delimiter = ("\r\n--" + name).getBytes(StandardCharsets.UTF_8);
    buffer[0] = '\r'; // so that a boundary at the very start is one like the others
    buffer[1] = '\n';
    end = 2;
  }

  /** The next part, after what is left of the one before; null after the last. */
  public @Nullable Part next() throws IOException, ApiException {
    byte[] skipped = new byte[BUFFER_BYTES];
    if (state == State.BEFORE_FIRST) {
      state = State.IN_PART;
      if (read(skipped, 0, skipped.length) >= 0) {
        throw malformed("it does not begin with its boundary");
      }
    }
    while (read(skipped, 0, skipped.length) >= 0) {
      // what the caller did not want
    }
    if (state == State.DONE) {
      return null;
    }
    String rest = line();
    if (rest.strip().equals("--")) {
      state = State.DONE;
      drainEpilogue(skipped);
      return null;
    }
    if (!rest.isBlank()) {
      throw malformed("its boundary is followed by " + RequestRouter.shown(rest));
    }
    if (++parts > PARTS_MAX) {
      throw malformed("it has more than " + PARTS_MAX + " parts");
    }
    return head();
  }

  /** Bytes of the current part; −1 at its end. */
  public int read(byte[] target, int from, int length) throws IOException, ApiException {
    Objects.checkFromIndexSize(from, length, target.length);
    if (state != State.IN_PART) {
      return -1;
    }
    for (; ; ) {
      int at = indexOfDelimiter();
      if (at == start) {
        if (end - start >= delimiter.length) {
          start += delimiter.length;
          state = State.AFTER_PART;
          return -1;
        }
        if (!fill()) {
          throw malformed("it ends inside a part");
        }
      } else {
        int count = Math.min(length, at - start);
        System.arraycopy(buffer, start, target, from, count);
        start += count;
        return count;
      }
    }
  }

  /** A part's text, which is a short one. */
  public String text(Part part, int bytesMax) throws IOException, ApiException {
    byte[] text = new byte[bytesMax + 1];
    int count = 0;
    for (int read; count < text.length && (read = read(text, count, text.length - count)) >= 0; ) {
      count += read;
    }
    if (count > bytesMax) {
      throw ApiException.badRequest(
          part.name(), part.name() + " must have at most " + bytesMax + " bytes.");
    }
    return new String(text, 0, count, StandardCharsets.UTF_8);
  }

  /** Where the first delimiter begins, or what may become one; the end of the buffer otherwise. */
  private int indexOfDelimiter() throws IOException {
    if (start == end) {
      fill();
    }
    for (int i = start; i < end; i++) {
      if (buffer[i] == '\r' && matches(i)) {
        return i;
      }
    }
    return end == start ? start : end;
  }

  private boolean matches(int at) {
    int length = Math.min(delimiter.length, end - at);
    for (int i = 1; i < length; i++) {
      if (buffer[at + i] != delimiter[i]) {
        return false;
      }
    }
    return true;
  }

  private Part head() throws IOException, ApiException {
    String name = null;
    String fileName = null;
    int bytes = 0;
    for (String line = line(); !line.isEmpty(); line = line()) {
      bytes += line.length();
      if (bytes > HEAD_BYTES_MAX) {
        throw malformed("a part's head has more than " + HEAD_BYTES_MAX + " bytes");
      }
      String lower = line.toLowerCase(Locale.ROOT);
      if (lower.startsWith("content-disposition:")) {
        Matcher parameter = PARAMETER.matcher(line);
        while (parameter.find()) {
          String value =
              parameter.group(2) == null
                  ? parameter.group(3)
                  : parameter.group(2).replaceAll("\\\\(.)", "$1");
          switch (parameter.group(1).toLowerCase(Locale.ROOT)) {
            case "name" -> name = value;
            case "filename" -> fileName = value;
            default -> {}
          }
        }
      } else if (lower.startsWith("content-transfer-encoding:")
          && !lower.matches("[^:]*:\\s*(binary|8bit|7bit)\\s*")) {
        throw malformed(RequestRouter.shown(line) + " is not supported");
      }
    }
    if (name == null || name.isEmpty()) {
      throw malformed("a part has no name");
    }
    state = State.IN_PART;
    return new Part(name, fileName);
  }

  /** The bytes up to CR LF, as UTF-8. */
  private String line() throws IOException, ApiException {
    int scanned = start;
    for (; ; ) {
      for (; scanned + 1 < end; scanned++) {
        if (buffer[scanned] == '\r' && buffer[scanned + 1] == '\n') {
          String line = new String(buffer, start, scanned - start, StandardCharsets.UTF_8);
          start = scanned + 2;
          return line;
        }
      }
      if (end - start > HEAD_BYTES_MAX) {
        throw malformed("a part's head has more than " + HEAD_BYTES_MAX + " bytes");
      }
      int before = start;
      if (!fill()) {
        if (state == State.AFTER_PART && end - start >= 2) {
          String line = new String(buffer, start, end - start, StandardCharsets.UTF_8);
          start = end;
          return line;
        }
        throw malformed("it ends inside a part's head");
      }
      scanned -= before - start;
    }
  }

  private void drainEpilogue(byte[] scratch) throws IOException, ApiException {
    long bytes = end - start;
    start = end;
    for (int read = 0; read >= 0; read = in.read(scratch, 0, scratch.length)) {
      bytes += read;
      if (bytes > EPILOGUE_BYTES_MAX) {
        throw malformed("more than " + EPILOGUE_BYTES_MAX + " bytes follow its last boundary");
      }
    }
  }

  /** Brings more bytes behind those that are there; false at the end of the body. */
  private boolean fill() throws IOException {
    if (inputEnded) {
      return false;
    }
    if (start > 0) {
      System.arraycopy(buffer, start, buffer, 0, end - start);
      end -= start;
      start = 0;
    }
    int read = in.read(buffer, end, buffer.length - end);
    if (read < 0) {
      inputEnded = true;
      return false;
    }
    end += read;
    return true;
  }

  private static ApiException malformed(String why) {
    return ApiException.badRequest(
        "body", "The request body is not well-formed multipart/form-data: " + why + ".");
  }
}
