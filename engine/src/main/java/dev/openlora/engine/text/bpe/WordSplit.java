package dev.openlora.engine.text.bpe;

import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a text into the pieces that no token crosses: a word with the blank before it, one digit, a
 * run of signs, line ends, blanks. The pattern means the same to {@link Pattern} here and to the
 * tokenizer library, which reads it from the file.
 */
final class WordSplit {
  static final String PATTERN =
      "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
          + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final Pattern COMPILED = Pattern.compile(PATTERN, Pattern.UNICODE_CHARACTER_CLASS);

  private WordSplit() {}

  static void split(CharSequence text, Consumer<String> piece) {
    Matcher matcher = COMPILED.matcher(text);
    while (matcher.find()) {
      piece.accept(matcher.group());
    }
  }
}
