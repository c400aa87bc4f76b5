package dev.openlora.server.cli;

import dev.openlora.engine.training.TrainingConfig;
import dev.openlora.server.tuning.Registration;
import dev.openlora.server.tuning.Tuning;
import dev.openlora.server.tuning.TuningJob;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Trains an adapter. Exit status: 0 done, 1 failed, 2 asked wrongly, 130 stopped by a signal, with
 * a checkpoint.
 */
@Command(
    name = "tune",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Train an adapter on rows of Datanets or files, and write its folder.",
      "Stopped or killed, the same command goes on from its last checkpoint."
    })
final class TuneCommand implements Callable<Integer>, OpenLoraCommand.Configured {
  private static final TrainingFlags TRAINING = TrainingFlags.ofTune();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "the base")
  private Path model = Path.of("");

  @Mixin private DataFlags data = new DataFlags();

  @Mixin private RunFlags run = new RunFlags();

  @Mixin private AdapterFlags adapter = new AdapterFlags();

  @Option(
      names = "--register",
      paramLabel = "URL",
      description = {
        "then load the adapter into a running server, under the name of its folder",
        "($OPENLORA_ADMIN_KEY, where the server asks for a key)"
      })
  private @Nullable URI register;

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
          Registration registration =
              register == null
                  ? null
                  : new Registration(register, System.getenv("OPENLORA_ADMIN_KEY"));
          TuningJob job =
              new TuningJob(
                  model,
                  data.read(),
                  adapter.config(),
                  training,
                  run.computation(),
                  run.out(),
                  run.start());
          boolean done = new Tuning(job, report, cancelled).run();
          if (done && registration != null) {
            registration.load(run.out().toAbsolutePath().normalize());
          }
          return done;
        });
  }
}
