package dev.openlora.bench.load;

import static dev.openlora.bench.load.ScriptedServer.rightAnswer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.bench.Spread;
import dev.openlora.bench.process.Sleepers;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComparisonTest {
  private static final Workload.Lengths LENGTHS = new Workload.Lengths(4, 3);

  @ParameterizedTest
  @ValueSource(strings = {"", "base", "base-0", "base-x", "base-8-adapter", "adapters-123456"})
  void refusesAScenarioOfAnotherName(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Scenario.parse("--scenarios", name, LENGTHS))
        .withMessage("--scenarios: '" + name + "' (expected: " + Scenario.FORMS + ")");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "vllm",
        "=http://a",
        "a b=http://a",
        "v=ftp://a",
        "v=http://a,kind=llama",
        "v=http://a,target=gguf",
        "v=http://a,"
      })
  void refusesAPeerOfAnotherForm(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Peer.parse("--peer", text))
        .withMessageStartingWith("--peer: '")
        .withMessageContaining(" (expected: ");
  }

  @Test
  void readsAPeer() {
    Peer peer = Peer.parse("--peer", "llama=http://h:81,target=llama,model=m,key=k");
    assertThat(peer.name()).isEqualTo("llama");
    assertThat(peer.address())
        .isEqualTo(
            new Endpoint.Address(java.net.URI.create("http://h:81"), Dialect.LLAMA, "k", "m"));
  }

  @Test
  void stopsAtAWrongAnswerAndNamesWhoGaveIt() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    try (ScriptedServer good = new ScriptedServer((r, out) -> out.write(rightAnswer(r, "w")));
        ScriptedServer bad =
            new ScriptedServer((r, out) ->
                out.write(
                    asked.incrementAndGet() < 3
                        ? rightAnswer(r, "w")
                        : ScriptedServer.json(500, "{\"error\":{\"message\":\"gone\"}}")))) {
      Comparison comparison =
          comparison(
              List.of(contender("ours", good), contender("theirs", bad)),
              List.of(scenario("base-1")),
              3);
      assertThatExceptionOfType(Comparison.WrongAnswerException.class)
          .isThrownBy(comparison::run)
          .withMessage("round 2 of 3, base-1, theirs: 1 × HTTP 500 (gone)");
      assertThat(comparison.results(scenario("base-1"), "ours")).hasSize(2);
      assertThat(comparison.results(scenario("base-1"), "theirs")).hasSize(1);
      assertThat(comparison.ratio(scenario("base-1"), "ours", "theirs")).isPresent();
    }
  }

  @Test
  void refusesAdaptersThatChangeNothing() throws Exception {
    try (ScriptedServer server = new ScriptedServer((r, out) -> out.write(rightAnswer(r, "w")))) {
      Comparison comparison =
          comparison(List.of(contender("ours", server, "a", "b")), List.of(scenario("base-1")), 1);
      assertThatExceptionOfType(Comparison.WrongAnswerException.class)
          .isThrownBy(comparison::checkAnswers)
          .withMessageStartingWith("ours: adapters answer as the base does");
    }
  }

  @Test
  void tellsHowManyAnswersAreTheFirstServers() throws Exception {
    try (ScriptedServer ours =
            new ScriptedServer((r, out) -> out.write(rightAnswer(r, r.model())));
        ScriptedServer theirs =
            new ScriptedServer((r, out) ->
                out.write(rightAnswer(r, r.model().equals("b") ? "other" : r.model())))) {
      Comparison comparison =
          comparison(
              List.of(contender("ours", ours, "a", "b"), contender("theirs", theirs, "a", "b")),
              List.of(scenario("base-1")),
              1);
      assertThat(comparison.checkAnswers())
          .containsEntry("ours", "3 of 3")
          .containsEntry("theirs", "2 of 3");
    }
  }

  @Test
  void takesTurnsWithTheSamePromptsAndNewOnesEachRound() throws Exception {
    List<String> order = java.util.Collections.synchronizedList(new ArrayList<>());
    List<String> prompts = java.util.Collections.synchronizedList(new ArrayList<>());
    ScriptedServer.Script script =
        (r, out) -> {
          prompts.add(r.body().path("prompt").toString());
          out.write(rightAnswer(r, "w"));
        };
    try (ScriptedServer a = new ScriptedServer(script);
        ScriptedServer b = new ScriptedServer(script)) {
      Comparison comparison =
          new Comparison(
              List.of(contender("a", a), contender("b", b)),
              List.of(scenario("base-1")),
              new Comparison.Plan(2, 2, false, 1, Duration.ofSeconds(60)),
              line -> order.add(line.replaceAll(":.*", "")));
      comparison.run();
    }
    assertThat(order)
        .containsExactly(
            "warm-up, base-1, b",
            "warm-up, base-1, a",
            "warm-up, base-1, a",
            "warm-up, base-1, b",
            "round 1 of 2, base-1, b",
            "round 1 of 2, base-1, a",
            "round 2 of 2, base-1, a",
            "round 2 of 2, base-1, b");
    assertThat(prompts).hasSize(8);
    for (int i = 0; i < 8; i += 2) {
      assertThat(prompts.get(i)).isEqualTo(prompts.get(i + 1));
    }
    assertThat(prompts.stream().distinct()).hasSize(4);
  }

  @Test
  void letsAServerSitOutWhatItDoesNotServe() throws Exception {
    try (ScriptedServer server = new ScriptedServer((r, out) -> out.write(rightAnswer(r, "w")))) {
      Scenario three = scenario("adapters-3");
      Comparison comparison =
          comparison(
              List.of(contender("ours", server, "a", "b", "c"), contender("plain", server)),
              List.of(three),
              1);
      comparison.run();
      assertThat(comparison.results(three, "ours")).hasSize(1);
      assertThat(comparison.results(three, "plain")).isEmpty();
      assertThat(comparison.ratio(three, "ours", "plain")).isEmpty();
      assertThat(server.received()).hasSize(6);
      assertThat(server.received().subList(0, 3))
          .extracting(ScriptedServer.Received::model)
          .containsExactlyInAnyOrder("a", "b", "c");
    }
    Endpoint small =
        new Endpoint(
            java.net.URI.create("http://a"), Dialect.OPENAI, null, "base", List.of("a"), 512);
    assertThat(scenario("prefill-512").obstacle(small)).isEqualTo("a context of 512 tokens");
    assertThat(scenario("prefill-511-adapter").obstacle(small)).isNull();
  }

  @Test
  void takesRatiosWithinARoundAndThenTheirMedian() {
    Comparison comparison =
        comparison(List.of(named("ours"), named("theirs")), List.of(scenario("base-1")), 3);
    Scenario scenario = scenario("base-1");
    double[][] seconds = {{1, 2}, {1, 4}, {8, 8}};
    for (double[] round : seconds) {
      comparison.results(scenario, "ours").add(measured(round[0]));
      comparison.results(scenario, "theirs").add(measured(round[1]));
    }
    Spread ratio = comparison.ratio(scenario, "ours", "theirs").orElseThrow();
    assertThat(ratio.median()).isCloseTo(2, within(1e-9));
    assertThat(ratio.min()).isCloseTo(1, within(1e-9));
    assertThat(ratio.max()).isCloseTo(4, within(1e-9));
    assertThat(comparison.tokensPerSecond(scenario, "theirs").orElseThrow().median())
        .isCloseTo(25, within(1e-9));
  }

  @Test
  void hasNoTokensPerCpuSecondWhereNoneWasCounted() {
    LoadReport report = measured(2).report();
    assertThat(new Measurement(report, new CpuUse(OptionalDouble.of(4), 0)).tokensPerCpuSecond(50))
        .hasValue(25);
    assertThat(new Measurement(report, new CpuUse(OptionalDouble.of(0), 0)).tokensPerCpuSecond(50))
        .isEmpty();
    assertThat(measured(2).tokensPerCpuSecond(50)).isEmpty();
  }

  @Test
  void stopsTheOthersWhileOneIsMeasuredAndLetsThemGoOnAfterAnError() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(
        java.nio.file.Files.exists(java.nio.file.Path.of("/proc/self/stat")), "no /proc");
    AtomicInteger asked = new AtomicInteger();
    List<String> states = java.util.Collections.synchronizedList(new ArrayList<>());
    try (Sleepers first = Sleepers.start();
        Sleepers second = Sleepers.start();
        ScriptedServer server =
            new ScriptedServer((r, out) -> {
              boolean stopped = first.state() == 'T' && first.childState() == 'T';
              boolean other = second.state() == 'T' && second.childState() == 'T';
              states.add(stopped + " " + other);
              out.write(
                  asked.incrementAndGet() < 4
                      ? rightAnswer(r, "w")
                      : ScriptedServer.json(500, "{}"));
            })) {
      Comparison comparison =
          new Comparison(
              List.of(
                  new Contender("a", server.endpoint(Dialect.OPENAI), first.tree()),
                  new Contender("b", server.endpoint(Dialect.OPENAI), second.tree())),
              List.of(scenario("base-1")),
              new Comparison.Plan(1, 2, true, 1, Duration.ofSeconds(60)),
              line -> {});
      assertThatExceptionOfType(Comparison.WrongAnswerException.class).isThrownBy(comparison::run);
      assertThat(states).containsExactly("false true", "true false", "true false", "false true");
      assertThat(List.of(first.state(), first.childState(), second.state(), second.childState()))
          .doesNotContain('T');
    }
  }

  private static Comparison comparison(
      List<Contender> contenders, List<Scenario> scenarios, int rounds) {
    return new Comparison(
        contenders,
        scenarios,
        new Comparison.Plan(1, rounds, false, 1, Duration.ofSeconds(60)),
        line -> {});
  }

  private static Scenario scenario(String name) {
    return Scenario.parse("--scenarios", name, LENGTHS);
  }

  private static Contender contender(String name, ScriptedServer server, String... adapters)
      throws IOException {
    return new Contender(name, server.endpoint(Dialect.OPENAI, adapters), null);
  }

  private static Contender named(String name) {
    Endpoint nowhere =
        new Endpoint(
            java.net.URI.create("http://127.0.0.1:1"), Dialect.OPENAI, null, "b", List.of(), 0);
    return new Contender(name, nowhere, null);
  }

  /** A hundred tokens in so many seconds. */
  private static Measurement measured(double seconds) {
    Outcome outcome = new Outcome(-1, 9, 1, 9, new long[] {8}, 4, 100, "text", null);
    LoadRun run = new LoadRun(List.of(outcome), Math.round(seconds * 1e9));
    return new Measurement(
        LoadReport.of(run, new LoadReport.Objective(null, null)),
        new CpuUse(OptionalDouble.empty(), 0));
  }
}
