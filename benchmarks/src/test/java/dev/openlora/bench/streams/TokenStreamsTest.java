package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenStreamsTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return new CommandLine(new TokenStreams())
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(args);
  }

  @Test
  void measuresAServerInAProcessOfItsOwn(@TempDir Path folder) {
    Path json = folder.resolve("result.json");
    int status =
        run(
            "--streams",
            "5",
            "--tokens",
            "6",
            "--rate",
            "200",
            "--runs",
            "2",
            "--json",
            json.toString());
    assertThat(status).as(out + "\n" + err).isZero();
    assertThat(out.toString())
        .contains("5 streams of 6 tokens", "run 2", "failures: 0 connections, 0 answers");
    JsonNode result = JsonMapper.shared().readTree(json.toFile());
    assertThat(result.get("runs").size()).isEqualTo(2);
    for (JsonNode run : result.get("runs")) {
      double tokens = run.get("events").doubleValue() * run.get("tokensPerEvent").doubleValue();
      assertThat(Math.round(tokens)).isEqualTo(5 * 6);
      assertThat(run.get("delay").get("maxMillis").doubleValue()).isPositive();
    }
  }

  @Test
  void refusesWhatCannotBe() {
    assertThat(run("--streams", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--streams").contains("at least 1");
    assertThat(run("--rate", "NaN")).isEqualTo(2);
    assertThat(run("--streams", "2000000000")).isEqualTo(2);
    assertThat(err.toString()).contains("2000000000").contains("ulimit -n");
  }

  @Test
  void aServerThatDoesNotStartIsAnError() {
    assertThat(run("--server-option", "-XX:NoSuchOption")).isEqualTo(1);
    assertThat(err.toString()).contains("the server process ended");
  }
}
