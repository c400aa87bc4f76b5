package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.Main;
import dev.openlora.server.tuning.TinyBase;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code tune} as a process of its own, ended from outside. */
class TuneProcessTest {
  private static final int SECONDS_MAX = 60;

  @TempDir private static Path folder = Path.of("");

  private static Path base = Path.of("");
  private static Path chats = Path.of("");
  private static String unbroken = "";

  @BeforeAll
  static void trainUnbroken() throws IOException {
    base = TinyBase.write(folder.resolve("tiny"));
    chats = TinyBase.writeChats(folder.resolve("chats.jsonl"), 60);
    unbroken =
        CommandOutcome.of(line(folder.resolve("unbroken")).toArray(String[]::new))
            .done()
            .path("sha256")
            .stringValue();
  }

  private static List<String> line(Path out) {
    return List.of(
        "tune",
        "--model",
        base.toString(),
        "--data",
        chats.toString(),
        "--out",
        out.toString(),
        "--max-steps",
        "200",
        "--batch-tokens",
        "128",
        "--learning-rate",
        "0.01",
        "--evaluate-every",
        "40",
        "--checkpoint-every",
        "20",
        "--threads",
        "1",
        "--progress",
        "json");
  }

  @Test
  void aKilledTrainingGoesOnToTheSameBytes() throws Exception {
    Path out = folder.resolve("killed");
    Process process = start(out);
    readUntil(process, "checkpoint");
    process.destroyForcibly();
    assertThat(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
    assertThat(out).doesNotExist();

    CommandOutcome resumed = resume(out);

    assertThat(resumed.done().path("sha256").stringValue()).isEqualTo(unbroken);
    assertThat(resumed.events("step").getFirst().path("step").intValue()).isGreaterThan(20);
  }

  @Test
  void aStoppedTrainingSaysSoAndGoesOnToTheSameBytes() throws Exception {
    Path out = folder.resolve("stopped");
    Process process = start(out);
    JsonNode last = readUntil(process, "checkpoint"); // the last thing said, if no step follows
    process.toHandle().destroy(); // leaves the streams open
    try (BufferedReader said = process.inputReader()) {
      for (String line; (line = said.readLine()) != null; ) {
        last = JsonMapper.shared().readTree(line);
      }
    }
    assertThat(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)).isTrue();

    assertThat(process.exitValue()).isEqualTo(130);
    assertThat(last.path("event").stringValue()).isEqualTo("checkpoint");
    assertThat(Path.of(last.path("folder").stringValue())).isDirectory();
    assertThat(process.errorReader().lines())
        .anyMatch(line -> line.contains("cancelled after step"));
    assertThat(resume(out).done().path("sha256").stringValue()).isEqualTo(unbroken);
  }

  @Test
  void anotherTrainingIsRefusedByWhatDiffers() throws Exception {
    Path out = folder.resolve("other");
    Process process = start(out);
    readUntil(process, "checkpoint");
    process.destroyForcibly();
    assertThat(process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)).isTrue();
    List<String> faster = new ArrayList<>(line(out));
    faster.set(faster.indexOf("0.01"), "0.03");
    CommandOutcome outcome = CommandOutcome.of(faster.toArray(String[]::new));

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("holds the checkpoint of another training: learning_rate: 0.03 (expected: 0.01");
    List<String> ranked = new ArrayList<>(line(out));
    ranked.addAll(List.of("--rank", "3"));
    assertThat(CommandOutcome.of(ranked.toArray(String[]::new)).err())
        .contains("another training: subject.adapter_config: ");
    Files.writeString(chats, Files.readString(chats) + "{\"text\": \"one more\"}\n");
    try {
      assertThat(CommandOutcome.of(line(out).toArray(String[]::new)).err())
          .containsPattern("another training: (examples|held_out): ");
    } finally {
      TinyBase.writeChats(chats, 60);
    }
  }

  private static CommandOutcome resume(Path out) {
    List<String> line = new ArrayList<>(line(out));
    line.add("--resume");
    return CommandOutcome.of(line.toArray(String[]::new));
  }

  private static Process start(Path out) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-Dai.djl.offline=true",
            "-Xmx1g",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName()));
    command.addAll(line(out));
    return new ProcessBuilder(command).start();
  }

  /** Reads what it says up to an event, which it returns; the rest stays to be read. */
  private static JsonNode readUntil(Process process, String event) throws IOException {
    BufferedReader said = process.inputReader();
    @Nullable String line;
    while ((line = said.readLine()) != null) {
      if (line.contains("\"event\":\"" + event + "\"")) {
        return JsonMapper.shared().readTree(line);
      }
    }
    throw new AssertionError(
        "ended without '" + event + "': " + new String(process.getErrorStream().readAllBytes()));
  }
}
