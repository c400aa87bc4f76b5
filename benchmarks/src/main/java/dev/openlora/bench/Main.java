package dev.openlora.bench;

import dev.openlora.bench.load.LoadCommand;
import dev.openlora.bench.load.PeersCommand;
import dev.openlora.bench.micro.MicroBenchmarks;
import dev.openlora.bench.step.AdapterRatios;
import dev.openlora.bench.step.StartTime;
import dev.openlora.bench.step.StepBreakdown;
import dev.openlora.bench.streams.TokenStreams;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The root of {@code ./openlora bench}: commands that measure, each with its own question. */
@Command(
    name = "openlora bench",
    mixinStandardHelpOptions = true,
    description = "Measurements. Each command says what it asks, and prints ratio and spread.",
    subcommands = {
      LoadCommand.class,
      PeersCommand.class,
      TuningSpeed.class,
      StepBreakdown.class,
      AdapterRatios.class,
      StartTime.class,
      TokenStreams.class,
      MicroBenchmarks.class
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private Main() {}

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which measurement? (try --help)");
  }

  public static void main(String[] args) {
    CommandLine commands = new CommandLine(new Main());
    commands.setParameterExceptionHandler((e, parsed) -> {
      e.getCommandLine().getErr().println("openlora bench: " + e.getMessage());
      return 2;
    });
    System.exit(commands.execute(args));
  }
}
