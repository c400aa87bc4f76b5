package dev.openlora.bench.load;

import static dev.openlora.bench.load.ScriptedServer.rightAnswer;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CommandsTest {
  @TempDir private Path folder = Path.of("");

  private record Ran(int status, String out, String err) {}

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --concurrency 0               | --concurrency: 0 (expected: 1 to 16384)
          --requests -1                 | --requests: -1 (expected: 1 to 1000000)
          --warm-up -1                  | --warm-up: -1 (expected: 0 to 1000000)
          --new-tokens 0                | --new-tokens: 0 (expected: 1 to 1000000)
          --prompt-tokens 0             | --prompt-tokens: 0 (expected: 1 to 1000000)
          --timeout-s 0                 | --timeout-s: 0 (expected: 1 to 86400)
          --open-max 0                  | --open-max: 0 (expected: 1 to 16384)
          --rate 0                      | --rate: 0.0 (expected: above 0)
          --rate NaN                    | --rate: NaN (expected: above 0)
          --slo-ttft-ms -5              | --slo-ttft-ms: -5.0 (expected: above 0)
          --adapters-used 0             | --adapters-used: 0 (expected: 1 to 1000000)
          --target vllm                 | --target: 'vllm' (expected: openai or llama)
          --prompts chat                | --prompts: 'chat' (expected: ids or words)
          --popularity zipf             | --popularity: 'zipf' (expected: base,
          --server-pid 999999999        | --server-pid: 999999999 (expected: a running process)
          --json /nowhere/there/x       | --json: '/nowhere/there/x' (expected: a file in a folder
          --model m                     | --url, --model: both (expected: one of them)
          """)
  void refusesBadFlagsOfLoad(String flags, String message) {
    Ran ran = load(("--url http://127.0.0.1:1 " + flags).split(" ", -1));
    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err()).contains(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --runs 0                                    | --runs: 0 (expected: 1 to 1000)
          --warm-ups -1                               | --warm-ups: -1 (expected: 0 to 1000)
          --scenarios base-8,all                      | --scenarios: 'all' (expected: base-N,
          --peer vllm                                 | --peer: 'vllm' (expected: NAME=URL
          --peer ours=http://a                        | --peer: 'ours' twice (expected: names
          --peer a=http://a --peer a=http://b         | --peer: 'a' twice (expected: names
          --pid vllm=1                                | --pid: 'vllm' (expected: one of ours)
          --peer a=http://a --freeze-others --pid a=1 | --freeze-others: no --pid for ours
          """)
  void refusesBadFlagsOfPeers(String flags, String message) {
    Ran ran = peers(("--ours http://127.0.0.1:1 " + flags).split(" ", -1));
    assertThat(ran.status()).isEqualTo(2);
    assertThat(ran.err()).contains(message);
  }

  @Test
  void refusesToBeToldWhatItKnowsOfTheServerThatItStarts() {
    for (String flags : new String[] {"--server-pid 1", "--target llama"}) {
      Ran ran = load(("--model m " + flags).split(" ", -1));
      assertThat(ran.status()).isEqualTo(2);
      assertThat(ran.err())
          .contains("--server-pid, --target: given with --model (expected: only with --url)");
    }
  }

  @Test
  void failsInASentenceWhereNoServerIs() {
    Ran ran = load("--url", "http://127.0.0.1:1");
    assertThat(ran.status()).isEqualTo(1);
    assertThat(ran.err())
        .startsWith("openlora bench: http://127.0.0.1:1/v1/models: no answer: ")
        .hasLineCount(1);
  }

  @Test
  void failsWhereTooFewAdaptersAreServed() throws IOException {
    try (ScriptedServer server = served("a")) {
      Ran ran =
          load("--url", server.uri().toString(), "--popularity", "uniform", "--adapters-used", "2");
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.err())
          .contains("adapters: 1 served (expected: at least 2 for --popularity uniform)");
      ran = peers("--ours", server.uri().toString(), "--scenarios", "adapters-8");
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.err()).contains("no server can take adapters-8; ours has 1 adapters");
    }
  }

  @Test
  void stopsBeforeTheMeasurementWhenNothingIsAnswered() throws IOException {
    try (ScriptedServer server =
        new ScriptedServer((request, out) ->
            out.write(
                request.path().equals("/v1/models")
                    ? ScriptedServer.models("tiny")
                    : ScriptedServer.json(404, "{\"error\":{\"message\":\"who?\"}}")))) {
      Ran ran = load("--url", server.uri().toString(), "--warm-up", "3");
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.err())
          .contains("no right answer to 3 requests before the measurement: 3 × HTTP 404 (who?)");
      assertThat(server.received()).hasSize(4);
    }
  }

  @Test
  void reportsWrongAnswersWithStatusOneAndStillWritesTheFigures() throws IOException {
    java.util.concurrent.atomic.AtomicInteger asked =
        new java.util.concurrent.atomic.AtomicInteger();
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> {
          if (request.path().equals("/v1/models")) {
            out.write(ScriptedServer.models("tiny"));
          } else if (asked.incrementAndGet() % 4 == 0) {
            out.write(ScriptedServer.json(503, "{\"error\":{\"message\":\"full\"}}"));
          } else {
            out.write(rightAnswer(request, "w"));
          }
        })) {
      Path json = folder.resolve("load.json");
      Ran ran =
          load(
              "--url",
              server.uri().toString(),
              "--requests",
              "8",
              "--warm-up",
              "0",
              "--concurrency",
              "1",
              "--new-tokens",
              "3",
              "--json",
              json.toString());
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.out()).contains("6 right of 8 in ").contains("2 × HTTP 503, first: full");
      JsonNode result = read(json).path("result");
      assertThat(result.path("right").asInt()).isEqualTo(6);
      assertThat(result.path("output_tokens").asInt()).isEqualTo(18);
      assertThat(result.path("errors").path(0).path("kind").asString()).isEqualTo("HTTP 503");
      assertThat(result.path("errors").path(0).path("count").asInt()).isEqualTo(2);
    }
  }

  @Test
  void measuresALoadAndWritesItDown() throws IOException {
    try (ScriptedServer server = served("a", "b", "c")) {
      Path json = folder.resolve("load.json");
      Path plot = folder.resolve("load.svg");
      Ran ran =
          load(
              "--url",
              server.uri().toString(),
              "--requests",
              "12",
              "--warm-up",
              "2",
              "--popularity",
              "distinct",
              "--adapters-used",
              "2",
              "--rate",
              "100000",
              "--prompt-tokens",
              "5",
              "--new-tokens",
              "4",
              "--slo-ttft-ms",
              "60000",
              "--slo-itl-ms",
              "60000",
              "--server-pid",
              String.valueOf(ProcessHandle.current().pid()),
              "--json",
              json.toString(),
              "--plot",
              plot.toString());
      assertThat(ran.err()).isEmpty();
      assertThat(ran.status()).isZero();
      assertThat(ran.out())
          .contains("12 right of 12 in ")
          .contains("open loop, 100000.0 requests/s")
          .contains("first text (TTFT)")
          .contains("12 of 12 within first text 60000.0 ms, 60000.0 ms a token")
          .contains("output tokens per CPU second");
      JsonNode figures = read(json);
      assertThat(figures.path("format").asString()).isEqualTo("openlora-bench-load-1");
      assertThat(figures.path("warm_up").path("right").asInt()).isEqualTo(2);
      assertThat(figures.path("settings").path("popularity").asString()).isEqualTo("distinct");
      JsonNode result = figures.path("result");
      assertThat(result.path("output_tokens").asInt()).isEqualTo(48);
      assertThat(result.path("prompt_tokens").asInt()).isEqualTo(60);
      assertThat(result.path("ttft_ms").path("count").asInt()).isEqualTo(12);
      assertThat(result.path("itl_ms").path("count").asInt()).isEqualTo(36);
      assertThat(result.path("output_tokens_by_model").path("a").asInt()).isEqualTo(24);
      assertThat(result.path("jain_adapter_tokens").asDouble()).isEqualTo(1);
      assertThat(result.path("good_requests").asInt()).isEqualTo(12);
      assertThat(result.path("server_cpu_seconds").isNumber()).isTrue();
      assertThat(Files.readString(plot)).contains("<polyline").contains("between texts");
    }
  }

  @Test
  void comparesAndWritesItDown() throws IOException {
    try (ScriptedServer ours = served("a", "b");
        ScriptedServer llama =
            new ScriptedServer((request, out) ->
                out.write(
                    request.path().equals("/lora-adapters")
                        ? ScriptedServer.json(200, "[{\"id\":0},{\"id\":1}]")
                        : rightAnswer(request, "w" + request.model().hashCode())))) {
      Path json = folder.resolve("peers.json");
      Path plot = folder.resolve("peers.svg");
      Ran ran =
          peers(
              "--ours",
              ours.uri().toString(),
              "--peer",
              "llama=" + llama.uri() + ",target=llama",
              "--scenarios",
              "base-2,adapters-2,prefill-8-adapter",
              "--runs",
              "2",
              "--new-tokens",
              "3",
              "--json",
              json.toString(),
              "--plot",
              plot.toString());
      assertThat(ran.status()).as(ran.err()).isZero();
      assertThat(ran.out())
          .contains("adapters-2: 2 requests at once on 2 adapters, 32 + 3 tokens")
          .contains("ours / llama: ")
          .contains("ours: adapters-2 / base-2: ")
          .contains("load average ");
      assertThat(ran.err()).contains("round 2 of 2, prefill-8-adapter, llama: ");
      JsonNode figures = read(json);
      assertThat(figures.path("scenarios")).hasSize(3);
      JsonNode adapters = figures.path("scenarios").path(1);
      assertThat(adapters.path("servers").path("llama").path("runs")).hasSize(2);
      assertThat(adapters.path("ratios").path("ours / llama").path("median").isNumber()).isTrue();
      assertThat(figures.path("stopped").isMissingNode()).isTrue();
      assertThat(Files.readString(plot)).contains("prompt tokens/s").contains("adapters-2");
    }
  }

  @Test
  void keepsWhatWasMeasuredBeforeAWrongAnswer() throws IOException {
    try (ScriptedServer ours = served("a");
        ScriptedServer wrong =
            new ScriptedServer((request, out) ->
                out.write(
                    request.path().equals("/v1/models")
                        ? ScriptedServer.models("tiny")
                        : ScriptedServer.json(200, "{}")))) {
      Path json = folder.resolve("peers.json");
      Ran ran =
          peers(
              "--ours",
              ours.uri().toString(),
              "--peer",
              "bad=" + wrong.uri(),
              "--scenarios",
              "base-1",
              "--json",
              json.toString());
      assertThat(ran.status()).isEqualTo(1);
      assertThat(ran.err())
          .contains("stopped by a wrong answer: bad, tiny: truncated: the stream ended");
      assertThat(ran.out()).contains("not measured");
      assertThat(read(json).path("stopped").asString()).startsWith("bad, tiny: ");
    }
  }

  /** Models and right answers that differ from model to model. */
  private static ScriptedServer served(String... adapters) throws IOException {
    return new ScriptedServer((request, out) ->
        out.write(
            request.path().equals("/v1/models")
                ? ScriptedServer.models("tiny", adapters)
                : rightAnswer(request, request.model())));
  }

  private static JsonNode read(Path json) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(json));
  }

  private static Ran load(String... arguments) {
    return run(new LoadCommand(), arguments);
  }

  private static Ran peers(String... arguments) {
    return run(new PeersCommand(), arguments);
  }

  private static Ran run(Callable<Integer> command, String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        new CommandLine(command)
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .setParameterExceptionHandler((e, parsed) -> {
              e.getCommandLine().getErr().println(e.getMessage());
              return 2;
            })
            .execute(arguments);
    return new Ran(status, out.toString(), err.toString());
  }
}
