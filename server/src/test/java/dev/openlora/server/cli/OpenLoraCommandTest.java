package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class OpenLoraCommandTest {
  @Test
  void aMistypedOptionExitsWithTwoAndOneSentence() {
    Outcome outcome = run("config", "--prot", "80");

    assertThat(outcome.status).isEqualTo(2);
    assertThat(outcome.err).startsWith("openlora: Unknown option").doesNotContain("\tat ");
  }

  @Test
  void aValueOutOfRangeExitsWithTwoAndItsRange() {
    Outcome outcome = run("config", "--port", "80800");

    assertThat(outcome.status).isEqualTo(2);
    assertThat(outcome.err.strip()).isEqualTo("openlora: server.port: 80800 (expected: 0..65535)");
  }

  @Test
  void aMissingConfigFileExitsWithTwo() {
    Outcome outcome = run("config", "--config", "/nowhere/openlora.yaml");

    assertThat(outcome.status).isEqualTo(2);
    assertThat(outcome.err.strip().lines()).hasSize(1);
  }

  @Test
  void noCommandIsAQuestion() {
    assertThat(run().status).isEqualTo(2);
  }

  @Test
  void printsTheEffectiveConfiguration() {
    Outcome outcome = run("--print-config", "--port", "81");

    assertThat(outcome.status).isZero();
    assertThat(outcome.out).containsPattern("port: 81 +# --port");
  }

  private record Outcome(int status, String out, String err) {}

  private static Outcome run(String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
    try {
      int status = OpenLoraCommand.run(args);
      return new Outcome(
          status,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
