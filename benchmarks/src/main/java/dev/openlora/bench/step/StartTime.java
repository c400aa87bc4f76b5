package dev.openlora.bench.step;

import dev.openlora.bench.Spread;
import dev.openlora.bench.process.ProcessMemory;
import dev.openlora.bench.process.ServeCommand;
import dev.openlora.bench.process.ServerProcess;
import dev.openlora.server.cli.Progress;
import dev.openlora.server.demo.OpenAiClient;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * How long from the start of a server to its first token, and how much memory does it hold then?
 * Ours with the archive of class data that its first run leaves behind and without it, in turns;
 * one start before them is not counted, so that files are in the page cache for all. Another server
 * is started by {@code --command} and asked at {@code --url} in the same way.
 *
 * <pre>
 * ./openlora bench start --model /tmp/half --runs 3
 * ./openlora bench start --command "llama-server -m half.gguf --port 8090" \
 *     --url http://127.0.0.1:8090
 * </pre>
 */
@Command(
    name = "start",
    mixinStandardHelpOptions = true,
    description = {
      "Seconds from starting a server to its first token, and its resident memory then.",
      "Flags behind -- are passed on to our server."
    })
public final class StartTime implements Callable<Integer> {
  private static final long POLL_MILLIS = 10;
  private static final int RUNS_MAX = 1000;
  private static final double MIB = 1024 * 1024;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--model", paramLabel = "DIR", description = "base model for our server")
  private @Nullable Path model;

  @Option(names = "--command", paramLabel = "CMD", description = "another server, for sh -c")
  private @Nullable String command;

  @Option(names = "--url", paramLabel = "URL", description = "where --command answers")
  private @Nullable URI url;

