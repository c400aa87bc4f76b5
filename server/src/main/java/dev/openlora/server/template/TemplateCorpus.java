package dev.openlora.server.template;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Runs a folder of template cases with known results, as {@code ./openlora template check FOLDER}
 * does.
 *
 * <p>The folder holds {@code cases.json} (conversations), {@code expressions.json} (one-liners) and
 * {@code templates/}. Text has to be equal; for an error, its kind. Two things are as good:
 * refusing while compiling what Python refuses later, and {@code undefined} for {@code sandbox}
 * where a name begins with an underscore. In the group {@code rare} an error is as good as the
 * text. A case that has to hit a limit has two seconds and 256 MiB, garbage included.
 */
public final class TemplateCorpus {
  private static final long LIMIT_MILLIS = 2_000;
  private static final long LIMIT_BYTES = 256L << 20;
  private static final Pattern UNDERSCORE = Pattern.compile("'_|underscore");
  private static final List<String> NOT_VARIABLES =
      List.of(
          "messages",
          "tools",
          "documents",
          "add_generation_prompt",
          "continue_final_message",
          "now");

  private final Path folder;
  private final TemplateLimits limits;
  private final ObjectMapper json = JsonMapper.builder().build();

  private TemplateCorpus(Path folder, TemplateLimits limits) {
    this.folder = folder;
    this.limits = limits;
  }

  /** A case whose result differs. */
  public record Difference(String name, String expected, String got) {}

  /** The cases of one file. */
  public record FileReport(String file, int cases, List<Difference> differences) {
    public FileReport {
      differences = List.copyOf(differences);
    }

    public int passed() {
      return cases - differences.size();
    }
  }

  /** How a whole folder did. */
  public record Report(List<FileReport> files, double seconds) {
    public Report {
      files = List.copyOf(files);
    }

    public boolean passed() {
      return files.stream().allMatch(f -> f.differences().isEmpty());
    }

    /** A table of the files, then each difference. */
    public String summary() {
      StringBuilder out = new StringBuilder();
      out.append(
          String.format(Locale.ROOT, "%-20s %7s %7s %7s%n", "file", "cases", "same", "differ"));
      for (FileReport f : files) {
        out.append(
            String.format(
                Locale.ROOT,
                "%-20s %7d %7d %7d%n",
                f.file(),
                f.cases(),
                f.passed(),
                f.differences().size()));
      }
      out.append(String.format(Locale.ROOT, "%.1f s%n", seconds));
      for (FileReport f : files) {
        for (Difference d : f.differences()) {
          out.append(
              String.format(
                  Locale.ROOT,
                  "%n%s%n  expected %s%n  got      %s%n",
                  d.name(),
                  d.expected(),
                  d.got()));
        }
      }
      return out.toString();
    }
  }

  /** Runs every case in the folder. */
  public static Report check(Path folder, TemplateLimits limits) throws IOException {
    return new TemplateCorpus(folder, limits).run();
  }

  private Report run() throws IOException {
    long start = System.nanoTime();
    List<FileReport> files = List.of(file("cases.json"), file("expressions.json"));
    return new Report(files, (System.nanoTime() - start) / 1e9);
  }

  private FileReport file(String name) throws IOException {
    List<Difference> differences = new ArrayList<>();
    List<?> cases;
    try {
      cases = json.readValue(Files.readString(folder.resolve(name)), List.class);
    } catch (JacksonException e) {
      throw new IOException(folder.resolve(name) + ": " + e.getOriginalMessage(), e);
    }
    for (Object line : cases) {
      Map<String, @Nullable Object> fields = object(line);
      Outcome expected = expected(fields);
      String limit = text(fields.get("limit"));
      Outcome got = limit == null ? outcome(fields) : bounded(fields);
      String caseName = String.valueOf(fields.get("name"));
      if (!agrees(expected, got, caseName.startsWith("rare-"))) {
        differences.add(new Difference(caseName, expected.toString(), got.toString()));
      }
    }
    return new FileReport(name, cases.size(), differences);
  }

  /** A text with its spans, or the kind and reason of an error. */
  private sealed interface Outcome {
    record Printed(String text, @Nullable List<?> spans) implements Outcome {}

    record Failed(String kind, String reason) implements Outcome {}
  }

  private static boolean agrees(Outcome expected, Outcome got, boolean rare) {
    return switch (expected) {
      case Outcome.Printed text ->
          switch (got) {
            case Outcome.Printed other -> text.equals(other);
            case Outcome.Failed failed -> rare && !failed.kind().equals("crash");
          };
      case Outcome.Failed error -> got instanceof Outcome.Failed failed && agrees(error, failed);
    };
  }

