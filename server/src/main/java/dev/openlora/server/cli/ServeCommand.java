package dev.openlora.server.cli;

import dev.openlora.server.assembly.Preflight;
import dev.openlora.server.assembly.RunningServer;
import dev.openlora.server.assembly.StartupException;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.LayeredConfig;
import dev.openlora.server.config.ServerConfig;
import java.util.List;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves until it is told to stop; SIGTERM and Ctrl-C let running requests finish first. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Serve a base model and its adapters over HTTP.")
final class ServeCommand implements Callable<Integer>, OpenLoraCommand.Configured {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--print-config",
      description = "print the effective configuration as YAML, secrets masked, and stop")
  private boolean printConfig;

  @Override
  public void addFlags(CommandSpec command) {
    ConfigFlags.addTo(command);
  }

  @Override
  public Integer call() throws InterruptedException {
    LayeredConfig layers = ConfigFlags.read(spec.commandLine().getParseResult(), System.getenv());
    ServerConfig config = ServerConfig.from(layers);
    if (printConfig) {
      spec.commandLine().getOut().print(layers.toYaml());
      spec.commandLine().getOut().flush();
      return 0;
    }
    config.model().requiredPath();
    LogSetup.apply(config.log());
    Preflight preflight = Preflight.look(config);
    preflight.lines().forEach(LOG::info);
    if (!preflight.servable()) {
      throw new CommandFailure(1, String.join("; ", preflight.obstacles()));
    }
    try (RunningServer server = RunningServer.start(config, List.of())) {
      server.untilStopped();
      return 0;
    } catch (StartupException e) {
      throw new CommandFailure(1, String.valueOf(e.getMessage()));
    }
  }
}
