package dev.openlora.bench.load;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run says in figures. Latencies and tokens are of right answers; wrong ones are counted by
 * kind. Immutable.
 *
 * @param requests right and wrong
 * @param silent right answers of more than one token without any text, which have no first one
 * @param promptTokens of right answers, as the server counts
 * @param firstText nanoseconds until the first text (TTFT)
 * @param gap nanoseconds between texts (ITL)
 * @param end nanoseconds of whole requests
 * @param good right answers that met the objective
 * @param jainRequests fairness over requests' tokens a second
 * @param jainAdapters fairness over adapters' tokens; what was asked for shapes it too
 * @param adapterTokens output tokens by {@link Ask#adapter}
 * @param faults by kind, the most frequent first
 */
record LoadReport(
    int requests,
    int right,
    int silent,
    double seconds,
    long promptTokens,
    long outputTokens,
    Histogram firstText,
    Histogram gap,
    Histogram end,
    int good,
    double jainRequests,
    double jainAdapters,
    Map<Integer, Long> adapterTokens,
    List<Faults> faults) {
  private static final int DIGITS = 3;

  /**
   * Faults of one kind.
   *
   * @param first what the first of them said
   */
  record Faults(String kind, int count, String first) {}

  /**
   * What a request has to keep for it to count as good.
   *
   * @param firstTextMillis at most until the first text; null: any
   * @param tokenMillis at most the request's mean time between tokens; null: any
   */
  record Objective(@Nullable Double firstTextMillis, @Nullable Double tokenMillis) {
    boolean isAny() {
      return firstTextMillis == null && tokenMillis == null;
    }

    boolean met(Outcome outcome) {
      return outcome.right()
          && (firstTextMillis == null
              || (outcome.first() != Outcome.NO_TEXT && outcome.first() / 1e6 <= firstTextMillis))
          && (tokenMillis == null || outcome.nanosPerOutputToken() / 1e6 <= tokenMillis);
    }

    @Override
    public String toString() {
      String first = firstTextMillis == null ? "" : "first text " + firstTextMillis + " ms";
      String token = tokenMillis == null ? "" : tokenMillis + " ms a token";
      return first + (first.isEmpty() || token.isEmpty() ? "" : ", ") + token;
    }
  }

  static LoadReport of(LoadRun run, Objective objective) {
    List<Outcome> right = run.outcomes().stream().filter(Outcome::right).toList();
    Histogram firstText = new Histogram(DIGITS);
    Histogram gap = new Histogram(DIGITS);
    Histogram end = new Histogram(DIGITS);
    Map<Integer, Long> adapterTokens = new TreeMap<>();
    Map<String, Faults> faults = new TreeMap<>();
    int silent = 0;
    for (Outcome outcome : right) {
      end.recordValue(outcome.end());
      adapterTokens.merge(outcome.adapter(), (long) outcome.outputTokens(), Long::sum);
      if (outcome.first() == Outcome.NO_TEXT) {
        silent++;
        continue;
      }
      firstText.recordValue(outcome.first());
      for (long nanos : outcome.gaps()) {
        gap.recordValue(nanos);
      }
    }
    for (Outcome outcome : run.outcomes()) {
      Fault fault = outcome.fault();
      if (fault != null) {
        faults.merge(
            fault.kind(),
            new Faults(fault.kind(), 1, fault.message()),
            (all, one) -> new Faults(all.kind(), all.count() + 1, all.first()));
      }
    }
    return new LoadReport(
        run.outcomes().size(),
        right.size(),
        silent,
        Math.max(1, run.nanos()) / 1e9,
        right.stream().mapToLong(Outcome::promptTokens).sum(),
        right.stream().mapToLong(Outcome::outputTokens).sum(),
        firstText,
        gap,
        end,
        (int) right.stream().filter(objective::met).count(),
        Fairness.jain(doubles(right, Outcome::tokensPerSecond)),
        Fairness.jain(adapterTokens.values().stream().mapToDouble(Long::doubleValue).toArray()),
        adapterTokens,
        faults.values().stream()
            .sorted(Comparator.comparingInt(Faults::count).reversed().thenComparing(Faults::kind))
            .toList());
  }

  private static double[] doubles(List<Outcome> outcomes, ToDoubleFunction<Outcome> value) {
    return outcomes.stream().mapToDouble(value).toArray();
  }

  boolean allRight() {
    return right == requests;
  }

  double outputTokensPerSecond() {
    return outputTokens / seconds;
  }

  double promptTokensPerSecond() {
    return promptTokens / seconds;
  }

  double requestsPerSecond() {
    return right / seconds;
  }

  double goodput() {
    return good / seconds;
  }

  /** What was wrong, in one sentence; empty when nothing was. */
  String faultText() {
    return faults.stream()
        .map(each -> each.count() + " × " + each.kind() + " (" + each.first() + ")")
        .collect(Collectors.joining("; "));
  }

  void writeFaultsTo(ObjectNode json) {
    ArrayNode errors = json.putArray("errors");
    for (Faults each : faults) {
      errors
          .addObject()
          .put("kind", each.kind())
          .put("count", each.count())
          .put("first", each.first());
    }
  }

  /** Milliseconds that this share of the values does not exceed; 0 when there are none. */
  static double millis(Histogram nanos, double percentile) {
    return nanos.getValueAtPercentile(percentile) / 1e6;
  }
}
