package dev.openlora.attribution.datanet;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** CSV whose header names the columns; an empty contributor or licence is the file's. */
final class CsvRows implements RowReader.RowSource {
  private static final Set<String> COLUMNS =
      Set.of("text", "prompt", "completion", "contributor", "licence");
  private static final String EXPECTED =
      "text, or prompt and completion; beside it contributor and licence, if need be";
  private static final Pattern PLACE = Pattern.compile(" \\(record starting at line (\\d+)\\)");

  private final String file;
  private final TextLines lines;
  private final CloseableIterator<CsvRecord> records;
  private @Nullable List<String> header;

  CsvRows(String file, TextLines lines, RowLimits limits) {
    this.file = file;
    this.lines = lines;
    this.records =
        CsvReader.builder()
            .allowUnclosedQuote(false)
            .allowExtraCharsAfterClosingQuote(false)
            // Counted here, since the library's complaint has no line.
            .allowExtraFields(true)
            .allowMissingFields(true)
            .maxBufferSize(2 * limits.bytesPerRow() + (64 << 10))
            .ofCsvRecord(new LineReader(lines))
            .iterator();
  }

  @Override
  public @Nullable ParsedRow next() throws IOException {
    if (header == null) {
      CsvRecord first = record();
      if (first == null) {
        return null;
      }
      header = checkedHeader(first);
    }
    CsvRecord record = record();
    if (record == null) {
      return null;
    }
    List<String> columns = header;
    return DatanetException.at(file, record.getStartingLineNumber(), () -> row(columns, record));
  }

  private @Nullable CsvRecord record() throws IOException {
    try {
      return records.hasNext() ? records.next() : null;
    } catch (UncheckedIOException e) {
      throw Objects.requireNonNull(e.getCause());
    } catch (CsvParseException e) {
      if (e.getCause() instanceof DatanetException ours) {
        throw ours;
      }
      String problem = String.valueOf(e.getMessage());
      Matcher place = PLACE.matcher(problem);
      throw new DatanetException(
          file,
          place.find() ? Long.parseLong(place.group(1)) : Math.max(1, lines.line()),
          "no valid CSV: " + Excerpt.of(place.replaceAll(""), 300));
    }
  }

  private List<String> checkedHeader(CsvRecord first) {
    List<String> columns = first.getFields().stream().map(String::strip).toList();
    long line = first.getStartingLineNumber();
    for (String column : columns) {
      if (!COLUMNS.contains(column)) {
        throw new DatanetException(
            file,
            line,
            "column '" + Excerpt.of(column) + "' in the header (expected: " + EXPECTED + ")");
      }
    }
    if (Set.copyOf(columns).size() < columns.size()) {
      throw new DatanetException(file, line, "a column that stands twice in the header");
    }
    boolean text = columns.contains("text");
    boolean prompt = columns.contains("prompt");
    boolean completion = columns.contains("completion");
    if (prompt != completion || text == prompt) {
      throw new DatanetException(
          file, line, "columns " + String.join(", ", columns) + " (expected: " + EXPECTED + ")");
    }
    return columns;
  }

  private static ParsedRow row(List<String> columns, CsvRecord record) {
    if (record.getFieldCount() != columns.size()) {
      throw new IllegalArgumentException(
          record.getFieldCount() + " fields (expected: " + columns.size() + ", as in the header)");
    }
    String text = field(columns, record, "text");
    String contributor = field(columns, record, "contributor");
    String licence = field(columns, record, "licence");
    return new ParsedRow(
        record.getStartingLineNumber(),
        text != null
            ? new RowContent.Text(text)
            : RowJson.pair(
                Objects.requireNonNull(field(columns, record, "prompt")),
                Objects.requireNonNull(field(columns, record, "completion"))),
        contributor == null || contributor.isBlank() ? null : new Contributor(contributor),
        licence == null || licence.isBlank() ? null : Row.checkLicence(licence));
  }

  private static @Nullable String field(List<String> columns, CsvRecord record, String column) {
    int index = columns.indexOf(column);
    return index < 0 ? null : record.getField(index);
  }

  /** The checked lines, as characters for the parser. */
  private static final class LineReader extends Reader {
    private final TextLines lines;
    private String line = "";
    private int next;

    LineReader(TextLines lines) {
      this.lines = lines;
    }

    @Override
    public int read(char[] target, int offset, int length) throws IOException {
      if (next == line.length()) {
        String more = lines.next();
        if (more == null) {
          return -1;
        }
        line = more + "\n";
        next = 0;
      }
      int count = Math.min(length, line.length() - next);
      line.getChars(next, next + count, target, offset);
      next += count;
      return count;
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }
}
