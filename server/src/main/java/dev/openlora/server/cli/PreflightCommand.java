package dev.openlora.server.cli;

import dev.openlora.server.assembly.Preflight;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Says what this machine has for the configuration at hand; status 1 when serving cannot work. */
@Command(
    name = "preflight",
    mixinStandardHelpOptions = true,
    description = "Say what this machine has, and what is missing to serve.")
final class PreflightCommand implements Callable<Integer>, OpenLoraCommand.Configured {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void addFlags(CommandSpec command) {
    ConfigFlags.addTo(command);
  }

  @Override
  public Integer call() {
    ServerConfig config =
        ServerConfig.from(ConfigFlags.read(spec.commandLine().getParseResult(), System.getenv()));
    Preflight preflight = Preflight.look(config);
    for (String line : preflight.lines()) {
      spec.commandLine().getOut().println(line);
    }
    spec.commandLine().getOut().flush();
    return preflight.servable() ? 0 : 1;
  }
}
