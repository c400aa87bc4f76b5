package dev.openlora.bench.load;

import dev.openlora.bench.Spread;
import dev.openlora.bench.process.ProcessTree;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Servers under the same scenarios in turns: round by round, scenario by scenario, every server
 * once, each time beginning with another one, so that what else the machine does hits all of them.
 * A wrong answer ends it; what was measured until then stays. One thread.
 */
final class Comparison {
  /** One answer is compared over this many tokens, on the base and this many adapters. */
  private static final int CHECKED_ADAPTERS = 4;

  private static final Workload.Lengths CHECKED = new Workload.Lengths(16, 16);

  /**
   * How it goes.
   *
   * @param warmUps rounds that come before the counted ones
   * @param rounds counted ones
   * @param freeze whether the others stand still while one is measured
   */
  record Plan(int warmUps, int rounds, boolean freeze, long seed, Duration patience) {}

  /** A server answered wrongly; nothing more is measured. */
  static final class WrongAnswerException extends Exception {
    private static final long serialVersionUID = 1L;

    WrongAnswerException(String message) {
      super(message);
    }
  }

  private final List<Contender> contenders;
  private final List<Scenario> scenarios;
  private final Plan plan;
  private final Consumer<String> progress;
  private final AtomicReference<String> now = new AtomicReference<>("");
  private final AtomicReference<@Nullable Tally> tally = new AtomicReference<>();

  /** By scenario and server, in the order of rounds; a wrong run is not there. */
  private final Map<String, Map<String, List<Measurement>>> results = new LinkedHashMap<>();

  /**
   * @param progress hears a line after each run
   */
  Comparison(
      List<Contender> contenders, List<Scenario> scenarios, Plan plan, Consumer<String> progress) {
    this.contenders = List.copyOf(contenders);
    this.scenarios = List.copyOf(scenarios);
    this.plan = plan;
    this.progress = progress;
    for (Scenario scenario : scenarios) {
      Map<String, List<Measurement>> byServer = new LinkedHashMap<>();
      for (Contender contender : contenders) {
        if (scenario.obstacle(contender.endpoint()) == null) {
          byServer.put(contender.name(), new ArrayList<>());
        }
      }
      results.put(scenario.name(), byServer);
    }
  }

  /**
   * Asks each server for the same few answers, alone. Two servers may part at a near tie of two
   * tokens, so that others' answers are told, not judged; an adapter that changes nothing is.
   *
   * @return how many of a server's answers are the first server's, e.g. {@code 4 of 5}; by server
   */
  Map<String, String> checkAnswers()
      throws IOException, InterruptedException, WrongAnswerException {
    Map<String, String> agreement = new LinkedHashMap<>();
    List<String> firstTexts = List.of();
    for (Contender contender : contenders) {
      now.set(contender.name() + ", a few answers first");
      List<String> texts = new ArrayList<>();
      try (Frozen _ = frozenBut(contender)) {
        for (int i = Ask.BASE;
            i < Math.min(CHECKED_ADAPTERS, contender.endpoint().adapters().size());
            i++) {
          texts.add(answer(contender, i));
        }
      }
      if (texts.size() > 1 && texts.stream().distinct().count() == 1) {
        throw new WrongAnswerException(
            contender.name()
                + ": adapters answer as the base does (expected: other answers from at least one)");
      }
      if (firstTexts.isEmpty()) {
        firstTexts = texts;
      }
      int shared = Math.min(texts.size(), firstTexts.size());
      int same = 0;
      for (int i = 0; i < shared; i++) {
        same += texts.get(i).strip().equals(firstTexts.get(i).strip()) ? 1 : 0;
      }
      agreement.put(contender.name(), same + " of " + shared);
    }
    return agreement;
  }

  private String answer(Contender contender, int adapter) throws WrongAnswerException {
    Ask ask =
        new Workload(
                1,
                CHECKED,
                Workload.Prompts.IDS,
                new Popularity(Popularity.Kind.BASE, 0),
                0,
                plan.seed())
            .asks()
            .getFirst();
    Ask adapted = new Ask(adapter, ask.prompt(), ask.promptTokens(), ask.newTokens());
    Outcome outcome = completion(contender).send(adapted, Ticker.SYSTEM.nanos());
    Fault fault = outcome.fault();
    if (fault != null) {
      throw new WrongAnswerException(
          contender.name() + ", " + contender.endpoint().name(adapter) + ": " + fault);
    }
    return outcome.text();
  }

  private StreamedCompletion completion(Contender contender) {
    return new StreamedCompletion(contender.endpoint(), Ticker.SYSTEM, plan.patience());
  }

  /** All rounds; those up to 0 are not counted. */
  void run() throws IOException, InterruptedException, WrongAnswerException {
    for (int round = 1 - plan.warmUps(); round <= plan.rounds(); round++) {
      for (int s = 0; s < scenarios.size(); s++) {
        for (int i = 0; i < contenders.size(); i++) {
          Contender contender = contenders.get(Math.floorMod(i + round + s, contenders.size()));
          Scenario scenario = scenarios.get(s);
          if (scenario.obstacle(contender.endpoint()) == null) {
            measure(scenario, contender, round);
          }
        }
      }
    }
  }

