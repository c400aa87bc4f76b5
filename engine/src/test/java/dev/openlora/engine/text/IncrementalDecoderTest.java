package dev.openlora.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.engine.sampling.Seeds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class IncrementalDecoderTest {
  private static final String TEXT =
      "Once upon a time, naïve 你好 😀👨‍👩‍👧 — “end”\n\n  two  spaces\tтри สวัสดี \uFFFD a\u0301 🏳️‍🌈!";

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tokenizers/gpt2",
        "tokenizers/llama2",
        "tokenizers/llama3",
        "tokenizers/qwen2",
        "models/stories260K"
      })
  void growsToTheWholeTextInPublishedVocabularies(String folder) throws IOException {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizerTest.shared(folder)) {
      growsToTheWholeText(tokenizer, folder, folder.contains("llama2") || folder.contains("260K"));
    }
  }

  @Test
  void growsToTheWholeTextInATinyVocabulary() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tiny()) {
      growsToTheWholeText(tokenizer, "tiny", false);
    }
  }

  @Test
  void growsToTheWholeTextByWindowToo() throws IOException {
    long seed = Seeds.next("growsToTheWholeTextByWindowToo");
    Random random = new Random(seed);
    try (HuggingFaceTokenizer tokenizer = tiny()) {
      for (int run = 0; run < 200; run++) {
        int[] prompt = tokenizer.encode(slice(random), false);
        int[] answer = tokenizer.encode(slice(random), false);
        boolean skip = random.nextBoolean();
        assertThat(grown(new WindowDecoder(tokenizer, prompt, skip), answer))
            .as("seed %s, run %s", seed, run)
            .isEqualTo(suffix(tokenizer, prompt, answer, skip));
      }
    }
  }

  @Test
  void aVocabularyOfWholeWordsGoesThroughTheWindow() throws IOException {
    ObjectNode root = TokenizerFixture.tokenizer();
    root.putNull("truncation").putNull("padding").putNull("pre_tokenizer");
    root.putObject("decoder").put("type", "WordPiece").put("prefix", "##").put("cleanup", false);
    try (HuggingFaceTokenizer tokenizer =
        HuggingFaceTokenizer.load(TokenizerFixture.write(directory, root))) {
      IncrementalDecoder decoder = tokenizer.newDecoder(new int[] {'a'}, true);
      assertThat(decoder).isInstanceOf(WindowDecoder.class);
      assertThat(decoder.append(259)).isEqualTo(" hello");
    }
  }

  @Test
  void aCharacterComesWhole() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tiny()) {
      IncrementalDecoder decoder = tokenizer.newDecoder(new int[] {'a'}, true);
      assertThat(appended(decoder, 0xF0, 0x9F, 0x98, 0x80, 0xE4, 'x'))
          .containsExactly("", "", "", "😀", "", "\uFFFDx");
      assertThat(decoder.append(0xE4)).isEmpty();
      assertThat(decoder.flush()).isEqualTo("\uFFFD");
      assertThat(decoder.flush()).isEmpty();
    }
  }

  @Test
  void bytesThatAreNoCharacterNeverStallTheStream() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tiny()) {
      for (IncrementalDecoder decoder :
          new IncrementalDecoder[] {
            tokenizer.newDecoder(new int[] {'a'}, true),
            new WindowDecoder(tokenizer, new int[] {'a'}, true)
          }) {
        int characters = 0;
        for (int i = 0; i < 1000; i++) {
          characters += decoder.append(i % 2 == 0 ? 0x80 : 0xFF).length();
          assertThat(characters).isGreaterThan(i - 4);
        }
      }
      assertThat(appended(tokenizer.newDecoder(new int[0], true), 0xEF, 0xBF, 0xBD))
          .containsExactly("", "", "\uFFFD");
    }
  }

  @Test
  void theAnswerFinishesTheCharacterOfThePrompt() throws IOException {
    try (HuggingFaceTokenizer tokenizer = tiny()) {
      int[] prompt = {'a', 0xE4, 0xBD, TokenizerFixture.BEGIN};
      assertThat(appended(tokenizer.newDecoder(prompt, true), 0xA0)).containsExactly("你");
      assertThat(tokenizer.newDecoder(prompt, true).flush()).isEmpty();
    }
  }

  @Test
  void theSpaceInFrontOfATextIsStrippedOnlyAtItsBeginning() throws IOException {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizerTest.shared("models/stories260K")) {
      int once = tokenizer.encode("Once upon a time", false)[0];
      String name = tokenizer.tokenName(once);
      assertThat(name).startsWith("▁");
      String word = name.substring(1);
      assertThat(tokenizer.newDecoder(new int[] {1}, true).append(once)).isEqualTo(word);
      assertThat(tokenizer.newDecoder(new int[] {1}, false).append(once)).isEqualTo(" " + word);
      assertThat(tokenizer.newDecoder(new int[] {1, once}, true).append(once))
          .isEqualTo(" " + word);
    }
  }

  @Test
  void aStreamKeepsTheCharacterThatDecodeTakesBackForAStrayByte() throws IOException {
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizerTest.shared("models/stories260K")) {
      int[] answer = {3 + 0xE4, 3 + 0xBD, 3 + 0xA0, 3 + 0x80};
      assertThat(tokenizer.decode(answer, true)).isEqualTo("\uFFFD\uFFFD\uFFFD\uFFFD");
      assertThat(grown(tokenizer.newDecoder(new int[] {1}, true), answer)).isEqualTo("你\uFFFD");
    }
  }

  private void growsToTheWholeText(
      HuggingFaceTokenizer tokenizer, String name, boolean lonelyBytesDiffer) {
    long seed = Seeds.next(name);
    Random random = new Random(seed);
    for (int run = 0; run < 150; run++) {
      boolean skip = random.nextBoolean();
      int[] prompt = tokenizer.encode(slice(random), random.nextBoolean());
      int[] answer =
          lonelyBytesDiffer
              ? mixedWithRandomTokens(tokenizer, random)
              : random.ints(random.nextInt(40), 0, tokenizer.size() + 3).toArray();
      String text = grown(tokenizer.newDecoder(prompt, skip), answer);
      assertThat(text)
          .as("%s, seed %s, run %s", name, seed, run)
          .isEqualTo(suffix(tokenizer, prompt, answer, skip));
    }
  }

  /** Real text between random tokens, none of them a lone byte. */
  private static int[] mixedWithRandomTokens(HuggingFaceTokenizer tokenizer, Random random) {
    IntStream ids = IntStream.empty();
    for (int part = 0; part < 4; part++) {
      int[] text = tokenizer.encode(slice(random), false);
      int[] any =
          random
              .ints(5, 0, tokenizer.size() + 3)
              .filter(id -> !tokenizer.tokenName(id).startsWith("<0x"))
              .toArray();
      ids = IntStream.concat(ids, IntStream.concat(IntStream.of(text), IntStream.of(any)));
    }
    return ids.toArray();
  }

  private static String slice(Random random) {
    int[] points = TEXT.codePoints().toArray();
    int start = random.nextInt(points.length);
    return new String(points, start, random.nextInt(points.length - start));
  }

  private static String grown(IncrementalDecoder decoder, int[] answer) {
    StringBuilder text = new StringBuilder();
    for (String delta : appended(decoder, answer)) {
      assertThat(WellFormed.of(delta)).isEqualTo(delta);
      text.append(delta);
    }
    return text.append(decoder.flush()).toString();
  }

  private static String[] appended(IncrementalDecoder decoder, int... answer) {
    return Arrays.stream(answer).mapToObj(decoder::append).toArray(String[]::new);
  }

  private static String suffix(
      HuggingFaceTokenizer tokenizer, int[] prompt, int[] answer, boolean skip) {
    int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
    String before = tokenizer.decode(prompt, skip);
    String whole = tokenizer.decode(all, skip);
    assertThat(whole).startsWith(before);
    return whole.substring(before.length());
  }

  private HuggingFaceTokenizer tiny() throws IOException {
    return HuggingFaceTokenizer.load(
        TokenizerFixture.write(directory, TokenizerFixture.tokenizer()));
  }
}
