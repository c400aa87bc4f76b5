package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.text.bpe.BpeTrainer;
import dev.openlora.engine.text.bpe.ChatTokenizer;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.server.demo.corpus.Corpus;
import dev.openlora.server.demo.corpus.Passage;
import dev.openlora.server.tuning.TinyBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class PretrainCommandTest {
  @TempDir private static Path folder = Path.of("");

  @BeforeAll
  static void writeTokenizerAndConfig() throws IOException {
    BpeTrainer trainer = new BpeTrainer(ChatTokenizer.SPECIAL_TOKENS);
    Corpus corpus = Corpus.base(3);
    StringBuilder paragraphs = new StringBuilder();
    for (int i = 0; i < 60; i++) {
      Passage passage = corpus.next();
      trainer.add(passage.prompt());
      trainer.add(passage.answer());
      paragraphs.append(passage.answer().replaceAll("\\n\\s*\\n", "\n")).append("\n\n");
    }
    ChatTokenizer.write(folder.resolve("tokenizer"), trainer.train(320), TinyBase.POSITIONS);
    Files.writeString(folder.resolve("text.txt"), paragraphs);
    Files.writeString(folder.resolve("config.json"), TinyBase.CONFIG);
    Files.writeString(
        folder.resolve("small.json"),
        TinyBase.CONFIG.replace("\"vocab_size\": 320", "\"vocab_size\": 300"));
    Files.writeString(
        folder.resolve("gemma.json"), TinyBase.CONFIG.replace("\"llama\"", "\"gemma\""));
  }

  static Stream<Arguments> wrongQuestions() {
    return Stream.of(
        wrong("text: none (expected: --text or --corpus)"),
        wrong("--corpus: 'wiki' (expected: demo)", "--corpus", "wiki"),
        wrong("--corpus: beside --text", "--corpus", "demo", "--text", "DIR/text.txt"),
        wrong("--epochs: 3 of a stream", "--corpus", "demo"),
        wrong("--epochs and --steps: both", "--text", "x", "--steps", "2", "--epochs", "1"),
        wrong("--steps: -1 (expected: at least 0)", "--corpus", "demo", "--steps", "-1"),
        wrong("nothing.txt: no such file", "--text", "nothing.txt"),
        wrong(
            "--tokenizer: 320 tokens (expected: at most 300",
            "--corpus",
            "demo",
            "--steps",
            "2",
            "--model-config",
            "DIR/small.json"),
        wrong(
            "--model-config: model_type: 'gemma'",
            "--corpus",
            "demo",
            "--steps",
            "2",
            "--model-config",
            "DIR/gemma.json"),
        wrong(
            "--model-config: 'nothing.json' (expected: a config.json",
            "--corpus",
            "demo",
            "--steps",
            "2",
            "--model-config",
            "nothing.json"),
        wrong(
            "--tokenizer: tokenizer.json: not in",
            "--corpus",
            "demo",
            "--steps",
            "2",
            "--tokenizer",
            "DIR"));
  }

  private static Arguments wrong(String message, String... args) {
    return Arguments.of(message, args);
  }

  private static CommandOutcome pretrain(Path out, String... more) {
    List<String> line = new ArrayList<>(List.of("pretrain", "--out", out.toString()));
    if (!List.of(more).contains("--model-config")) {
      line.addAll(List.of("--model-config", folder.resolve("config.json").toString()));
    }
    if (!List.of(more).contains("--tokenizer")) {
      line.addAll(List.of("--tokenizer", folder.resolve("tokenizer").toString()));
    }
    for (String arg : more) {
      line.add(arg.replace("DIR", folder.toString()));
    }
    return CommandOutcome.of(line.toArray(String[]::new));
  }

  @ParameterizedTest
  @MethodSource("wrongQuestions")
  void aWrongQuestionExitsWithTwoAndOneLine(String message, String[] args) {
    Path out = folder.resolve("never");
    CommandOutcome outcome = pretrain(out, args);

    assertThat(outcome.err()).contains(message);
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(out).doesNotExist();
  }

  @Test
  void learnsTheDemoCorpusAndWritesAModelThatOpens() throws Exception {
    String[] flags = {
      "--corpus",
      "demo",
      "--steps",
      "30",
      "--batch-tokens",
      "512",
      "--learning-rate",
      "0.01",
      "--threads",
      "1",
      "--progress",
      "json"
    };
    Path out = folder.resolve("model");
    CommandOutcome outcome = pretrain(out, flags);
    JsonNode done = outcome.done();

    assertThat(outcome.status()).isZero();
    double first = outcome.events("step").getFirst().path("loss").doubleValue();
    assertThat(first).isBetween(Math.log(320) - 0.3, Math.log(320) + 0.3);
    assertThat(done.path("loss").doubleValue()).isLessThan(first - 0.5);
    assertThat(done.path("held_out_loss").doubleValue()).isLessThan(first - 0.5);
    for (String file :
        List.of("generation_config.json", "tokenizer.json", "tokenizer_config.json", "loss.svg")) {
      assertThat(out.resolve(file)).isNotEmptyFile();
    }
    assertThat(Files.readString(out.resolve("config.json"))).contains("bfloat16");
    try (TorchOps ops =
            new TorchOps(TorchLibrary.load(TorchLibrary.Options.defaults()), Device.CPU);
        HuggingFaceModel model = HuggingFaceModel.open("m", out, ops, null)) {
      assertThat(model.contentHash()).isEqualTo(done.path("sha256").stringValue());
    }
    Lineage lineage = Lineage.read(out);
    assertThat(lineage.base()).isNull();
    assertThat(lineage.sources())
        .containsExactly(new Lineage.Source.Generated("demo", 1, lineage.training().count()));
    assertThat(lineage.training().count()).isPositive();

    Path twin = folder.resolve("twin");
    assertThat(pretrain(twin, flags).done().path("sha256")).isEqualTo(done.path("sha256"));
    assertThat(Lineage.read(twin).training()).isEqualTo(lineage.training());
  }

  @Test
  void learnsFilesToo() throws Exception {
    Path out = folder.resolve("of-text");
    CommandOutcome outcome =
        pretrain(
            out,
            "--text",
            "DIR/text.txt",
            "--epochs",
            "1",
            "--batch-tokens",
            "512",
            "--cut",
            "--learning-rate",
            "0.01",
            "--progress",
            "json",
            "--max-length",
            "128");

    assertThat(outcome.done().path("loss").doubleValue()).isLessThan(Math.log(320));
    assertThat(Lineage.read(out).sources().getFirst()).isInstanceOf(Lineage.Source.PlainFile.class);
  }
}