  private void measure(Scenario scenario, Contender contender, int round)
      throws IOException, InterruptedException, WrongAnswerException {
    String where =
        String.format(
            "%s, %s, %s",
            round <= 0 ? "warm-up" : "round " + round + " of " + plan.rounds(),
            scenario.name(),
            contender.name());
    List<Ask> asks = scenario.asks(plan.seed(), round);
    Tally itsTally = new Tally(asks.size(), Ticker.SYSTEM);
    now.set(where);
    tally.set(itsTally);
    Measurement measured;
    try (Frozen _ = frozenBut(contender)) {
      measured =
          Measurement.take(
              completion(contender),
              asks,
              new Arrivals.Closed(scenario.callers()),
              itsTally,
              new LoadReport.Objective(null, null),
              contender.process());
    } finally {
      tally.set(null);
    }
    if (!measured.report().allRight()) {
      throw new WrongAnswerException(where + ": " + measured.report().faultText());
    }
    progress.accept(
        String.format(
            Locale.ROOT,
            "%s: %.1f %s",
            where,
            scenario.tokensPerSecond(measured.report()),
            scenario.unit()));
    if (round > 0) {
      results(scenario, contender.name()).add(measured);
    }
  }

  /** What runs now, for somebody who watches. Any thread. */
  String line() {
    Tally running = tally.get();
    return now.get() + (running == null ? "" : ": " + running.line());
  }

  /** Those that stand still. */
  private record Frozen(List<ProcessTree.Stopped> all) implements AutoCloseable {
    @Override
    public void close() {
      all.forEach(ProcessTree.Stopped::close);
    }
  }

  private Frozen frozenBut(Contender measured) throws IOException {
    Frozen frozen = new Frozen(new ArrayList<>());
    if (!plan.freeze()) {
      return frozen;
    }
    try {
      for (Contender other : contenders) {
        if (!other.equals(measured)) {
          frozen.all().add(Objects.requireNonNull(other.process()).stop());
        }
      }
      return frozen;
    } catch (IOException | RuntimeException e) {
      frozen.close();
      throw e;
    }
  }

  List<Contender> contenders() {
    return contenders;
  }

  List<Scenario> scenarios() {
    return scenarios;
  }

  /** Counted runs of a server that takes part; none yet, or no part in it: empty. */
  List<Measurement> results(Scenario scenario, String server) {
    return Objects.requireNonNull(results.get(scenario.name()))
        .getOrDefault(server, new ArrayList<>());
  }

  Optional<Spread> spread(Scenario scenario, String server, ToDoubleFunction<Measurement> value) {
    List<Double> values = results(scenario, server).stream().mapToDouble(value).boxed().toList();
    return values.isEmpty() ? Optional.empty() : Optional.of(Spread.of(values));
  }

  Optional<Spread> tokensPerSecond(Scenario scenario, String server) {
    return spread(scenario, server, each -> scenario.tokensPerSecond(each.report()));
  }

  /** Cores of the server's processes; empty when they are not known. */
  Optional<Spread> serverCores(Scenario scenario, String server) {
    return known(scenario, server, Measurement::serverCores);
  }

  /** Tokens for each second of the server's CPU time; empty when none was counted. */
  Optional<Spread> tokensPerCpuSecond(Scenario scenario, String server) {
    return known(
        scenario, server, each -> each.tokensPerCpuSecond(scenario.tokensPerSecond(each.report())));
  }

  private Optional<Spread> known(
      Scenario scenario, String server, Function<Measurement, OptionalDouble> value) {
    List<Double> values =
        results(scenario, server).stream()
            .map(value)
            .filter(OptionalDouble::isPresent)
            .map(OptionalDouble::getAsDouble)
            .toList();
    return values.isEmpty() ? Optional.empty() : Optional.of(Spread.of(values));
  }

  /** Tokens a second of one over the other's, round by round. */
  Optional<Spread> ratio(Scenario scenario, String above, String below) {
    return ratio(scenario, above, scenario, below);
  }

  /** The same on one server, of one scenario over another. */
  Optional<Spread> ratio(String server, Scenario above, Scenario below) {
    return ratio(above, server, below, server);
  }

  private Optional<Spread> ratio(Scenario a, String serverA, Scenario b, String serverB) {
    List<Measurement> above = results(a, serverA);
    List<Measurement> below = results(b, serverB);
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < Math.min(above.size(), below.size()); i++) {
      ratios.add(
          a.tokensPerSecond(above.get(i).report()) / b.tokensPerSecond(below.get(i).report()));
    }
    return ratios.isEmpty() ? Optional.empty() : Optional.of(Spread.of(ratios));
  }
}
