package dev.openlora.attribution.datanet;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Paragraphs of plain text, separated by blank lines; line breaks inside one stay. */
final class ParagraphRows implements RowReader.RowSource {
  private final TextLines lines;
  private final TextBlock paragraph;

  ParagraphRows(String file, TextLines lines, RowLimits limits) {
    this.lines = lines;
    this.paragraph = new TextBlock(file, limits);
  }

  @Override
  public @Nullable ParsedRow next() throws IOException {
    for (String line; (line = lines.next()) != null; ) {
      if (line.isBlank() && !paragraph.isEmpty()) {
        return paragraph.take();
      }
      paragraph.add(lines.line(), line);
    }
    return paragraph.take();
  }
}
