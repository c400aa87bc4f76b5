package dev.openlora.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ServerProcessTest {
  /** The number that the process prints, once it has. */
  private static ProcessHandle child(ServerProcess server) {
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> server.logEnd().matches("(?s)words [0-9]+\\s*"));
    try {
      return ProcessHandle.of(Long.parseLong(server.logEnd().replaceAll("[^0-9]", "")))
          .orElseThrow();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void stopsEveryProcessOfItsGroup() throws Exception {
    ProcessHandle child;
    try (ServerProcess server =
        ServerProcess.start(
            List.of("sh", "-c", "sleep 600 & echo \"$WORD $!\"; wait"), Map.of("WORD", "words"))) {
      child = child(server);
      assertThat(server.isAlive()).isTrue();
      assertThat(server.tree().memory().residentBytes()).isPositive();
    }
    await().atMost(Duration.ofSeconds(30)).until(() -> !child.isAlive());
    assertThat(child.isAlive()).isFalse();
  }

  @Test
  void killsWhatWasLeftBehindWithoutTheFirstProcess() throws Exception {
    ProcessHandle child;
    try (ServerProcess server =
        ServerProcess.start(List.of("sh", "-c", "sleep 600 & echo words $!"), Map.of())) {
      child = child(server);
      await().atMost(Duration.ofSeconds(30)).until(() -> !server.isAlive());
    }
    await().atMost(Duration.ofSeconds(30)).until(() -> !child.isAlive());
    assertThat(child.isAlive()).isFalse();
  }
}
