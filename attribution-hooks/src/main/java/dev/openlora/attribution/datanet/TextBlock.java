package dev.openlora.attribution.datanet;

import org.jspecify.annotations.Nullable;

/** Lines that grow into one row, without the blank lines before and after them. */
final class TextBlock {
  private final String file;
  private final RowLimits limits;
  private final StringBuilder text = new StringBuilder();
  private int end; // of the last line that is not blank
  private long start; // line number, from 1; 0 when empty

  TextBlock(String file, RowLimits limits) {
    this.file = file;
    this.limits = limits;
  }

  boolean isEmpty() {
    return start == 0;
  }

  void add(long number, String line) {
    if (isEmpty()) {
      if (line.isBlank()) {
        return;
      }
      start = number;
    } else {
      text.append('\n');
    }
    text.append(line);
    // A char is at least a byte; the exact length is checked on the finished row.
    if (text.length() > limits.bytesPerRow()) {
      throw RowReader.tooLong(file, start, limits);
    }
    if (!line.isBlank()) {
      end = text.length();
    }
  }

  /** The row, and an empty block again; null when it is empty already. */
  @Nullable ParsedRow take() {
    if (isEmpty()) {
      return null;
    }
    long line = start;
    String block = text.substring(0, end);
    text.setLength(0);
    start = 0;
    return DatanetException.at(
        file, line, () -> new ParsedRow(line, new RowContent.Text(block), null, null));
  }
}
