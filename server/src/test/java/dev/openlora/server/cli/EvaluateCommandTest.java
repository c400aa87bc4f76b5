package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.server.tuning.TinyBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EvaluateCommandTest {
  @TempDir private static Path folder = Path.of("");

  private static String base = "";
  private static String chats = "";
  private static String adapter = "";
  private static JsonNode tuned = JsonMapper.shared().createObjectNode();

  @BeforeAll
  static void tune() throws IOException {
    base = TinyBase.write(folder.resolve("tiny")).toString();
    chats = TinyBase.writeChats(folder.resolve("chats.jsonl"), 40).toString();
    adapter = folder.resolve("echo").toString();
    tuned =
        CommandOutcome.of(
                "tune",
                "--model",
                base,
                "--data",
                chats,
                "--out",
                adapter,
                "--held-out",
                "0.3",
                "--seed",
                "5",
                "--max-steps",
                "60",
                "--batch-tokens",
                "256",
                "--learning-rate",
                "0.02",
                "--progress",
                "json")
            .done();
  }

  private static CommandOutcome evaluate(String... more) {
    List<String> line = new ArrayList<>(List.of("evaluate", "--model", base));
    line.addAll(List.of(more));
    return CommandOutcome.of(line.toArray(String[]::new));
  }

  @Test
  void refusesWhatIsMissingByName() {
    assertThat(evaluate().err()).contains("data: none (expected: --datanet or --data)");
    assertThat(evaluate("--data", "nofile.jsonl").err()).contains("nofile.jsonl: no such file");
    assertThat(evaluate("--data", chats, "--answers", "-1").err())
        .contains("--answers: -1 (expected: at least 0)");
    assertThat(evaluate("--data", chats, "--max-tokens", "0").err())
        .contains("--max-tokens: 0 (expected: at least 1)");
    CommandOutcome outcome = evaluate("--data", chats, "--adapter", folder + "/none");
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("none");
  }

  @Test
  void refusesAnAdapterOfAnotherBase() throws IOException {
    Path other = Files.createDirectories(folder.resolve("other"));
    Files.copy(
        Path.of(adapter, "adapter_model.safetensors"), other.resolve("adapter_model.safetensors"));
    Files.writeString(
        other.resolve("adapter_config.json"),
        Files.readString(Path.of(adapter, "adapter_config.json"))
            .replace("\"r\" : 8", "\"r\" : 4"));
    CommandOutcome outcome =
        evaluate("--data", chats, "--answers", "0", "--adapter", other.toString());

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("--adapter: '" + other + "': ");
  }

  @Test
  void servingPredictsHeldOutRowsAsTrainingSaid() {
    CommandOutcome outcome =
        evaluate(
            "--data", chats, "--adapter", adapter, "--held-out", "0.3", "--seed", "5", "--json");
    JsonNode models = JsonMapper.shared().readTree(outcome.out()).path("models");

    assertThat(outcome.status()).isZero();
    assertThat(models.size()).isEqualTo(2);
    assertThat(models.get(0).path("name").stringValue()).isEqualTo("tiny");
    assertThat(models.get(1).path("name").stringValue()).isEqualTo("echo");
    assertThat(models.get(1).path("sha256")).isEqualTo(tuned.path("sha256"));
    assertThat(models.get(1).path("loss").doubleValue())
        .isCloseTo(tuned.path("held_out_loss").doubleValue(), within(1e-4))
        .isLessThan(models.get(0).path("loss").doubleValue() - 0.2);
    assertThat(models.get(1).path("perplexity").doubleValue())
        .isCloseTo(Math.exp(models.get(1).path("loss").doubleValue()), within(1e-9));
    assertThat(models.get(1).path("answers").intValue())
        .isEqualTo(models.get(1).path("rows").intValue());
    assertThat(models.get(1).path("rouge_1").doubleValue())
        .isBetween(models.get(0).path("rouge_1").doubleValue(), 1.0);
  }

  @Test
  void printsATable() {
    CommandOutcome outcome =
        evaluate("--data", chats, "--adapter", adapter, "--answers", "2", "--max-tokens", "8");
    List<String> lines = outcome.out().lines().toList();

    assertThat(lines).hasSize(3);
    assertThat(lines.get(0))
        .matches("model +rows +tokens +loss +perplexity +answers +ROUGE-1 +ROUGE-2 +ROUGE-L +BLEU");
    assertThat(lines.get(1)).startsWith("tiny ");
    assertThat(lines.get(2)).startsWith("echo ").contains("      2  ");
    assertThat(evaluate("--data", chats, "--answers", "0").out().lines().toList().get(1))
        .endsWith("       0        -        -        -       -");
  }
}
