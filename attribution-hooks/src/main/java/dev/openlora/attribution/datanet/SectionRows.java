package dev.openlora.attribution.datanet;

import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sections of Markdown: a heading of {@code #} signs with what follows it up to the next heading;
 * headings that directly follow each other begin one section. What comes before the first heading
 * is a row as well. Signs inside fenced code are no headings, and neither are underlined lines.
 */
final class SectionRows implements RowReader.RowSource {
  private static final Pattern HEADING = Pattern.compile(" {0,3}#{1,6}(?:[ \\t].*)?");
  private static final Pattern FENCE = Pattern.compile(" {0,3}(`{3,}|~{3,})(.*)");

  private final TextLines lines;
  private final TextBlock section;
  private boolean hasBody;
  private @Nullable String fence; // that is open

  SectionRows(String file, TextLines lines, RowLimits limits) {
    this.lines = lines;
    this.section = new TextBlock(file, limits);
  }

  @Override
  public @Nullable ParsedRow next() throws IOException {
    for (String line; (line = lines.next()) != null; ) {
      boolean heading = fence == null && HEADING.matcher(line).matches();
      ParsedRow finished = heading && hasBody ? section.take() : null;
      section.add(lines.line(), line);
      hasBody = (hasBody && finished == null) || (!heading && !line.isBlank());
      followFence(line);
      if (finished != null) {
        return finished;
      }
    }
    return section.take();
  }

  private void followFence(String line) {
    Matcher marks = FENCE.matcher(line);
    if (!marks.matches()) {
      return;
    }
    String run = marks.group(1);
    String rest = marks.group(2);
    if (fence == null) {
      // Backticks after backticks on one line are code in a sentence.
      fence = run.startsWith("`") && rest.contains("`") ? null : run;
    } else if (run.startsWith(fence) && rest.isBlank()) {
      fence = null;
    }
  }
}
