package dev.openlora.server.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SyllableTokenizerTest {
  @ParameterizedTest
  @ValueSource(ints = {262, 512, 2048, 32_000, 152_064})
  void anyTextMakesTheRoundTripAtAnySize(int size) throws IOException {
    try (HuggingFaceTokenizer tokenizer = load(new SyllableTokenizer(size, 1, List.of(2)))) {
      for (String text :
          List.of(
              "balama tori",
              "Grüße, 世界! 👩‍🚀 عربى\n\t  x",
              "",
              " ",
              "def f(x):\n    return x**2\r\n",
              "\u0000\u0001\uFFFD")) {
        long[] ids = tokenizer.encode(text, false, false).getIds();
        assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < size);
        assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
      }
    }
  }

  @Test
  void randomTextMakesTheRoundTrip() throws IOException {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    System.out.println("replay with -Dtests.seed=" + seed);
    Random random = new Random(seed);
    try (HuggingFaceTokenizer tokenizer = load(new SyllableTokenizer(4096, 0, List.of(5)))) {
      for (int i = 0; i < 200; i++) {
        StringBuilder text = new StringBuilder();
        for (int length = random.nextInt(40); length > 0; length--) {
          int codePoint = random.nextInt(random.nextBoolean() ? 0x80 : 0x11_0000);
          text.appendCodePoint(Character.isSurrogate((char) codePoint) ? 'a' : codePoint);
        }
        String wanted = text.toString();
        long[] ids = tokenizer.encode(wanted, false, false).getIds();
        assertThat(tokenizer.decode(ids, false)).isEqualTo(wanted);
      }
    }
  }

  @Test
  void specialsLieWhereTheModelWantsThem() throws IOException {
    try (HuggingFaceTokenizer tokenizer =
        load(new SyllableTokenizer(1024, 1000, List.of(1001, 7)))) {
      assertThat(tokenizer.encode("<|begin|>hi<|end|>", false, false).getIds())
          .startsWith(1000)
          .endsWith(1001);
      assertThat(tokenizer.encode("<|end2|>", false, false).getIds()).containsExactly(7);
      assertThat(tokenizer.encode("ba", true, false).getIds()).startsWith(1000);
      assertThat(tokenizer.decode(new long[] {1000, 1001}, true)).isEmpty();
    }
  }

  @Test
  void syllablesAreTokens() throws IOException {
    try (HuggingFaceTokenizer tokenizer = load(new SyllableTokenizer(32_000, 1, List.of(2)))) {
      assertThat(tokenizer.encode(" balama", false, false).getIds().length).isLessThan(4);
    }
  }

  @Test
  void refusesAVocabularyThatIsTooSmall() {
    assertThatThrownBy(() -> new SyllableTokenizer(261, 1, List.of(2)))
        .hasMessageContaining("vocab_size: 261")
        .hasMessageContaining("at least 262");
    assertThatThrownBy(() -> new SyllableTokenizer(300, 1, List.of(300)))
        .hasMessageContaining("special ids");
  }

  private static HuggingFaceTokenizer load(SyllableTokenizer tokenizer) throws IOException {
    return HuggingFaceTokenizer.newInstance(
        new ByteArrayInputStream(tokenizer.tokenizerJson()),
        Map.of("truncation", "false", "padding", "false"));
  }
}
