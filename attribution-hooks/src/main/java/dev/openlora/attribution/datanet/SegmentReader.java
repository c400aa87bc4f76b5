package dev.openlora.attribution.datanet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The rows of a segment; each is checked against its id as it is read. One thread. */
final class SegmentReader implements Closeable {
  private final String file;
  private final Segment segment;
  private final MessageDigest sha256 = Sha256.start();
  private final TextLines lines;
  private long rows;

  SegmentReader(Path datanet, Segment segment) throws IOException {
    Path path = segment.in(datanet);
    this.file = path.toString();
    this.segment = segment;
    try {
      this.lines =
          new TextLines(
              file,
              new DigestInputStream(Files.newInputStream(path), sha256),
              Segment.BYTES_PER_LINE_MAX,
              Long.MAX_VALUE);
    } catch (NoSuchFileException e) {
      throw new DatanetException(file, 0, "missing (expected: a segment of the Datanet)");
    }
  }

  /** Null after the last row, which has to be as many as the manifest says. */
  @Nullable Row next() throws IOException {
    String line = lines.next();
    if (line == null) {
      if (rows != segment.rows()) {
        throw new DatanetException(file, 0, count(rows));
      }
      return null;
    }
    Row row = DatanetException.at(file, lines.line(), () -> RowJson.parseStored(line));
    if (++rows > segment.rows()) {
      throw new DatanetException(file, lines.line(), count(rows) + " or more");
    }
    return row;
  }

  String file() {
    return file;
  }

  long line() {
    return lines.line();
  }

  /** Whether the bytes are those that the segment's name promises; after the last row only. */
  void checkBytes() {
    if (lines.bytesRead() != segment.bytes()) {
      throw new DatanetException(
          file, 0, lines.bytesRead() + " bytes (expected: " + segment.bytes() + ")");
    }
    String found = HexFormat.of().formatHex(sha256.digest());
    if (!found.equals(segment.sha256())) {
      throw new DatanetException(
          file, 0, "its SHA-256 is " + found + " (expected: " + segment.sha256() + ")");
    }
  }

  long bytesRead() {
    return lines.bytesRead();
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  private String count(long found) {
    return found + " rows (expected: " + segment.rows() + ", as the manifest says)";
  }
}
