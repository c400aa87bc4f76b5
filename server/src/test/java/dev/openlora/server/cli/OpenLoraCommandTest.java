package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class OpenLoraCommandTest {
  @Test
  void aMistypedOptionExitsWithTwoAndOneSentence() {
    CommandOutcome outcome = CommandOutcome.of("config", "--prot", "80");

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).startsWith("openlora: Unknown option").doesNotContain("\tat ");
  }

  @Test
  void aValueOutOfRangeExitsWithTwoAndItsRange() {
    CommandOutcome outcome = CommandOutcome.of("config", "--port", "80800");

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err().strip())
        .isEqualTo("openlora: server.port: 80800 (expected: 0..65535)");
  }

  @Test
  void aMissingConfigFileExitsWithTwo() {
    CommandOutcome outcome = CommandOutcome.of("config", "--config", "/nowhere/openlora.yaml");

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err().strip().lines()).hasSize(1);
  }

  @Test
  void noCommandIsAQuestion() {
    assertThat(CommandOutcome.of().status()).isEqualTo(2);
  }

  @Test
  void printsTheEffectiveConfiguration() {
    CommandOutcome outcome = CommandOutcome.of("--print-config", "--port", "81");

    assertThat(outcome.status()).isZero();
    assertThat(outcome.out()).containsPattern("port: 81 +# --port");
  }
}
