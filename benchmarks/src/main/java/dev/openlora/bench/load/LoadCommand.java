package dev.openlora.bench.load;

import dev.openlora.bench.plot.LatencyCurves;
import dev.openlora.bench.process.ProcessTree;
import dev.openlora.server.cli.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * How does a server stand a load? Streamed completions in a closed loop (so many callers, each with
 * one request at a time) or an open one ({@code --rate}: arrivals that do not wait for the server,
 * latency from the moment at which a request was meant to be sent).
 *
 * <pre>
 * ./openlora bench load --url http://127.0.0.1:8080 --concurrency 32 --requests 256 --popularity zipf:1.1
 * ./openlora bench load --model demo/tiny --rate 20 --requests 400 --slo-ttft-ms 300 --slo-itl-ms 50
 * </pre>
 */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Load on one server: tokens per second, latencies, goodput, fairness, CPU.",
      "Drives one that runs (--url), or starts ours (--model). Status 1 when an answer was wrong."
    })
public final class LoadCommand implements Callable<Integer> {
  private static final int REQUESTS_MAX = 1_000_000;
  private static final int OPEN_MAX = 16_384;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--url", paramLabel = "URL", description = "a server that runs")
  private @Nullable String url;

  @Mixin private OwnServer own = new OwnServer();

  @Option(
      names = "--target",
      paramLabel = "KIND",
      defaultValue = "openai",
      description = "openai, or llama for llama.cpp's own interface (default: openai)")
  private String target = "";

  @Option(names = "--api-key", paramLabel = "KEY", description = "sent as a bearer token")
  private @Nullable String apiKey;

