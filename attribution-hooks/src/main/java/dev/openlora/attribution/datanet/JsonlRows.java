package dev.openlora.attribution.datanet;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A JSON object a line; blank lines are skipped. */
final class JsonlRows implements RowReader.RowSource {
  private final String file;
  private final TextLines lines;
  private final RowLimits limits;

  JsonlRows(String file, TextLines lines, RowLimits limits) {
    this.file = file;
    this.lines = lines;
    this.limits = limits;
  }

  @Override
  public @Nullable ParsedRow next() throws IOException {
    for (String line; (line = lines.next()) != null; ) {
      if (!line.isBlank()) {
        String json = line;
        long number = lines.line();
        return DatanetException.at(
            file, number, () -> RowJson.parse(number, json, limits.messagesPerChat()));
      }
    }
    return null;
  }
}
