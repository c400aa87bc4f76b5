package dev.openlora.server.cli;

import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.factory.DemoModels;
import dev.openlora.server.tuning.TuningReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Makes the demonstration's models: how {@code demo/} came to be. */
@Command(
    name = "demo-models",
    mixinStandardHelpOptions = true,
    description = {
      "Make the demonstration's models from nothing: generate the text, train tokenizer and base,",
      "fill eight Datanets, tune eight adapters, measure them, write samples.",
      "What is there already is kept; stopped or killed, the same command goes on."
    })
final class DemoModelsCommand implements Callable<Integer> {
  @Option(names = "--out", required = true, paramLabel = "DIR", description = "folder to fill")
  private Path out = Path.of("");

  @Option(
      names = "--base-steps",
      paramLabel = "N",
      defaultValue = "2600",
      description = "steps of the base's training (default: ${DEFAULT-VALUE})")
  private int baseSteps;

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (baseSteps < 1) {
      throw new CommandFailure(2, "--base-steps: " + baseSteps + " (expected: at least 1)");
    }
    Files.createDirectories(out);
    try (Interruption interruption = Interruption.listen()) {
      TuningReport.Style style =
          Progress.isTerminal() ? TuningReport.Style.BAR : TuningReport.Style.PLAIN;
      boolean done =
          new DemoModels(new DemoFolder(out), baseSteps, System.out, interruption::asked)
              .run(style);
      return done ? 0 : Interruption.STATUS;
    }
  }
}
