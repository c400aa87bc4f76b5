package dev.openlora.server.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every case of the shared corpus, whose expected results transformers computed.
 *
 * <p>The corpus lies beside the repository, not in it: in {@code $openlora.shared/golden/chat}, or
 * in a folder {@code shared} next to one of the folders above the working directory. Without it the
 * test is skipped and says so.
 */
class TemplateCorpusTest {
  private static @Nullable Path shared() {
    String given = System.getProperty("openlora.shared");
    if (given != null && !given.isEmpty()) {
      return Path.of(given);
    }
    for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
      Path shared = folder.resolve("shared");
      if (Files.isDirectory(shared.resolve("golden"))) {
        return shared;
      }
    }
    return null;
  }

  @Test
  void rendersTheSharedCorpusAsTransformersDoes() throws IOException {
    Path shared = shared();
    Path folder = shared == null ? null : shared.resolve("golden/chat");
    if (folder == null || !Files.isRegularFile(folder.resolve("cases.json"))) {
      Assumptions.abort("no golden/chat corpus at " + folder + "; set -Dopenlora.shared=<folder>");
      return;
    }

    TemplateCorpus.Report report = TemplateCorpus.check(folder, TemplateLimits.DEFAULT);

    assertThat(report.files()).allSatisfy(file -> assertThat(file.cases()).isPositive());
    assertThat(report.passed()).as("%s", report.summary()).isTrue();
  }

  @Test
  void namesTheCasesThatDiffer(@TempDir Path folder) throws IOException {
    Files.createDirectory(folder.resolve("templates"));
    Files.writeString(folder.resolve("templates/t.jinja"), "{{ messages[0].content }}");
    Files.writeString(
        folder.resolve("cases.json"),
        """
        [
        {"name": "same", "template": "t.jinja", "input": {"messages": [{"content": "hi"}]},
         "expected": {"text": "hi"}},
        {"name": "other", "template": "t.jinja", "input": {"messages": [{"content": "hi"}]},
         "expected": {"text": "bye"}}
        ]
        """);
    Files.writeString(
        folder.resolve("expressions.json"),
        """
        [
        {"name": "kind", "source": "{{ 1 / 0 }}", "error": {"error": "x", "kind": "undefined"}},
        {"name": "rare-1", "source": "{{ '' | urlize }}", "expected": "text"},
        {"name": "rare-2", "source": "{{ 1 }}", "expected": "2"}
        ]
        """);

    TemplateCorpus.Report report = TemplateCorpus.check(folder, TemplateLimits.DEFAULT);

    assertThat(report.passed()).isFalse();
    assertThat(report.files().get(0).differences())
        .extracting(TemplateCorpus.Difference::name)
        .containsExactly("other");
    assertThat(report.files().get(1).differences())
        .extracting(TemplateCorpus.Difference::name)
        .containsExactly("kind", "rare-2");
    assertThat(report.files().get(1).passed()).isEqualTo(1);
    assertThat(report.summary()).contains("expressions.json").contains("kind").contains("other");
  }
}
