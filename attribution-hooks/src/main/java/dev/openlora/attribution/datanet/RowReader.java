package dev.openlora.attribution.datanet;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one source file, read one at a time. What is wrong is thrown as {@link
 * DatanetException} with its line; nothing can be read after that. Knows no duplicates. One thread.
 */
public final class RowReader implements Closeable {
  private final String file;
  private final RowLimits limits;
  private final TextLines lines;
  private final RowSource source;
  private long rows;

  /** One way of cutting a file into rows. */
  interface RowSource {
    /** Null at the end. */
    @Nullable ParsedRow next() throws IOException;
  }

  /**
   * Reads an upload.
   *
   * @param file its name in messages
   * @param in closed with the reader
   */
  public RowReader(String file, SourceFormat format, InputStream in, RowLimits limits) {
    this.file = file;
    this.limits = limits;
    this.lines = new TextLines(file, in, limits.bytesPerLine(), limits.bytesPerFile());
    this.source =
        switch (format) {
          case JSONL -> new JsonlRows(file, lines, limits);
          case TEXT -> new ParagraphRows(file, lines, limits);
          case MARKDOWN -> new SectionRows(file, lines, limits);
          case CSV -> new CsvRows(file, lines, limits);
        };
  }

  /** Opens a file whose name's ending tells its format; links are followed. */
  public static RowReader open(Path path, RowLimits limits) throws IOException {
    String file = path.toString();
    SourceFormat format = SourceFormat.of(file);
    long bytes = size(path);
    if (bytes > limits.bytesPerFile()) {
      throw new DatanetException(
          file, 0, bytes + " bytes (expected: at most " + limits.bytesPerFile() + ")");
    }
    try {
      return new RowReader(file, format, Files.newInputStream(path), limits);
    } catch (FileSystemException e) {
      throw unreadable(file, e);
    }
  }

  /** The size of a readable, regular file. */
  static long size(Path path) throws IOException {
    String file = path.toString();
    BasicFileAttributes attributes;
    try {
      attributes = Files.readAttributes(path, BasicFileAttributes.class);
    } catch (NoSuchFileException e) {
      throw new DatanetException(file, 0, "no such file");
    } catch (FileSystemException e) {
      throw unreadable(file, e);
    }
    if (attributes.isDirectory()) {
      throw new DatanetException(file, 0, "a folder (expected: a file)");
    }
    if (!attributes.isRegularFile()) {
      throw new DatanetException(file, 0, "a device or pipe (expected: a file)");
    }
    return attributes.size();
  }

  /** The next row; null after the last. A file without any is refused. */
  public @Nullable ParsedRow next() throws IOException {
    ParsedRow row = source.next();
    if (row == null) {
      if (rows == 0) {
        throw new DatanetException(
            file, Math.max(1, lines.line()), "no rows (expected: at least one)");
      }
      return null;
    }
    int bytes = row.content().canonicalBytes().length;
    if (bytes > limits.bytesPerRow()) {
      throw tooLong(file, row.line(), limits);
    }
    if (++rows > limits.rowsPerAddition()) {
      throw new DatanetException(
          file,
          row.line(),
          "a row more than the " + limits.rowsPerAddition() + " that are allowed");
    }
    return row;
  }

  /** How far into the file reading has come. */
  public long bytesRead() {
    return lines.bytesRead();
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }

  /** Loops of links, missing rights and the like, in the system's words. */
  private static DatanetException unreadable(String file, FileSystemException e) {
    String why = Objects.requireNonNullElse(e.getReason(), e.getClass().getSimpleName());
    return new DatanetException(file, 0, "cannot be read: " + why);
  }

  static DatanetException tooLong(String file, long line, RowLimits limits) {
    return new DatanetException(
        file, line, "a row of more than " + limits.bytesPerRow() + " bytes (expected: at most)");
  }
}
