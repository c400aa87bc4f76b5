package dev.openlora.engine.text.bpe;

import static dev.openlora.engine.text.bpe.ChatTokenizer.MESSAGE_END;
import static dev.openlora.engine.text.bpe.ChatTokenizer.MESSAGE_START;
import static dev.openlora.engine.text.bpe.ChatTokenizer.SPECIAL_TOKENS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpeTrainerTest {
  @TempDir private Path directory;

  @Test
  void learnsTheMergesOfAPlainTrainer() {
    Random random = new Random(Seeds.next("learnsTheMergesOfAPlainTrainer"));
    for (int round = 0; round < 20; round++) {
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        texts.add(RandomText.next(random, 40));
      }
      BpeTrainer trainer = new BpeTrainer(SPECIAL_TOKENS);
      texts.forEach(trainer::add);
      List<BpeMerge> wanted = PlainBpe.train(texts, SPECIAL_TOKENS, 330);
      int size = new BpeVocabulary(SPECIAL_TOKENS, wanted).size();
      assertThat(trainer.train(size).merges()).isEqualTo(wanted);
    }
  }

  @Test
  void encodesAsTheDefinitionSaysAndDecodesExactly() throws IOException {
    Random random = new Random(Seeds.next("encodesAsTheDefinitionSaysAndDecodesExactly"));
    BpeVocabulary vocabulary = trained(random, 600);
    ChatTokenizer.write(directory, vocabulary, 512);
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(directory)) {
      assertThat(tokenizer.size()).isEqualTo(600);
      for (int i = 0; i < 400; i++) {
        String text = RandomText.next(random, 60);
        int[] ids = tokenizer.encode(text, true);
        assertThat(Arrays.stream(ids).boxed().toList())
            .as(text)
            .isEqualTo(PlainBpe.encode(vocabulary, text));
        assertThat(tokenizer.decode(ids, false)).isEqualTo(text);
      }
    }
  }

  @Test
  void marksMessagesWithSingleTokens() throws IOException {
    BpeVocabulary vocabulary = trained(new Random(1), 500);
    ChatTokenizer.write(directory, vocabulary, 512);
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(directory)) {
      int[] ids = tokenizer.encode(MESSAGE_START + "user\nabc" + MESSAGE_END + "\n", true);
      assertThat(ids[0]).isEqualTo(vocabulary.specialId(MESSAGE_START)).isEqualTo(1);
      assertThat(ids[ids.length - 2]).isEqualTo(vocabulary.specialId(MESSAGE_END)).isEqualTo(2);
      assertThat(tokenizer.specialTokens().bosTokenId()).hasValue(0);
      assertThat(tokenizer.specialTokens().eosTokenIds()).containsExactly(2);
      assertThat(tokenizer.isSpecial(3)).isTrue();
      assertThat(tokenizer.chatTemplates().source()).contains(ChatTokenizer.TEMPLATE);
      for (int b = 0; b < 256; b++) {
        assertThat(tokenizer.tokenBytes(vocabulary.byteId(b))).containsExactly(b);
      }
    }
  }

  @Test
  void theSameTextGivesTheSameBytes() throws IOException {
    Path one = directory.resolve("one");
    Path two = directory.resolve("two");
    ChatTokenizer.write(one, trained(new Random(7), 700), 512);
    ChatTokenizer.write(two, trained(new Random(7), 700), 512);
    for (String file : List.of("tokenizer.json", "tokenizer_config.json")) {
      assertThat(two.resolve(file)).hasSameBinaryContentAs(one.resolve(file));
      assertThat(Files.size(one.resolve(file))).isPositive();
    }
  }

  @Test
  void learnsNothingAcrossASpecialToken() {
    BpeTrainer trainer = new BpeTrainer(List.of("<|x|>"));
    trainer.add("a<|x|>b".repeat(50));
    BpeVocabulary vocabulary = trainer.train(258);
    int a = vocabulary.byteId('a');
    int b = vocabulary.byteId('b');
    assertThat(vocabulary.merges()).containsExactly(new BpeMerge(b, a));
    assertThatThrownBy(() -> trainer.train(259))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("vocabularySize: 259 (expected: at most 258, what the text repeats)");
  }

  @Test
  void namesTheArgumentThatIsWrong() {
    BpeTrainer trainer = new BpeTrainer(SPECIAL_TOKENS);
    refused(() -> trainer.train(259), "vocabularySize: 259 (expected: 260 to 131072)");
    refused(() -> trainer.train(1 << 20), "vocabularySize: 1048576 (expected: 260 to 131072)");
    refused(() -> trainer.train(261), "vocabularySize: 261 (expected: at most 260");
    refused(() -> new BpeTrainer(List.of("<x>", "<x>")), "specialTokens: '<x>' (expected: ");
    refused(() -> new BpeTrainer(List.of("a")), "specialTokens: 'a' (expected: ");
    refused(
        () -> new BpeVocabulary(List.of("<x>"), List.of(new BpeMerge(0, 1))),
        "merges: id 0 (expected: 1 to 256)");
    BpeVocabulary bare = new BpeVocabulary(List.of("<x>"), List.of());
    refused(() -> ChatTokenizer.tokenizerConfig(bare, 512), "token: '<|endoftext|>' (expected: ");
    BpeVocabulary chat = new BpeVocabulary(SPECIAL_TOKENS, List.of());
    refused(() -> ChatTokenizer.tokenizerConfig(chat, 0), "contextTokens: 0 (expected: ");
  }

  private static void refused(Runnable call, String message) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }

  private static BpeVocabulary trained(Random random, int size) {
    BpeTrainer trainer = new BpeTrainer(SPECIAL_TOKENS);
    for (int i = 0; i < 2000; i++) {
      trainer.add(RandomText.next(random, 60));
    }
    return trainer.train(size);
  }
}
