package dev.openlora.bench.micro;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.server.template.ChatTemplate;
import dev.openlora.server.template.TemplateInput;
import dev.openlora.server.template.TemplateLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** What does a chat template cost, on a conversation of a system turn and eight others? */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class TemplateBenchmark {
  private static final String LAST = "And what about turn 8?";

  @Param("demo/tiny") // and what DataFiles knows of
  String template;

  private String source;
  private ChatTemplate compiled;
  private TemplateInput input;

  @Setup
  public void compile() throws IOException {
    source = source(DataFiles.path(template));
    compiled = ChatTemplate.compile(source, TemplateLimits.DEFAULT);
    List<Map<String, Object>> messages = new ArrayList<>();
    messages.add(Map.of("role", "system", "content", "You answer in one sentence."));
    for (int turn = 1; turn < 8; turn++) {
      boolean user = turn % 2 == 1;
      messages.add(
          Map.of(
              "role",
              user ? "user" : "assistant",
              "content",
              "This is turn " + turn + ", which is neither short nor long. ".repeat(4)));
    }
    messages.add(Map.of("role", "assistant", "content", "So it is."));
    messages.add(Map.of("role", "user", "content", LAST));
    input =
        TemplateInput.of(messages)
            .withGenerationPrompt(true)
            .at(LocalDateTime.of(2026, 1, 1, 12, 0))
            .withVariables(Map.of("bos_token", "<s>", "eos_token", "</s>"));
    String text = compiled.render(input);
    if (!text.contains(LAST)) {
      throw new IllegalStateException("text: '" + text + "' (expected: with '" + LAST + "')");
    }
  }

  /** A template's file, or the folder of a model that has one. */
  private static String source(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return Files.readString(path);
    }
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(path)) {
      return tokenizer.chatTemplates().source().orElseThrow();
    }
  }

  @Benchmark
  public String render() {
    return compiled.render(input);
  }

  @Benchmark
  public ChatTemplate parse() {
    return ChatTemplate.compile(source, TemplateLimits.DEFAULT);
  }
}