  @Option(
      names = "--base",
      paramLabel = "NAME",
      description = "the base model's name (default: the first of /v1/models without a parent)")
  private @Nullable String base;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      defaultValue = "8",
      description = "closed loop: requests at a time (default: 8)")
  private int concurrency;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "open loop: requests a second, Poisson arrivals")
  private @Nullable Double rate;

  @Option(
      names = "--open-max",
      paramLabel = "N",
      defaultValue = "1024",
      description = "open loop: requests that may be open at a time (default: 1024)")
  private int openMax;

  @Option(names = "--requests", paramLabel = "N", defaultValue = "64", description = "default: 64")
  private int requests;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "8",
      description = "requests before, in a closed loop, not counted (default: 8)")
  private int warmUp;

  @Option(
      names = "--popularity",
      paramLabel = "LAW",
      defaultValue = "base",
      description = Popularity.FORMS + " (default: base)")
  private String popularity = "";

  @Option(
      names = "--adapters-used",
      paramLabel = "K",
      description = "how many of the served adapters (default: all)")
  private @Nullable Integer adaptersUsed;

  @Option(
      names = "--prompts",
      paramLabel = "KIND",
      defaultValue = "ids",
      description = "ids: token ids, the same count on every server; words (default: ids)")
  private String prompts = "";

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N",
      defaultValue = "32",
      description = "or words (default: 32)")
  private int promptTokens;

  @Option(
      names = "--new-tokens",
      paramLabel = "N",
      defaultValue = "32",
      description = "default: 32")
  private int newTokens;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "of prompts, adapters and arrivals (default: 1)")
  private long seed;

  @Option(
      names = "--timeout-s",
      paramLabel = "S",
      defaultValue = "600",
      description = "longest silence of a request, seconds (default: 600)")
  private int timeoutSeconds;

  @Option(
      names = "--slo-ttft-ms",
      paramLabel = "MS",
      description = "goodput: first text within this")
  private @Nullable Double sloFirstTextMillis;

  @Option(
      names = "--slo-itl-ms",
      paramLabel = "MS",
      description = "goodput: mean time between a request's tokens within this")
  private @Nullable Double sloTokenMillis;

  @Option(
      names = "--server-pid",
      paramLabel = "PID",
      description = "whose CPU time is read, with all processes below it")
  private @Nullable Long serverPid;

  @Mixin private OutputFiles files = new OutputFiles();

  /** What the options say, checked. */
  private record Plan(
      Dialect dialect,
      Popularity popularity,
      Workload.Prompts prompts,
      Arrivals arrivals,
      LoadReport.Objective objective,
      @Nullable ProcessTree server) {}

  /** For the root of {@code ./openlora bench}. */
  public LoadCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    Plan plan;
    Endpoint.@Nullable Address address;
    try {
      plan = plan();
      address = url == null ? null : address(plan, url);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    try (StartedServer started = own.start()) {
      if (started == null) {
        return measure(
            plan, Endpoint.ask(java.util.Objects.requireNonNull(address)), plan.server());
      }
      Endpoint ours = Endpoint.ask(address(plan, started.uri().toString()));
      return measure(plan, ours, started.tree());
    } catch (IOException e) {
      spec.commandLine().getErr().println("openlora bench: " + e.getMessage());
      return 1;
    }
  }

  private Plan plan() {
    own.check(url, "--url");
    files.check();
    if (url == null && (serverPid != null || !target.equals("openai"))) {
      throw new IllegalArgumentException(
          "--server-pid, --target: given with --model (expected: only with --url)");
    }
    within("--concurrency", concurrency, 1, OPEN_MAX);
    within("--open-max", openMax, 1, OPEN_MAX);
    within("--requests", requests, 1, REQUESTS_MAX);
    within("--warm-up", warmUp, 0, REQUESTS_MAX);
    within("--prompt-tokens", promptTokens, 1, 1_000_000);
    within("--new-tokens", newTokens, 1, 1_000_000);
    within("--timeout-s", timeoutSeconds, 1, 86_400);
    if (adaptersUsed != null) {
      within("--adapters-used", adaptersUsed, 1, 1_000_000);
    }
    if (rate != null) {
      above("--rate", rate);
    }
    if (sloFirstTextMillis != null) {
      above("--slo-ttft-ms", sloFirstTextMillis);
    }
    if (sloTokenMillis != null) {
      above("--slo-itl-ms", sloTokenMillis);
    }
    Workload.Prompts kind =
        switch (prompts) {
          case "ids" -> Workload.Prompts.IDS;
          case "words" -> Workload.Prompts.WORDS;
          default ->
              throw new IllegalArgumentException(
                  "--prompts: '" + prompts + "' (expected: ids or words)");
        };
    return new Plan(
        Dialect.of("--target", target),
        Popularity.parse("--popularity", popularity),
        kind,
        rate == null
            ? new Arrivals.Closed(concurrency)
            : new Arrivals.Open(rate, openMax, seed + 1),
        new LoadReport.Objective(sloFirstTextMillis, sloTokenMillis),
        serverPid == null ? null : ProcessTree.of("--server-pid", serverPid));
  }

  static void within(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          option + ": " + value + " (expected: " + least + " to " + most + ")");
    }
  }

  private static void above(String option, double value) {
    if (!(value > 0 && value < 1e9)) {
      throw new IllegalArgumentException(option + ": " + value + " (expected: above 0)");
    }
  }

  private Endpoint.Address address(Plan plan, String text) {
    return new Endpoint.Address(Endpoint.Address.uri("--url", text), plan.dialect(), apiKey, base);
  }

  private int measure(Plan plan, Endpoint endpoint, @Nullable ProcessTree server)
      throws IOException, InterruptedException {
    int adapters = adapters(plan, endpoint);
    PrintWriter out = spec.commandLine().getOut();
    MachineLine machine = MachineLine.now();
    out.println(machine);
    out.println(setting(plan, endpoint, adapters));
    out.flush();
    StreamedCompletion completion =
        new StreamedCompletion(endpoint, Ticker.SYSTEM, Duration.ofSeconds(timeoutSeconds));
    LoadReport before = warmUp(plan, completion, adapters);
    if (warmUp > 0 && before.right() == 0) {
      throw new IOException(
          "no right answer to "
              + warmUp
              + " requests before the measurement: "
              + before.faultText());
    }
    List<Ask> asks = workload(plan, requests, adapters, seed).asks();
    Tally tally = new Tally(requests, Ticker.SYSTEM);
    Measurement measured;
    try (ProgressLine _ =
        new ProgressLine(spec.commandLine().getErr(), Progress.isTerminal(), tally::line)) {
      measured =
          Measurement.take(completion, asks, plan.arrivals(), tally, plan.objective(), server);
    }
    new LoadTable(measured, before, plan.objective(), plan.popularity()).print(out);
    files.write(
        json(plan, endpoint, adapters, machine, measured, before), svg(endpoint, plan, measured));
    return measured.report().allRight() && before.allRight() ? 0 : 1;
  }

  private LoadReport warmUp(Plan plan, StreamedCompletion completion, int adapters)
      throws InterruptedException {
    List<Ask> asks = warmUp == 0 ? List.of() : workload(plan, warmUp, adapters, ~seed).asks();
    LoadRun run =
        LoadRun.of(
            completion,
            asks,
            new Arrivals.Closed(Math.max(1, Math.min(concurrency, warmUp))),
            new Tally(warmUp, Ticker.SYSTEM));
    return LoadReport.of(run, plan.objective());
  }

  private Workload workload(Plan plan, int count, int adapters, long itsSeed) {
    return new Workload(
        count,
        new Workload.Lengths(promptTokens, newTokens),
        plan.prompts(),
        plan.popularity(),
        adapters,
        itsSeed);
  }

  /** How many adapters requests go to. */
  private int adapters(Plan plan, Endpoint endpoint) throws IOException {
    if (!plan.popularity().needsAdapters()) {
      return 0;
    }
    int served = endpoint.adapters().size();
    int wanted = adaptersUsed == null ? Math.max(1, served) : adaptersUsed;
    if (served < wanted) {
      throw new IOException(
          "adapters: "
              + served
              + " served (expected: at least "
              + wanted
              + " for --popularity "
              + plan.popularity()
              + ")");
    }
    return wanted;
  }

  private String setting(Plan plan, Endpoint endpoint, int adapters) {
    String arrivals =
        switch (plan.arrivals()) {
          case Arrivals.Closed closed -> "closed loop of " + closed.callers();
          case Arrivals.Open open -> "open loop, " + open.perSecond() + " requests/s";
        };
    return String.format(
        Locale.ROOT,
        "%s (%s), base %s, %d of %d adapters, %s%n"
            + "%s, %d requests (%d before, not counted), %d prompt %s + %d new tokens, greedy, seed %d",
        endpoint.uri(),
        endpoint.dialect(),
        endpoint.base(),
        adapters,
        endpoint.adapters().size(),
        plan.popularity(),
        arrivals,
        requests,
        warmUp,
        promptTokens,
        plan.prompts() == Workload.Prompts.IDS ? "tokens" : "words",
        newTokens,
        seed);
  }

  private ObjectNode json(
      Plan plan,
      Endpoint endpoint,
      int adapters,
      MachineLine machine,
      Measurement measured,
      LoadReport before) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("format", "openlora-bench-load-1");
    machine.writeTo(json.putObject("machine"));
    json.putObject("server")
        .put("url", endpoint.uri().toString())
        .put("target", endpoint.dialect().toString())
        .put("base", endpoint.base())
        .put("adapters_served", endpoint.adapters().size());
    ObjectNode settings = json.putObject("settings");
    switch (plan.arrivals()) {
      case Arrivals.Closed closed -> settings.put("concurrency", closed.callers());
      case Arrivals.Open open ->
          settings.put("rate_per_second", open.perSecond()).put("open_max", open.openMax());
    }
    settings
        .put("popularity", plan.popularity().toString())
        .put("adapters_used", adapters)
        .put("prompts", prompts)
        .put("prompt_tokens", promptTokens)
        .put("new_tokens", newTokens)
        .put("seed", seed);
    if (sloFirstTextMillis != null) {
      settings.put("slo_ttft_ms", sloFirstTextMillis);
    }
    if (sloTokenMillis != null) {
      settings.put("slo_itl_ms", sloTokenMillis);
    }
    ObjectNode warm = json.putObject("warm_up");
    warm.put("requests", before.requests()).put("right", before.right());
    before.writeFaultsTo(warm);
    json.set("result", measured.json(endpoint));
    return json;
  }

  private static String svg(Endpoint endpoint, Plan plan, Measurement measured) {
    Map<String, Histogram> curves = new LinkedHashMap<>();
    curves.put("first text", measured.report().firstText());
    curves.put("between texts", measured.report().gap());
    curves.put("whole request", measured.report().end());
    String subtitle =
        String.format(
            Locale.ROOT,
            "%s, %s, %d requests, %.1f output tokens/s",
            endpoint.base(),
            plan.popularity(),
            measured.report().requests(),
            measured.report().outputTokensPerSecond());
    return new LatencyCurves("Latency under load", subtitle, curves).svg();
  }
}
