package dev.openlora.server.finetuning;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.http.Json;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class TuneCommandLineTest {
  @TempDir private Path folder = Path.of("");
  private final TuneCommandLine line = new TuneCommandLine(Path.of("/models/base"), 512, 2);

  @Test
  void asksForWhatTheClientAsked() throws Exception {
    List<String> arguments =
        line.arguments(
            task(
                new Hyperparameters(4, 8, 0.5),
                new AdapterShape(16, 2.5, true, true, List.of("q_proj", "v_proj"))));
    assertThat(arguments)
        .startsWith("tune", "--progress", "json", "--model", "/models/base")
        .containsSubsequence("--epochs", "4")
        .containsSubsequence("--batch-tokens", "300")
        .containsSubsequence("--learning-rate", "1.0E-4")
        .containsSubsequence("--threads", "2")
        .containsSubsequence("--seed", "7");
    JsonNode config = Json.MAPPER.readTree(folder.resolve("adapter_config.json").toFile());
    assertThat(config.get("r").intValue()).isEqualTo(16);
    assertThat(config.get("lora_alpha").doubleValue()).isEqualTo(2.5);
    assertThat(config.get("use_dora").booleanValue()).isTrue();
    assertThat(config.get("use_rslora").booleanValue()).isTrue();
    assertThat(config.get("target_modules").toString()).isEqualTo("[\"q_proj\",\"v_proj\"]");
  }

  @Test
  void leavesTheRestToTheTuner() throws Exception {
    List<String> arguments = line.arguments(task(Hyperparameters.AUTO, AdapterShape.AUTO));
    assertThat(arguments).doesNotContain("--epochs", "--learning-rate");
    JsonNode config = Json.MAPPER.readTree(folder.resolve("adapter_config.json").toFile());
    assertThat(config.get("target_modules").stringValue()).isEqualTo("all-linear");
    assertThat(config.get("use_dora").booleanValue()).isFalse();
  }

  @Test
  void boundsTheProcess() throws Exception {
    assertThat(line.of(task(Hyperparameters.AUTO, AdapterShape.AUTO)))
        .contains("-Xmx512m", "-XX:ActiveProcessorCount=2", "-XX:+DisplayVMOutputToStderr")
        .containsSubsequence("-cp", "dev.openlora.server.Main", "tune");
  }

  private TuningTask task(Hyperparameters hyperparameters, AdapterShape shape) {
    return new TuningTask(
        "ftjob-1",
        folder,
        folder.resolve("work"),
        folder.resolve("work/adapter"),
        folder.resolve("rows.jsonl"),
        null,
        7,
        300,
        hyperparameters,
        shape);
  }
}
