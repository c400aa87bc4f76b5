package dev.openlora.server.cli;

import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.tuning.Computation;
import dev.openlora.server.tuning.Evaluation;
import dev.openlora.server.tuning.RougeScore;
import dev.openlora.server.tuning.TuningException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Measures a base and adapters on rows. */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Say how well a base and adapters predict rows (loss, perplexity) and answer chats",
      "(ROUGE and BLEU of greedy answers beside those in the rows)."
    })
final class EvaluateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "the base")
  private Path model = Path.of("");

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      arity = "1..*",
      description = "an adapter's folder (repeatable)")
  private List<Path> adapters = new ArrayList<>();

  @Mixin private DataFlags data = new DataFlags();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "with --held-out: only the rows that tune holds out with both (default: 1)")
  private long seed;

  @Option(
      names = "--answers",
      paramLabel = "N",
      defaultValue = "50",
      description = "write answers to the first N chats (default: ${DEFAULT-VALUE}; 0: none)")
  private int answers;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "of an answer (default: ${DEFAULT-VALUE})")
  private int answerTokens;

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      defaultValue = "float32",
      description = "of the weights: float32 or bfloat16 (default: ${DEFAULT-VALUE})")
  private String precision = "";

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "default: one per core")
  private int threads;

  @Option(names = "--json", description = "print a JSON object instead of a table")
  private boolean json;

  @Override
  public Integer call() throws InterruptedException {
    LogSetup.apply(new ServerConfig.Log(false, "warn")); // loading is no news here
    List<Evaluation.Line> lines;
    try (Progress progress = Progress.of("rows", -1)) {
      Evaluation.Job job =
          new Evaluation.Job(
              model,
              adapters,
              data.read(),
              data.asksForHeldOut() ? seed : null,
              answers,
              answerTokens,
              new Computation(Computation.precision(precision), threads));
      lines = new Evaluation(job, progress::advance).run();
    } catch (TuningException e) {
      int status = e.kind() == TuningException.Kind.ASKED_WRONGLY ? 2 : 1;
      throw new CommandFailure(status, String.valueOf(e.getMessage()));
    } catch (NoSuchFileException e) {
      throw new CommandFailure(2, "no such file: " + e.getFile());
    } catch (IOException e) {
      throw new CommandFailure(1, "reading failed: " + e);
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? object(lines) : table(lines));
    out.flush();
    return 0;
  }

  static String object(List<Evaluation.Line> lines) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    ArrayNode models = json.putArray("models");
    for (Evaluation.Line line : lines) {
      ObjectNode each =
          models
              .addObject()
              .put("name", line.name())
              .put("sha256", line.sha256())
              .put("rows", line.rows())
              .put("learned_tokens", line.learnedTokens())
              .put("loss", line.loss())
              .put("perplexity", line.perplexity())
              .put("answers", line.answers());
      RougeScore rouge = line.rouge();
      if (rouge != null) {
        each.put("rouge_1", rouge.rouge1())
            .put("rouge_2", rouge.rouge2())
            .put("rouge_l", rouge.rougeL())
            .put("bleu", line.bleu());
      }
    }
    return json.toPrettyString() + "\n";
  }

  static String table(List<Evaluation.Line> lines) {
    int width = Math.max(5, lines.stream().mapToInt(line -> line.name().length()).max().orElse(0));
    String name = "%-" + width + "s";
    StringBuilder table =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                name + "  %8s  %10s  %8s  %10s  %7s  %7s  %7s  %7s  %6s%n",
                "model",
                "rows",
                "tokens",
                "loss",
                "perplexity",
                "answers",
                "ROUGE-1",
                "ROUGE-2",
                "ROUGE-L",
                "BLEU"));
    for (Evaluation.Line line : lines) {
      table.append(
          String.format(
              Locale.ROOT,
              name + "  %8d  %10d  %8.4f  %10.3f  %7d",
              line.name(),
              line.rows(),
              line.learnedTokens(),
              line.loss(),
              line.perplexity(),
              line.answers()));
      RougeScore rouge = line.rouge();
      table.append(
          rouge == null
              ? String.format(Locale.ROOT, "  %7s  %7s  %7s  %6s%n", "-", "-", "-", "-")
              : String.format(
                  Locale.ROOT,
                  "  %7.4f  %7.4f  %7.4f  %6.2f%n",
                  rouge.rouge1(),
                  rouge.rouge2(),
                  rouge.rougeL(),
                  line.bleu()));
    }
    return table.toString();
  }
}
