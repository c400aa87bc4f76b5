package dev.openlora.server.cli;

import dev.openlora.engine.training.TrainingConfig;
import dev.openlora.server.tuning.Pretraining;
import dev.openlora.server.tuning.PretrainingJob;
import dev.openlora.server.tuning.TuningJob;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Trains a small model from random values; the exit statuses are those of {@link TuneCommand}. */
@Command(
    name = "pretrain",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Train a small model from random values on text, and write its Hugging Face folder.",
      "Stopped or killed, the same command goes on from its last checkpoint."
    })
final class PretrainCommand implements Callable<Integer>, OpenLoraCommand.Configured {
  private static final TrainingFlags TRAINING = TrainingFlags.ofPretrain();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--model-config",
      required = true,
      paramLabel = "FILE",
      description = "a config.json that gives the shape")
  private Path config = Path.of("");

  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "DIR",
      description = "folder with tokenizer.json and tokenizer_config.json")
  private Path tokenizer = Path.of("");

  @Option(
      names = "--text",
      paramLabel = "FILE",
      arity = "1..*",
      description = "rows as .jsonl, .txt, .md or .csv (repeatable)")
  private List<Path> files = new ArrayList<>();

  @Option(
      names = "--corpus",
      paramLabel = "NAME",
      description = "demo: the demonstration's own text, without end")
  private @Nullable String corpus;

  @Option(
      names = "--held-out",
      paramLabel = "X",
      description = "share of the files' rows that only measures (default: 0.05)")
  private @Nullable Double heldOut;

  @Option(names = "--cut", description = "leave out the ends of rows that are too long")
  private boolean cut;

  @Mixin private RunFlags run = new RunFlags();

  @Override
  public void addFlags(CommandSpec command) {
    TRAINING.addTo(command);
  }

  @Override
  public Integer call() throws InterruptedException {
    return run.run(
        TRAINING,
        (report, cancelled) -> {
          TrainingConfig training = TRAINING.read(spec.commandLine().getParseResult());
          PretrainingJob job =
              new PretrainingJob(
                  config, tokenizer, text(), training, run.computation(), run.out(), run.start());
          return new Pretraining(job, report, cancelled).run();
        });
  }

  private PretrainingJob.Text text() {
    if (corpus == null) {
      if (files.isEmpty()) {
        throw new CommandFailure(2, "text: none (expected: --text or --corpus)");
      }
      return new PretrainingJob.Text.Files(
          files,
          new TuningJob.HeldOutShare(heldOut == null ? 0.05 : heldOut, heldOut != null),
          cut ? TuningJob.Longer.CUT : TuningJob.Longer.REFUSED);
    }
    if (!corpus.equals("demo")) {
      throw new CommandFailure(2, "--corpus: '" + corpus + "' (expected: demo)");
    }
    if (!files.isEmpty() || heldOut != null || cut) {
      throw new CommandFailure(2, "--corpus: beside --text, --held-out or --cut (expected: alone)");
    }
    return new PretrainingJob.Text.DemoCorpus();
  }
}