  private static boolean agrees(Outcome.Failed expected, Outcome.Failed got) {
    return switch (expected.kind()) {
      case "raised" -> got.equals(expected);
      case "limit", "input" -> got.kind().equals(expected.kind());
      default ->
          got.kind().equals(expected.kind())
              || got.kind().equals("syntax")
              || (expected.kind().equals("sandbox")
                  && got.kind().equals("undefined")
                  && UNDERSCORE.matcher(expected.reason()).find());
    };
  }

  private static Outcome expected(Map<String, @Nullable Object> fields) {
    Object expected = fields.get("expected");
    if (expected instanceof String text) {
      return new Outcome.Printed(text, null);
    }
    Map<String, @Nullable Object> result =
        object(expected == null ? fields.get("error") : expected);
    String text = text(result.get("text"));
    return text == null
        ? new Outcome.Failed(
            String.valueOf(result.get("kind")), String.valueOf(result.get("error")))
        : new Outcome.Printed(text, result.get("spans") instanceof List<?> spans ? spans : null);
  }

  private Outcome bounded(Map<String, @Nullable Object> fields) throws IOException {
    long start = System.nanoTime();
    long allocated = allocated();
    Outcome outcome = outcome(fields);
    long bytes = allocated() - allocated;
    long millis = (System.nanoTime() - start) / 1_000_000;
    return millis > LIMIT_MILLIS || bytes > LIMIT_BYTES
        ? new Outcome.Failed(
            "crash", outcome + " after " + millis + " ms and " + (bytes >> 20) + " MiB")
        : outcome;
  }

  private static long allocated() {
    return ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
        ? threads.getCurrentThreadAllocatedBytes()
        : 0;
  }

  private Outcome outcome(Map<String, @Nullable Object> fields) throws IOException {
    try {
      String source = text(fields.get("source"));
      return source == null ? conversation(fields) : expression(source, fields);
    } catch (TemplateException e) {
      return new Outcome.Failed(e.kind().name().toLowerCase(Locale.ROOT), e.reason());
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      return new Outcome.Failed("crash", e.toString());
    }
  }

  private Outcome expression(String source, Map<String, @Nullable Object> fields) {
    Map<String, @Nullable Object> context =
        fields.containsKey("context") ? object(fields.get("context")) : Map.of();
    ChatTemplate template = ChatTemplate.compile(source, limits);
    return new Outcome.Printed(template.renderVariables(context, time(fields.get("now"))), null);
  }

  private Outcome conversation(Map<String, @Nullable Object> fields) throws IOException {
    String source =
        Files.readString(
            folder.resolve("templates").resolve(String.valueOf(fields.get("template"))));
    Map<String, @Nullable Object> given = object(fields.get("input"));
    boolean spans = Boolean.TRUE.equals(fields.get("spans"));
    boolean render = spans || "render".equals(fields.get("entry"));
    Map<String, @Nullable Object> variables = new LinkedHashMap<>(given);
    variables.keySet().removeAll(NOT_VARIABLES);
    Object resume = given.get("continue_final_message");
    TemplateInput input =
        new TemplateInput(
            render ? TemplateInput.Entry.RENDER : TemplateInput.Entry.APPLY,
            given.get("messages") instanceof List<?> messages ? messages : List.of(),
            given.get("tools") instanceof List<?> tools ? tools : null,
            given.get("documents") instanceof List<?> documents ? documents : null,
            Boolean.TRUE.equals(given.get("add_generation_prompt")),
            Boolean.TRUE.equals(resume) ? TemplateInput.CONTENT : text(resume),
            time(given.get("now")),
            variables);
    Rendered rendered = ChatTemplate.compile(source, limits).renderWithSpans(input);
    List<List<Integer>> found = new ArrayList<>();
    rendered.spans().forEach(s -> found.add(List.of(s.start(), s.end())));
    return new Outcome.Printed(rendered.text(), spans ? found : null);
  }

  private static @Nullable LocalDateTime time(@Nullable Object value) {
    return value instanceof String text ? LocalDateTime.parse(text) : null;
  }

  private static @Nullable String text(@Nullable Object value) {
    return value instanceof String text ? text : null;
  }

  private static Map<String, @Nullable Object> object(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      throw new IllegalArgumentException("expected an object, got " + value);
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    map.forEach((key, field) -> fields.put(String.valueOf(key), field));
    return fields;
  }
}
