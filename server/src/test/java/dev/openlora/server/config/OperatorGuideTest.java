package dev.openlora.server.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class OperatorGuideTest {
  @Test
  void theGuideHasALineForEverySettingAndForNoOther() throws IOException {
    Path guide = Path.of(System.getProperty("openlora.root", ""), "docs", "operator.md");
    if (!Files.isRegularFile(guide)) {
      Assumptions.abort("no " + guide.toAbsolutePath() + " (set openlora.root)");
    }
    String text = Files.readString(guide);

    for (Setting setting : Settings.ALL) {
      assertThat(text).contains("| `" + setting.key() + "` | `" + setting.flag() + "` |");
      if (setting.kind() == Setting.Kind.NUMBER) {
        assertThat(text)
            .containsPattern("`" + setting.key() + "` .*\\(default " + setting.fallback() + "\\)");
      }
    }
    long lines =
        text.lines().filter(line -> line.matches("\\| `[a-z]+\\.[A-Za-z]+` \\|.*")).count();
    assertThat(lines).isEqualTo(Settings.ALL.size());
  }
}
