package dev.openlora.bench.load;

import dev.openlora.bench.process.ServeCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that start our server for the time of a measurement. */
final class OwnServer {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "start ./openlora serve on this base model, as a process of its own")
  private @Nullable Path model;

  @Option(names = "--adapters", paramLabel = "DIR", description = "of the server started")
  private @Nullable Path adapters;

  @Option(
      names = "--serve",
      paramLabel = "FLAGS",
      defaultValue = "",
      description = "further flags of the server started, e.g. \"--dtype bfloat16 --threads 2\"")
  private String flags = "";

  /**
   * @param address what was given in place of {@code --model}
   * @param option the name it was given under
   * @throws IllegalArgumentException when not exactly one is given
   */
  void check(@Nullable String address, String option) {
    if ((model == null) == (address == null)) {
      throw new IllegalArgumentException(
          option + ", --model: " + (model == null ? "none" : "both") + " (expected: one of them)");
    }
    if (model == null && (adapters != null || !flags.isBlank())) {
      throw new IllegalArgumentException(
          "--adapters, --serve: given (expected: only with --model)");
    }
  }

  /** Null when {@code --model} is not given. */
  @Nullable StartedServer start() throws IOException, InterruptedException {
    if (model == null) {
      return null;
    }
    Path launcher = Path.of(System.getProperty("openlora.root", ""), "openlora");
    if (!Files.isExecutable(launcher)) {
      throw new IOException(
          "openlora.root: no launcher at " + launcher.toAbsolutePath() + " (use ./openlora bench)");
    }
    List<String> words = new ArrayList<>();
    if (adapters != null) {
      words.addAll(List.of("--adapters", adapters.toString()));
    }
    if (!flags.isBlank()) {
      words.addAll(List.of(flags.strip().split("\\s+")));
    }
    return StartedServer.start(ServeCommand.of(launcher, model, words));
  }
}
