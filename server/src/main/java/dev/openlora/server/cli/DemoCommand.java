package dev.openlora.server.cli;

import dev.openlora.adapter.Adapter;
import dev.openlora.server.assembly.RunningServer;
import dev.openlora.server.assembly.StartupException;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.LayeredConfig;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.demo.Demo;
import dev.openlora.server.demo.DemoModel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Shows the product with nothing but this repository: no download, no GPU, no account. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Make a small random base and twelve adapters, serve them, and stream from all at once.",
      "The weights are random numbers: the text means nothing."
    })
final class DemoCommand implements Callable<Integer> {
  @Option(names = "--dir", paramLabel = "DIR", description = "work folder (default: in the cache)")
  private @Nullable Path folder;

  @Option(
      names = "--port",
      paramLabel = "N",
      defaultValue = "0",
      description = "default: a free one")
  private int port;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "default: one per core")
  private int threads;

  @Option(names = "--once", description = "stop after the streams; status 1 when one failed")
  private boolean once;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintStream out = System.out;
    Path work = folder != null ? folder : cache().resolve("demo");
    DemoModel model = new DemoModel(work);
    out.printf(
        "OpenLoRA demo: a base of %.1f million RANDOM parameters and 12 random adapters in %s.%n"
            + "Random weights write random syllables; what to look at is that one server runs them"
            + " all together.%n%n",
        model.parameters() / 1e6, work);
    try (Progress progress = Progress.of("random weights", Math.max(1, model.work()))) {
      model.prepare(progress::advance);
    }
    ServerConfig config = config(model);
    LogSetup.apply(config.log());
    boolean terminal = Progress.isTerminal();
    Demo demo = new Demo(out, terminal, terminal ? columns() : 120);
    try (RunningServer server = RunningServer.start(config, List.of(demo))) {
      List<String> names = new ArrayList<>();
      names.add(server.modelName());
      server.adapters().list().stream().map(Adapter::id).forEach(id -> names.add(id.name()));
      if (names.size() < 2) {
        throw new CommandFailure(1, "no adapter could be served; see the log above");
      }
      int failed = demo.run(server.uri(), null, names);
      if (once) {
        return failed == 0 ? 0 : 1;
      }
      printTour(out, server, names);
      server.untilStopped();
      return 0;
    } catch (StartupException e) {
      throw new CommandFailure(1, String.valueOf(e.getMessage()));
    }
  }

  private ServerConfig config(DemoModel model) {
    CommandSpec flags = CommandSpec.create();
    ConfigFlags.addTo(flags);
    LayeredConfig layers =
        ConfigFlags.read(
            new CommandLine(flags)
                .parseArgs(
                    "--model", model.base().toString(),
                    "--adapters", model.adapters().toString(),
                    "--port", String.valueOf(port),
                    "--threads", String.valueOf(threads),
                    "--kv-memory-mib", "256",
                    "--log-level", "warn"),
            Map.of());
    return ServerConfig.from(layers);
  }

  private static void printTour(PrintStream out, RunningServer server, List<String> names) {
    String base = server.uri().toString();
    String adapter = names.get(1);
    out.printf(
        """

        The server stays up at %1$s (Ctrl-C stops it). Try:

          curl %1$s/v1/models
          curl %1$s/v1/completions -H 'Content-Type: application/json' \\
            -d '{"model": "%2$s", "prompt": "hello", "max_tokens": 16}'
          curl -N %1$s/v1/chat/completions -H 'Content-Type: application/json' \\
            -d '{"model": "%2$s", "stream": true, "max_tokens": 16,
                 "messages": [{"role": "user", "content": "hello"}]}'
          curl %1$s/metrics
        """,
        base, adapter);
    out.flush();
  }

  private static Path cache() {
    String given = System.getenv("OPENLORA_CACHE_DIR");
    return given != null
        ? Path.of(given)
        : Path.of(System.getProperty("user.home", "."), ".cache", "openlora");
  }

  /** The terminal's width as {@code stty} knows it; 100 when it does not. */
  private static int columns() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!stty.waitFor(2, TimeUnit.SECONDS)) {
        stty.destroyForcibly();
        return 100;
      }
      String size =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
      return size.matches("[0-9]+ [1-9][0-9]{1,3}")
          ? Integer.parseInt(size.substring(size.indexOf(' ') + 1))
          : 100;
    } catch (IOException e) {
      return 100;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 100;
    }
  }
}
