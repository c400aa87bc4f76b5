package dev.openlora.server.cli;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.server.template.ChatTemplate;
import dev.openlora.server.template.TemplateCorpus;
import dev.openlora.server.template.TemplateException;
import dev.openlora.server.template.TemplateInput;
import dev.openlora.server.template.TemplateLimits;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** What a model's chat template makes of messages, and whether templates render as they should. */
@Command(
    name = "template",
    mixinStandardHelpOptions = true,
    description = "Render and check chat templates.",
    subcommands = {TemplateCommand.Render.class, TemplateCommand.Check.class})
final class TemplateCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "template: render or check?");
  }

  /** Prints one prompt. */
  @Command(
      name = "render",
      mixinStandardHelpOptions = true,
      description = "Print the prompt that a model's chat template makes of messages.")
  static final class Render implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "model folder")
    private Path model = Path.of("");

    @Option(
        names = "--messages",
        required = true,
        paramLabel = "FILE",
        description = "JSON list of messages; - reads standard input")
    private String messages = "";

    @Option(names = "--tools", paramLabel = "FILE", description = "JSON list of tools")
    private @Nullable String tools;

    @Option(
        names = "--var",
        paramLabel = "NAME=VALUE",
        description = "template variable; JSON where it parses as such, else text (repeatable)")
    private Map<String, String> variables = new LinkedHashMap<>();

    @Option(names = "--no-generation-prompt", description = "do not begin the answer's turn")
    private boolean withoutGenerationPrompt;

    @Option(names = "--ids", description = "print the token ids below the text")
    private boolean ids;

    @Override
    public Integer call() throws IOException {
      List<?> conversation = list("--messages", messages);
      List<?> toolList = tools == null ? null : list("--tools", tools);
      PrintWriter out = spec.commandLine().getOut();
      try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(model)) {
        String source =
            tokenizer
                .chatTemplates()
                .source()
                .orElseThrow(() -> new CommandFailure(1, "'" + model + "' has no chat template"));
        Map<String, @Nullable Object> values =
            new LinkedHashMap<>(tokenizer.specialTokens().texts());
        variables.forEach((name, text) -> values.put(name, value(text)));
        String prompt =
            ChatTemplate.compile(source, TemplateLimits.DEFAULT)
                .render(
                    TemplateInput.of(conversation)
                        .withTools(toolList)
                        .withGenerationPrompt(!withoutGenerationPrompt)
                        .withVariables(values));
        out.print(prompt);
        if (ids) {
          out.print("\n" + Arrays.toString(tokenizer.encode(prompt, false)) + "\n");
        }
        out.flush();
        return 0;
      } catch (TemplateException e) {
        throw new CommandFailure(1, "template: " + e.getMessage());
      } catch (java.nio.file.NoSuchFileException e) {
        throw new CommandFailure(2, "--model: no such file: " + e.getFile());
      }
    }

    private static List<?> list(String flag, String file) throws IOException {
      try {
        String text =
            file.equals("-")
                ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                : Files.readString(Path.of(file));
        return JsonMapper.shared().readValue(text, List.class);
      } catch (java.nio.file.NoSuchFileException e) {
        throw new CommandFailure(2, flag + ": no such file: " + e.getFile());
      } catch (JacksonException e) {
        throw new CommandFailure(
            2, flag + ": '" + file + "' (expected: a JSON list): " + e.getOriginalMessage());
      }
    }

    private static @Nullable Object value(String text) {
      try {
        return JsonMapper.shared().readValue(text, Object.class);
      } catch (JacksonException e) {
        return text;
      }
    }
  }

  /** Compares a folder of cases with what they should give. */
  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      description = {
        "Render every case of a folder (cases.json, expressions.json, templates/) and print what",
        "differs; status 1 when something does."
      })
  static final class Check implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "FOLDER", description = "cases and templates")
    private Path folder = Path.of("");

    @Override
    public Integer call() {
      try {
        TemplateCorpus.Report report = TemplateCorpus.check(folder, TemplateLimits.DEFAULT);
        spec.commandLine().getOut().print(report.summary());
        spec.commandLine().getOut().flush();
        return report.passed() ? 0 : 1;
      } catch (java.nio.file.NoSuchFileException e) {
        throw new CommandFailure(2, "no such file: " + e.getFile());
      } catch (IOException e) {
        throw new CommandFailure(2, String.valueOf(e.getMessage()));
      }
    }
  }
}