  @Option(names = "--runs", defaultValue = "3", description = "of each way; default: 3")
  private int runs;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description = "for the first token; default: 120")
  private int timeoutSeconds;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures there as well")
  private @Nullable Path json;

  @Parameters(arity = "0..*", paramLabel = "FLAG", description = "for our server, behind --")
  private List<String> flags = List.of();

  /** How a server is started. */
  enum Way {
    COLD("no class archive"),
    WARM("class archive"),
    OTHER("--command");

    private final String label;

    Way(String label) {
      this.label = label;
    }
  }

  /** One start. */
  record Start(double seconds, ProcessMemory memory) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if ((model == null) == (command == null)) {
      throw new ParameterException(
          spec.commandLine(), "--model, --command: give one of them (expected: exactly one)");
    }
    if ((command == null) != (url == null)) {
      throw new ParameterException(
          spec.commandLine(), "--command, --url: one without the other (expected: both)");
    }
    if (runs < 1 || runs > RUNS_MAX) {
      throw new ParameterException(
          spec.commandLine(), "--runs: " + runs + " (expected: 1.." + RUNS_MAX + ")");
    }
    if (timeoutSeconds < 1 || timeoutSeconds > 3600) {
      throw new ParameterException(
          spec.commandLine(), "--timeout: " + timeoutSeconds + " (expected: 1..3600 seconds)");
    }
    if (command != null && !flags.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(), "flags: " + flags + " (expected: none with --command)");
    }
    List<Way> ways = command == null ? List.of(Way.COLD, Way.WARM) : List.of(Way.OTHER);
    BenchReport report = BenchReport.begin(spec.commandLine().getOut(), "start");
    Map<Way, List<Start>> starts = new EnumMap<>(Way.class);
    try (Progress progress = Progress.of("starts", (long) runs * ways.size() + 1)) {
      start(ways.getFirst());
      progress.advance(1);
      for (int run = 0; run < runs; run++) {
        for (Way way : ways) {
          starts.computeIfAbsent(way, w -> new ArrayList<>()).add(start(way));
          progress.advance(1);
        }
      }
    }
    report.json().put("server", command == null ? model + " " + flags : command);
    print(starts, report);
    report.end(json);
    return 0;
  }

  private Start start(Way way) throws IOException, InterruptedException {
    if (command != null && url != null) {
      return firstToken(List.of("sh", "-c", command), Map.of(), url);
    }
    Path root = root();
    Path archive = root.resolve("server/target/serve.jsa");
    if (way == Way.COLD) {
      Files.deleteIfExists(archive);
    } else if (!Files.exists(archive)) {
      throw new IOException(archive + ": missing (expected: left behind by the start before)");
    }
    ServeCommand ours =
        ServeCommand.of(root.resolve("openlora"), Objects.requireNonNull(model), flags);
    return firstToken(ours.words(), Map.of("OPENLORA_NO_BUILD", "1"), ours.uri());
  }

  private static Path root() {
    String root = System.getProperty("openlora.root", "");
    if (root.isEmpty()) {
      throw new IllegalStateException("openlora.root: not set (expected: started by ./openlora)");
    }
    return Path.of(root);
  }

  /** Asks again and again until a completion of one token comes back. */
  private Start firstToken(List<String> words, Map<String, String> environment, URI at)
      throws IOException, InterruptedException {
    long begin = System.nanoTime();
    long deadline = begin + timeoutSeconds * 1_000_000_000L;
    String last = "nothing yet";
    try (ServerProcess server = ServerProcess.start(words, environment);
        HttpClient http = HttpClient.newHttpClient();
        OpenAiClient client = new OpenAiClient(at, null)) {
      while (server.isAlive() && System.nanoTime() < deadline) {
        try {
          OpenAiClient.Call call = new OpenAiClient.Call(modelName(http, at), prompt(), 1, 0, 1);
          if (client.complete(call).outputTokens() == 1) {
            return new Start((System.nanoTime() - begin) / 1e9, server.tree().memory());
          }
          last = "a completion without a token";
        } catch (IOException | JacksonException e) {
          last = String.valueOf(e.getMessage());
        }
        Thread.sleep(POLL_MILLIS);
      }
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: no token after %.1f s (last: %s); its output ends with%n%s",
              String.join(" ", words),
              (System.nanoTime() - begin) / 1e9,
              last,
              server.logEnd()));
    }
  }

  private static String modelName(HttpClient http, URI at)
      throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(at.resolve("/v1/models")).build();
    String body = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    JsonNode first = JsonMapper.shared().readTree(body).path("data").path(0).path("id");
    if (!first.isString()) {
      throw new IOException("/v1/models: no model (expected: data[0].id)");
    }
    return first.asString("");
  }

  private static JsonNode prompt() {
    return JsonMapper.shared().createArrayNode().add(20).add(21).add(22);
  }

  /** Seconds and memory of each way, and the warm start over the cold one within each run. */
  static void print(Map<Way, List<Start>> starts, BenchReport report) {
    report.line(
        String.format(
            Locale.ROOT,
            "  %-18s %-22s %-26s %s",
            "",
            "first token, s",
            "resident then, MiB",
            "peak, MiB"));
    starts.forEach((way, all) -> {
      Spread seconds = Spread.of(all.stream().map(Start::seconds).toList());
      Spread resident = Spread.of(all.stream().map(s -> s.memory().residentBytes() / MIB).toList());
      Spread peak = Spread.of(all.stream().map(s -> s.memory().peakBytes() / MIB).toList());
      report.line(
          String.format(
              Locale.ROOT,
              "  %-18s %-22s %-26s %s",
              way.label,
              Ratio.shown(seconds, 2),
              Ratio.shown(resident, 0),
              Ratio.shown(peak, 0)));
      ObjectNode entry = report.json().putObject(way.name().toLowerCase(Locale.ROOT));
      Ratio.put(entry, "first_token_s", seconds);
      Ratio.put(entry, "resident_mib", resident);
      Ratio.put(entry, "peak_mib", peak);
    });
    List<Start> cold = starts.getOrDefault(Way.COLD, List.of());
    List<Start> warm = starts.getOrDefault(Way.WARM, List.of());
    if (!cold.isEmpty()) {
      Spread ratio =
          Ratio.of(
              warm.stream().map(Start::seconds).toList(),
              cold.stream().map(Start::seconds).toList());
      report.line(
          String.format(Locale.ROOT, "  with archive / without: %s", Ratio.shown(ratio, 2)));
    }
  }
}
