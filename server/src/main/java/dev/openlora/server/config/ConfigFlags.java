package dev.openlora.server.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The settings as flags of a command: one for each, plus {@code --config}. */
public final class ConfigFlags {
  private static final String CONFIG = "--config";

  private ConfigFlags() {}

  /** Gives a command all flags. */
  public static void addTo(CommandSpec command) {
    command.addOption(
        OptionSpec.builder(CONFIG)
            .type(Path.class)
            .paramLabel("FILE")
            .description("YAML file; flags and environment win over it")
            .build());
    for (Setting setting : Settings.ALL) {
      command.addOption(option(setting));
    }
  }

  private static OptionSpec option(Setting setting) {
    OptionSpec.Builder option =
        OptionSpec.builder(setting.flag())
            .paramLabel(setting.placeholder())
            .description(description(setting));
    return switch (setting.kind()) {
      case TEXT -> option.type(String.class).build();
      case NUMBER -> option.type(Integer.class).build();
      case SWITCH -> option.type(Boolean.class).arity("0").negatable(true).build();
      case LIST -> option.type(List.class).auxiliaryTypes(String.class).arity("1").build();
    };
  }

  private static String description(Setting setting) {
    String fallback =
        switch (setting.kind()) {
          case TEXT, NUMBER ->
              setting.fallback() == null ? "" : " (default: " + setting.fallback() + ")";
          case SWITCH -> Boolean.TRUE.equals(setting.fallback()) ? " (default: on)" : "";
          case LIST -> setting.environment() == null ? "" : " (or $" + setting.environment() + ")";
        };
    return setting.description() + fallback;
  }

  /** The layers that a parsed command line asks for. */
  public static LayeredConfig read(ParseResult parsed, Map<String, String> environment) {
    LayeredConfig config = new LayeredConfig();
    Path file = parsed.matchedOptionValue(CONFIG, (Path) null);
    if (file != null) {
      config.withFile(file);
    }
    config.withEnvironment(environment);
    for (Setting setting : Settings.ALL) {
      Object value = parsed.matchedOptionValue(setting.flag(), (Object) null);
      if (value != null) {
        config.withFlag(setting, value);
      }
    }
    return config;
  }
}
