package dev.openlora.server.cli;

import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.LayeredConfig;
import dev.openlora.server.config.ServerConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what {@code serve} would run with, and where each value comes from. */
@Command(
    name = "config",
    aliases = "--print-config",
    mixinStandardHelpOptions = true,
    description = "Print the effective configuration as YAML, secrets masked.")
final class ConfigCommand implements Callable<Integer>, OpenLoraCommand.Configured {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void addFlags(CommandSpec command) {
    ConfigFlags.addTo(command);
  }

  @Override
  public Integer call() {
    LayeredConfig layers = ConfigFlags.read(spec.commandLine().getParseResult(), System.getenv());
    ServerConfig.from(layers);
    spec.commandLine().getOut().print(layers.toYaml());
    spec.commandLine().getOut().flush();
    return 0;
  }
}
