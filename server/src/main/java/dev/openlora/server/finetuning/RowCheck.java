package dev.openlora.server.finetuning;

import dev.openlora.attribution.datanet.DatanetException;
import dev.openlora.attribution.datanet.ParsedRow;
import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.attribution.datanet.RowLimits;
import dev.openlora.attribution.datanet.RowReader;
import dev.openlora.attribution.datanet.SourceFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * Reads every row as the tuner will. Tokens are counted in the first rows only, and taken from the
 * number of characters in the others: counting all would keep a processor from answers. Any thread.
 */
public final class RowCheck implements DatasetCheck {
  private static final int COUNTED_ROWS = 200;
  private static final int TEMPLATE_TOKENS = 8; // what a chat template may put around a message
  private static final double MARGIN = 1.5;

  private final RowLimits limits;
  private final ToIntFunction<String> tokens;

  /** A check that counts tokens as {@code tokens} does. */
  public RowCheck(RowLimits limits, ToIntFunction<String> tokens) {
    this.limits = limits;
    this.tokens = tokens;
  }

  @Override
  public Found check(Path file) throws IOException, RefusedException {
    long rows = 0;
    long characters = 0;
    long longest = 0;
    long countedCharacters = 0;
    long countedTokens = 0;
    try (RowReader reader =
        new RowReader("file", SourceFormat.JSONL, Files.newInputStream(file), limits)) {
      for (ParsedRow row; (row = reader.next()) != null; ) {
        List<String> texts = texts(row.content());
        long length = texts.stream().mapToLong(String::length).sum();
        characters += length;
        longest = Math.max(longest, length);
        if (rows++ < COUNTED_ROWS) {
          countedCharacters += length;
          countedTokens +=
              texts.stream().mapToLong(text -> tokens.applyAsInt(text) + TEMPLATE_TOKENS).sum();
        }
      }
    } catch (DatanetException e) {
      throw new RefusedException(e.line(), e.reason());
    }
    double tokensPerCharacter = (double) countedTokens / countedCharacters;
    return new Found(
        rows,
        tokensPerCharacter * characters / rows,
        tokensPerCharacter * longest * MARGIN + TEMPLATE_TOKENS);
  }

  private static List<String> texts(RowContent content) {
    return switch (content) {
      case RowContent.Text text -> List.of(text.text());
      case RowContent.Chat chat ->
          chat.messages().stream().map(RowContent.Message::content).toList();
    };
  }
}
