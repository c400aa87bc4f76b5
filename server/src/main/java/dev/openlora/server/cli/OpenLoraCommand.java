package dev.openlora.server.cli;

import dev.openlora.server.config.ConfigException;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The root of all commands. Exit status: 0 done, 1 it failed, 2 it was asked wrongly; wrong
 * questions get one line, never a stack trace.
 */
@Command(
    name = "openlora",
    description = "Many LoRA adapters on one base model, behind the OpenAI HTTP API.",
    mixinStandardHelpOptions = true,
    versionProvider = OpenLoraCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "The launcher adds: ./openlora test [maven arguments], ./openlora bench COMMAND.",
      "./openlora COMMAND --help tells more."
    },
    subcommands = {
      ServeCommand.class,
      DemoCommand.class,
      DemoModelsCommand.class,
      ChainCommand.class,
      ConfigCommand.class,
      DatanetCommand.class,
      TuneCommand.class,
      PretrainCommand.class,
      EvaluateCommand.class,
      PreflightCommand.class,
      TemplateCommand.class,
      RandomModelCommand.class,
    })
public final class OpenLoraCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "which command? (see ./openlora --help)");
  }

  /** Runs a command line; returns the exit status. */
  public static int run(String... args) {
    CommandLine commands = new CommandLine(new OpenLoraCommand());
    for (CommandLine command : Set.copyOf(commands.getSubcommands().values())) {
      if (command.getCommand() instanceof Configured configured) {
        configured.addFlags(command.getCommandSpec());
      }
    }
    // A mistyped option is an error, not one more file of an option that takes several.
    commands.setUnmatchedOptionsAllowedAsOptionParameters(false);
    commands.setParameterExceptionHandler(OpenLoraCommand::askedWrongly);
    commands.setExecutionExceptionHandler(OpenLoraCommand::failed);
    return commands.execute(args);
  }

  /** A command that takes the server's settings as flags. */
  interface Configured {
    void addFlags(CommandSpec command);
  }

  private static int askedWrongly(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("openlora: " + oneLine(e));
    CommandLine.UnmatchedArgumentException.printSuggestions(e, err);
    err.flush();
    return 2;
  }

  private static int failed(Exception e, CommandLine command, CommandLine.ParseResult parsed)
      throws Exception {
    return switch (e) {
      case ConfigException wrong -> say(command, wrong, 2);
      case CommandFailure failure -> say(command, failure, failure.status());
      default -> throw e;
    };
  }

  private static int say(CommandLine command, Exception e, int status) {
    command.getErr().println("openlora: " + oneLine(e));
    command.getErr().flush();
    return status;
  }

  private static String oneLine(Exception e) {
    return Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName())
        .replaceAll("\\R\\s*", " ");
  }

  /** The version that the build wrote into the jar. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {
        "openlora " + text(), "Java " + Runtime.version() + ", " + System.getProperty("os.arch")
      };
    }

    static String text() {
      return Objects.requireNonNullElse(
          Version.class.getPackage().getImplementationVersion(), "(not packaged)");
    }
  }
}
