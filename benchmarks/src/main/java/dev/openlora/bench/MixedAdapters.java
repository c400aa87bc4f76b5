package dev.openlora.bench;

import dev.openlora.kernels.DType;
import dev.openlora.server.assembly.Machine;
import dev.openlora.server.assembly.RunningServer;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.demo.CompletionClient;
import dev.openlora.server.demo.ModelShape;
import dev.openlora.server.demo.RandomModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/**
 * What do distinct adapters cost? The same load of streamed requests three ways, over HTTP: all on
 * the base, all on one adapter, each on its own adapter. The ways alternate within one run, so that
 * what else the machine does hits all of them; quote the ratios, not the figures.
 *
 * <pre>
 * ./openlora random-model /tmp/half --config shapes/rand0.5B
 * ./openlora bench mixed --model /tmp/half
 * </pre>
 */
@Command(
    name = "mixed",
    mixinStandardHelpOptions = true,
    description = {
      "Throughput of N requests on N distinct adapters, on one adapter, and on the base.",
      "Starts its own server with random adapters (--model), or drives one that runs (--url)."
    })
final class MixedAdapters implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--model", paramLabel = "DIR", description = "base model to serve")
  private @Nullable Path model;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "a running server, e.g. http://127.0.0.1:8080")
  private @Nullable URI url;

  @Option(names = "--api-key", paramLabel = "KEY", description = "for --url")
  private @Nullable String apiKey;

  @Option(names = "--requests", defaultValue = "32", description = "at once; default: 32")
  private int requests;

  @Option(names = "--rank", defaultValue = "16", description = "of the adapters made; default: 16")
  private int rank;

  @Option(names = "--prompt-tokens", defaultValue = "32", description = "default: 32")
  private int promptTokens;

  @Option(names = "--new-tokens", defaultValue = "32", description = "default: 32")
  private int newTokens;

  @Option(
      names = "--runs",
      defaultValue = "5",
      description = "of each way, after one warm-up; default: 5")
  private int runs;

  @Option(names = "--seed", defaultValue = "1", description = "of prompts and adapters; default: 1")
  private long seed;

  @Option(
      names = "--threads",
      defaultValue = "0",
      description = "of the server started; default: one per core")
  private int threads;

  @Option(
      names = "--dtype",
      defaultValue = "auto",
      description = "of the server started; default: auto")
  private String dtype = "";

  /** The three ways. */
  private enum Way {
    BASE("base only"),
    ONE("one adapter"),
    MANY("distinct adapters");

    private final String label;

    Way(String label) {
      this.label = label;
    }
  }

  /** A finished run of one way. */
  private record Run(double tokensPerSecond, double firstTextMillis) {}

  /** Who answers: the base's name and adapters to ask for. */
  private record Target(URI base, String baseName, List<String> adapters) {}

  @Override
  public Integer call() throws Exception {
    if ((model == null) == (url == null)) {
      throw new ParameterException(
          spec.commandLine(), "--model, --url: give one of them (expected: exactly one)");
    }
    if (requests < 1 || runs < 1 || promptTokens < 1 || newTokens < 1) {
      throw new ParameterException(
          spec.commandLine(),
          "--requests, --runs, --prompt-tokens, --new-tokens: (expected: at least 1 each)");
    }
    if (url != null) {
      return measure(running(url));
    }
    Path folder = java.util.Objects.requireNonNull(model);
    Path adapters = Files.createTempDirectory("openlora-bench-");
    try {
      new RandomModel(ModelShape.read(folder), seed, DType.BF16)
          .writeAdapters(
              adapters,
              new RandomModel.AdapterPlan(
                  requests,
                  List.of(rank),
                  List.of("lora"),
                  Set.of(
                      "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")),
              done -> {});
      try (RunningServer server = RunningServer.start(config(folder, adapters), List.of())) {
        return measure(running(server.uri()));
      }
    } finally {
      delete(adapters);
    }
  }

  private ServerConfig config(Path folder, Path adapters) {
    CommandSpec flags = CommandSpec.create();
    ConfigFlags.addTo(flags);
    return ServerConfig.from(
        ConfigFlags.read(
            new CommandLine(flags)
                .parseArgs(
                    "--model",
                    folder.toString(),
                    "--adapters",
                    adapters.toString(),
                    "--strict-adapters",
                    "--port",
                    "0",
                    "--dtype",
                    dtype,
                    "--threads",
                    String.valueOf(threads),
                    "--max-num-seqs",
                    String.valueOf(Math.max(64, requests)),
                    "--no-prefix-cache"),
            Map.of()));
  }

  private Target running(URI base) throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(base.resolve("/v1/models"));
    if (apiKey != null) {
      request.header("Authorization", "Bearer " + apiKey);
    }
    JsonNode models;
    try (HttpClient client = HttpClient.newHttpClient()) {
      models =
          JsonMapper.shared()
              .readTree(client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body());
    }
    String baseName = "";
    List<String> adapters = new ArrayList<>();
    for (JsonNode entry : models.path("data")) {
      if (entry.path("parent").isString()) {
        adapters.add(entry.path("id").asString(""));
      } else {
        baseName = entry.path("id").asString("");
      }
    }
    if (baseName.isEmpty() || adapters.size() < requests) {
      throw new ParameterException(
          spec.commandLine(),
          "adapters: "
              + adapters.size()
              + " served (expected: at least "
              + requests
              + ", one per request)");
    }
    return new Target(base, baseName, adapters);
  }

  private int measure(Target target) throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Machine machine = Machine.read();
    out.printf(
        Locale.ROOT,
        "%s, %d cores, load average %.2f; %d requests, %d prompt + %d new tokens, greedy, seed %d%n",
        machine.cpu(),
        machine.cores(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
        requests,
        promptTokens,
        newTokens,
        seed);
    out.flush();
    Map<Way, List<Run>> results = new EnumMap<>(Way.class);
    Random random = new Random(seed);
    try (CompletionClient client = new CompletionClient(target.base(), apiKey);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      checkThatAdaptersChangeTheAnswer(client, target, random);
      for (int round = 0; round <= runs; round++) {
        for (int i = 0; i < Way.values().length; i++) {
          // Each round begins with another way, so that none always comes first.
          Way way = Way.values()[(i + round) % Way.values().length];
          Run run = run(client, threads, target, way, random);
          if (round > 0) {
            results.computeIfAbsent(way, w -> new ArrayList<>()).add(run);
          }
        }
      }
    }
    print(out, results);
    out.printf(
        Locale.ROOT,
        "load average after: %.2f%n",
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    out.flush();
    return 0;
  }

  private void print(PrintWriter out, Map<Way, List<Run>> results) {
    out.println("                     output tokens/s, median [min–max]     first text ms, median");
    for (Way way : Way.values()) {
      List<Run> all = results.getOrDefault(way, List.of());
      out.printf(
          Locale.ROOT,
          "  %-18s %-36s  %s%n",
          way.label,
          Spread.of(all.stream().map(Run::tokensPerSecond).toList()),
          Spread.of(all.stream().map(Run::firstTextMillis).toList()));
    }
    ratio(out, results, Way.ONE, Way.BASE);
    ratio(out, results, Way.MANY, Way.ONE);
    ratio(out, results, Way.MANY, Way.BASE);
  }

  /** Ratios are taken within a round, then their median. */
  private static void ratio(PrintWriter out, Map<Way, List<Run>> results, Way above, Way below) {
    List<Run> numerators = results.getOrDefault(above, List.of());
    List<Run> denominators = results.getOrDefault(below, List.of());
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < numerators.size(); i++) {
      ratios.add(numerators.get(i).tokensPerSecond() / denominators.get(i).tokensPerSecond());
    }
    Spread spread = Spread.of(ratios);
    out.printf(
        Locale.ROOT,
        "  %s / %s: %.3f [%.3f–%.3f]%n",
        above.label,
        below.label,
        spread.median(),
        spread.min(),
        spread.max());
  }

  private Run run(
      CompletionClient client, ExecutorService threads, Target target, Way way, Random random)
      throws Exception {
    List<Callable<CompletionClient.Answer>> calls = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      String name =
          switch (way) {
            case BASE -> target.baseName();
            case ONE -> target.adapters().getFirst();
            case MANY -> target.adapters().get(i);
          };
      CompletionClient.Call call =
          new CompletionClient.Call(name, prompt(random), newTokens, 0, seed);
      calls.add(() -> client.stream(call, piece -> {}));
    }
    long begin = System.nanoTime();
    List<Double> firstTexts = new ArrayList<>();
    long tokens = 0;
    for (Future<CompletionClient.Answer> future : threads.invokeAll(calls)) {
      CompletionClient.Answer answer = answer(future);
      if (answer.outputTokens() != newTokens || answer.promptTokens() != promptTokens) {
        throw new IllegalStateException(
            "an answer has "
                + answer.promptTokens()
                + " + "
                + answer.outputTokens()
                + " tokens (expected: "
                + promptTokens
                + " + "
                + newTokens
                + ")");
      }
      tokens += answer.outputTokens();
      firstTexts.add(answer.firstText().toNanos() / 1e6);
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    return new Run(tokens / seconds, Spread.of(firstTexts).median());
  }

  private void checkThatAdaptersChangeTheAnswer(
      CompletionClient client, Target target, Random random)
      throws IOException, InterruptedException {
    JsonNode prompt = prompt(random);
    String base =
        client
            .complete(new CompletionClient.Call(target.baseName(), prompt, newTokens, 0, seed))
            .text();
    int changed = 0;
    for (String adapter : target.adapters().subList(0, Math.min(4, requests))) {
      String text =
          client.complete(new CompletionClient.Call(adapter, prompt, newTokens, 0, seed)).text();
      changed += text.equals(base) ? 0 : 1;
    }
    if (changed == 0) {
      throw new IllegalStateException(
          "adapters answer as the base does (expected: other answers); nothing is measured");
    }
  }

  private ArrayNode prompt(Random random) {
    ArrayNode ids = JsonMapper.shared().createArrayNode();
    for (int i = 0; i < promptTokens; i++) {
      ids.add(20 + random.nextInt(200));
    }
    return ids;
  }

  private static CompletionClient.Answer answer(Future<CompletionClient.Answer> future)
      throws Exception {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Exception cause ? cause : e;
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(file -> {
            try {
              Files.delete(file);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }
}
