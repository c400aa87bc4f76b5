package dev.openlora.server.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.attribution.datanet.RowContent.Message;
import dev.openlora.attribution.datanet.RowId;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.training.Example;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExampleBuilderTest {
  private static final LocalDateTime NOW = LocalDate.of(2026, 7, 26).atStartOfDay();
  private static final String CHAT_ML =
      "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + eos_token + '\\n' }}"
          + "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

  @TempDir private Path folder = Path.of("");

  @Test
  void refusesALongRowWithItsPlaceAndCount() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer(CHAT_ML)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 8, false);

      assertThatThrownBy(() -> builder.build(text("a somewhat longer text")))
          .isInstanceOf(TuningException.class)
          .hasMessageMatching(
              "rows.jsonl:3: [0-9]+ tokens \\(expected: at most 8; --cut leaves .*\\)");
      assertThat(builder.build(text("ba be")).ids()).hasSizeLessThanOrEqualTo(8);
    }
  }

  @Test
  void cutsWhereItIsAskedTo() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer(CHAT_ML)) {
      ExampleBuilder whole = new ExampleBuilder(tokenizer, NOW, 100, false);
      ExampleBuilder cutting = new ExampleBuilder(tokenizer, NOW, 8, true);
      TrainingRow row = text("a somewhat longer text");

      assertThat(cutting.build(row).ids()).hasSize(8);
      assertThat(whole.build(row).ids()).startsWith(cutting.build(row).ids());
    }
  }

  @Test
  void refusesARowWhoseLearnedPartIsCutAway() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer(CHAT_ML)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 8, true);

      assertThatThrownBy(() -> builder.build(chat("a question of many tokens", "ba")))
          .hasMessage(
              "rows.jsonl:3: no learned token in the first 8 (expected: at least one; the prompt"
                  + " alone is longer)");
    }
  }

  @Test
  void refusesATemplateThatChangesEarlierTurns() throws Exception {
    String forgetful =
        "{% for m in messages %}{% if loop.last or m.role == 'user' %}"
            + "{{ '<|' + m.role + '|>' + m.content + eos_token }}{% endif %}"
            + "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";
    try (HuggingFaceTokenizer tokenizer = tokenizer(forgetful)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(chat("ba", "be", "bi", "bo")))
          .isInstanceOf(TuningException.class)
          .hasMessageStartingWith(
              "rows.jsonl:3: chat template: messages[1] reads otherwise once more follows, at '");
      assertThat(builder.build(chat("ba", "be")).learnedTokens()).isPositive();
    }
  }

  @Test
  void refusesAGenerationPromptThatTheAnswerDoesNotBeginWith() throws Exception {
    String other = CHAT_ML.replace("'<|assistant|>' }}{% endif", "'<|tool|>' }}{% endif");
    try (HuggingFaceTokenizer tokenizer = tokenizer(other)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(chat("ba", "be")))
          .hasMessageContaining("messages[1] reads otherwise once more follows, at '");
    }
  }

  @Test
  void refusesATemplateWithoutAnEndOfTurn() throws Exception {
    String endless =
        "{% for m in messages %}{{ m.role + ': ' + m.content + '\\n' }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";
    try (HuggingFaceTokenizer tokenizer = tokenizer(endless)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(chat("ba", "be")))
          .hasMessageContaining("messages[1] ends without a special token");
    }
  }

  @Test
  void saysWhatTheTemplateRefused() throws Exception {
    try (HuggingFaceTokenizer tokenizer =
        tokenizer("{{ raise_exception('only one question, please') }}")) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(chat("ba", "be")))
          .hasMessageStartingWith("rows.jsonl:3: chat template: ")
          .hasMessageContaining("only one question, please");
    }
  }

  @Test
  void refusesATemplateThatDoesNotCompile() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer("{% for %}")) {
      assertThatThrownBy(() -> new ExampleBuilder(tokenizer, NOW, 100, false))
          .isInstanceOf(TuningException.class)
          .hasMessageStartingWith("chat template: ");
    }
  }

  @Test
  void refusesAChatWithoutATemplateAndTakesTexts() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer("")) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(chat("ba", "be")))
          .hasMessageStartingWith("rows.jsonl:3: a chat, but the model has no chat template");
      assertThat(builder.build(text("ba")).learnedTokens()).isPositive();
    }
  }

  @Test
  void refusesATextWithoutATokenToEndIt() throws Exception {
    Path model = TinyBase.write(folder);
    for (String file : List.of("config.json", "generation_config.json", "tokenizer_config.json")) {
      Path path = model.resolve(file);
      Files.writeString(path, Files.readString(path).replace("eos_token", "other_token"));
    }
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);

      assertThatThrownBy(() -> builder.build(text("ba")))
          .hasMessageStartingWith("rows.jsonl:3: tokenizer: no eos_token");
    }
  }

  @Test
  void countsAnswersWithTheirEndAndNothingElse() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer(CHAT_ML)) {
      Example example =
          new ExampleBuilder(tokenizer, NOW, 100, false).build(chat("ba?", "be!", "bi?", "bo!"));

      assertThat(tokenizer.decode(example.ids(), false))
          .isEqualTo(
              "<|user|>ba?<|end|>\n<|assistant|>be!<|end|>\n<|user|>bi?<|end|>\n"
                  + "<|assistant|>bo!<|end|>");
      assertThat(learned(tokenizer, example)).isEqualTo("be!<|end|>bo!<|end|>");
    }
  }

  @Test
  void seesWhatServingPutsToTheModel() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer(CHAT_ML)) {
      ExampleBuilder builder = new ExampleBuilder(tokenizer, NOW, 100, false);
      TrainingRow row = chat("ba?", "be!", "bi?", "bo!");
      ExampleBuilder.Turn turn = builder.lastTurn(row, (RowContent.Chat) row.content());

      assertThat(builder.build(row).ids()).startsWith(turn.promptIds());
      assertThat(turn.answer()).isEqualTo("bo!");
      assertThat(turn.promptIds())
          .isEqualTo(
              tokenizer.encode(
                  "<|user|>ba?<|end|>\n<|assistant|>be!<|end|>\n<|user|>bi?<|end|>\n<|assistant|>",
                  false));
    }
  }

  @Test
  void countsAllOfATextAndItsEnd() throws Exception {
    try (HuggingFaceTokenizer tokenizer = tokenizer("")) {
      Example example = new ExampleBuilder(tokenizer, NOW, 100, false).build(text("ba be"));

      assertThat(tokenizer.decode(example.ids(), false)).isEqualTo("<|begin|>ba be<|end|>");
      assertThat(learned(tokenizer, example)).isEqualTo("ba be<|end|>");
    }
  }

  @Test
  void printsTheDayOfTheTraining() throws Exception {
    String dated = "{{ strftime_now('%d %B %Y') }}" + CHAT_ML;
    try (HuggingFaceTokenizer tokenizer = tokenizer(dated)) {
      Example example = new ExampleBuilder(tokenizer, NOW, 100, false).build(chat("ba", "be"));

      assertThat(tokenizer.decode(example.ids(), false)).startsWith("26 July 2026<|user|>");
    }
  }

  private HuggingFaceTokenizer tokenizer(String template) throws IOException {
    return HuggingFaceTokenizer.load(TinyBase.write(folder, template));
  }

  private static String learned(HuggingFaceTokenizer tokenizer, Example example) {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < example.ids().length; i++) {
      if (example.learned()[i]) {
        ids.add(example.ids()[i]);
      }
    }
    return tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray(), false);
  }

  private static TrainingRow text(String text) {
    return row(new RowContent.Text(text));
  }

  /** Questions and answers in turn. */
  private static TrainingRow chat(String... turns) {
    List<Message> messages = new ArrayList<>();
    for (int i = 0; i < turns.length; i++) {
      messages.add(new Message(i % 2 == 0 ? Message.USER : Message.ASSISTANT, turns[i]));
    }
    return row(new RowContent.Chat(messages));
  }

  private static TrainingRow row(RowContent content) {
    return new TrainingRow("rows.jsonl:3", RowId.of(content), content);
  }
}
