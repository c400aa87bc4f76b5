package dev.openlora.attribution.datanet;

import java.util.Locale;

/** The kinds of file that rows come from. */
public enum SourceFormat {
  /** An object a line: text, messages, or prompt and completion. Blank lines are skipped. */
  JSONL,
  /** Paragraphs, separated by blank lines. */
  TEXT,
  /** Sections: a heading of {@code #} signs and what follows it, up to the next. */
  MARKDOWN,
  /** RFC 4180 with a header that names the columns. */
  CSV;

  /** By the file name's ending; {@link DatanetException} for others. */
  public static SourceFormat of(String file) {
    String ending = file.substring(file.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    return switch (file.contains(".") ? ending : "") {
      case "jsonl", "ndjson" -> JSONL;
      case "txt" -> TEXT;
      case "md", "markdown" -> MARKDOWN;
      case "csv" -> CSV;
      default ->
          throw new DatanetException(
              file, 0, "its name's ending (expected: .jsonl, .txt, .md or .csv)");
    };
  }
}
