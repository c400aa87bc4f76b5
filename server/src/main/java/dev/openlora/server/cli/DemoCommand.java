package dev.openlora.server.cli;

import dev.openlora.server.assembly.RunningServer;
import dev.openlora.server.assembly.StartupException;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.LayeredConfig;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.demo.Demo;
import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.demo.Voice;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
      "Serve the small base and the eight adapters of this repository, stream from all at once,",
      "and make a ninth adapter through the fine-tuning API while the server runs."
    })
final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "work folder of the fine-tuning (default: in the cache)")
  private @Nullable Path folder;

  @Option(
      names = "--models",
      paramLabel = "DIR",
      description = "the models (default: demo/ in this checkout)")
  private @Nullable Path models;

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

  @Option(names = "--once", description = "stop after the show; status 1 when a part of it failed")
  private boolean once;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintStream out = System.out;
    DemoFolder demoFolder = models != null ? new DemoFolder(models) : DemoFolder.ofCheckout();
    if (!demoFolder.isComplete()) {
      throw new CommandFailure(
          1,
          "'"
              + demoFolder.root()
              + "' is not complete (expected: the repository's demo/, or ./openlora demo-models"
              + " --out DIR)");
    }
    Path work = folder != null ? folder : cache().resolve("demo");
    deleteTree(work);
    Files.createDirectories(work);
    ServerConfig config = config(demoFolder, work);
    LogSetup.apply(config.log());
    boolean terminal = Progress.isTerminal();
    Demo demo = new Demo(out, terminal, terminal ? columns() : 120);
    try (RunningServer server = RunningServer.start(config, List.of(demo))) {
      demo.introduce(demoFolder);
      List<String> names = new ArrayList<>();
      names.add(server.modelName());
      Voice.ALL.forEach(voice -> names.add(voice.name()));
      int failed = demo.ask(server.uri(), names);
      String live = demo.tune(server.uri(), server.modelName(), demoFolder);
      if (once) {
        return failed == 0 ? 0 : 1;
      }
      printTour(out, server, live);
      server.untilStopped();
      return 0;
    } catch (StartupException e) {
      throw new CommandFailure(1, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure(1, "the demonstration stopped: " + e.getMessage());
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(root)) {
      for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private ServerConfig config(DemoFolder demoFolder, Path work) {
    CommandSpec flags = CommandSpec.create();
    ConfigFlags.addTo(flags);
    LayeredConfig layers =
        ConfigFlags.read(
            new CommandLine(flags)
                .parseArgs(
                    "--model", demoFolder.base().toString(),
                    "--adapters", demoFolder.adapters().toString(),
                    "--tuning-dir", work.resolve("tuning").toString(),
                    "--tuning-threads", "2",
                    "--port", String.valueOf(port),
                    "--threads", String.valueOf(threads),
                    "--kv-memory-mib", "256",
                    "--log-level", "warn"),
            Map.of());
    return ServerConfig.from(layers);
  }

  private static void printTour(PrintStream out, RunningServer server, String live) {
    out.printf(
        """

        The server stays up at %1$s (Ctrl-C stops it). Try:

          curl %1$s/v1/models
          curl -N %1$s/v1/chat/completions -H 'Content-Type: application/json' \\
            -d '{"model": "pirate", "stream": true, "max_tokens": 200,
                 "messages": [{"role": "user", "content": "What was for supper?"}]}'
          python3 -c "
          from openai import OpenAI
          client = OpenAI(base_url='%1$s/v1', api_key='none')
          print(client.chat.completions.create(model='%2$s', max_tokens=200, messages=[
            {'role': 'user', 'content': 'Tell me about a dog.'}]).choices[0].message.content)"
          curl %1$s/v1/fine_tuning/jobs
          curl %1$s/metrics
        """,
        server.uri(), live);
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
