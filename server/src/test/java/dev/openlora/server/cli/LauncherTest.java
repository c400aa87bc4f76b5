package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code ./openlora}, without letting it build anything. */
class LauncherTest {
  private final Path root = Path.of(System.getProperty("openlora.root", ""));
  private final Path script = root.resolve("openlora");

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void scriptIsThere() {
    if (!Files.isExecutable(script)) {
      Assumptions.abort("no launcher at " + script.toAbsolutePath() + " (set openlora.root)");
    }
  }

  @Test
  void isValidBash() throws Exception {
    assertThat(run(Map.of(), "bash", "-n", script.toString())).isEqualTo(new Outcome(0, ""));
  }

  @Test
  void passesShellcheckWhereItIsInstalled() throws Exception {
    if (run(Map.of(), "bash", "-c", "command -v shellcheck").status != 0) {
      Assumptions.abort("shellcheck is not installed");
    }
    assertThat(run(Map.of(), "shellcheck", script.toString())).isEqualTo(new Outcome(0, ""));
  }

  @Test
  void refusesAFolderThatIsNoJdk() throws Exception {
    Outcome outcome = run(Map.of("OPENLORA_JAVA_HOME", folder.toString()), script.toString());

    assertThat(outcome.status).isEqualTo(2);
    assertThat(outcome.text).contains("OPENLORA_JAVA_HOME").contains("JDK 25");
  }

  @Test
  void refusesACacheFolderThatItCannotWrite() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    Outcome outcome =
        run(
            Map.of("OPENLORA_NO_BUILD", "1", "OPENLORA_CACHE_DIR", file + "/cache"),
            script.toString(),
            "--version");

    assertThat(outcome.status).isEqualTo(2);
    // Before packaging there is no jar yet, and the script stops at that.
    assertThat(outcome.text).containsAnyOf("OPENLORA_CACHE_DIR", "OPENLORA_NO_BUILD");
  }

  private record Outcome(int status, String text) {}

  private static Outcome run(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(List.of(command)).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), text);
  }
}
