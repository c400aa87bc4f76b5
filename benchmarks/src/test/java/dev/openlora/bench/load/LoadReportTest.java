package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LoadReportTest {
  private static final LoadReport.Objective ANY = new LoadReport.Objective(null, null);

  @Test
  void countsWrongAnswersByKindAndLeavesThemOutOfEverythingElse() {
    LoadReport report =
        LoadReport.of(
            new LoadRun(
                List.of(
                    wrong("HTTP 503", "busy"),
                    right(0, 100, 400),
                    wrong("timeout", "nothing"),
                    wrong("HTTP 503", "busy still")),
                2_000_000_000),
            ANY);
    assertThat(report.requests()).isEqualTo(4);
    assertThat(report.right()).isEqualTo(1);
    assertThat(report.allRight()).isFalse();
    assertThat(report.outputTokens()).isEqualTo(4);
    assertThat(report.outputTokensPerSecond()).isEqualTo(2);
    assertThat(report.end().getTotalCount()).isEqualTo(1);
    assertThat(report.faults())
        .containsExactly(
            new LoadReport.Faults("HTTP 503", 2, "busy"),
            new LoadReport.Faults("timeout", 1, "nothing"));
    assertThat(report.faultText()).isEqualTo("2 × HTTP 503 (busy); 1 × timeout (nothing)");
  }

  @Test
  void staysFiniteWithoutAnyAnswer() {
    LoadReport report = LoadReport.of(new LoadRun(List.of(), 0), ANY);
    assertThat(report.outputTokensPerSecond()).isZero();
    assertThat(report.goodput()).isZero();
    assertThat(LoadReport.millis(report.firstText(), 99)).isZero();
  }

  @Test
  void findsPercentilesAsASortedListHasThem() {
    Random random = new Random(Seeds.next("findsPercentilesAsASortedListHasThem"));
    List<Outcome> outcomes = new ArrayList<>();
    long[] firsts = new long[1000];
    List<Long> gaps = new ArrayList<>();
    for (int i = 0; i < firsts.length; i++) {
      firsts[i] = (long) Math.exp(random.nextDouble() * 20);
      long[] its = random.longs(3, 1, 1_000_000_000).toArray();
      for (long gap : its) {
        gaps.add(gap);
      }
      outcomes.add(
          new Outcome(0, 3 * firsts[i], firsts[i], 2 * firsts[i], its, 5, 4, "text", null));
    }
    LoadReport report = LoadReport.of(new LoadRun(outcomes, 1_000_000), ANY);
    Arrays.sort(firsts);
    check(report.firstText(), firsts);
    check(report.end(), Arrays.stream(firsts).map(x -> 3 * x).toArray());
    check(report.gap(), gaps.stream().mapToLong(Long::longValue).sorted().toArray());
  }

  /** By nearest rank; the histogram keeps three digits. */
  private static void check(Histogram histogram, long[] sorted) {
    assertThat(histogram.getTotalCount()).isEqualTo(sorted.length);
    for (int percent : new int[] {1, 50, 90, 99, 100}) {
      double expected = sorted[(sorted.length * percent + 99) / 100 - 1] / 1e6;
      assertThat(LoadReport.millis(histogram, percent))
          .as("p%d", percent)
          .isCloseTo(expected, within(expected * 1e-3 + 1e-6));
    }
  }

  @Test
  void countsAsGoodWhatKeepsBothObjectives() {
    // First text after 100 ms; 4 tokens until 400 ms: 100 ms a token.
    Outcome outcome = right(0, 100, 400);
    assertThat(met(100.0, 100.0, outcome)).isTrue();
    assertThat(met(99.9, 100.0, outcome)).isFalse();
    assertThat(met(100.0, 99.9, outcome)).isFalse();
    assertThat(met(null, 100.0, outcome)).isTrue();
    assertThat(met(100.0, null, outcome)).isTrue();
    assertThat(met(null, null, wrong("timeout", "x"))).isFalse();
    Outcome silent =
        new Outcome(0, 9, Outcome.NO_TEXT, Outcome.NO_TEXT, new long[0], 3, 4, "", null);
    assertThat(met(1e6, null, silent)).isFalse();
    LoadReport report =
        LoadReport.of(
            new LoadRun(List.of(outcome, right(0, 200, 300), silent), 4_000_000_000L),
            new LoadReport.Objective(150.0, null));
    assertThat(report.good()).isEqualTo(1);
    assertThat(report.goodput()).isEqualTo(0.25);
    assertThat(report.silent()).isEqualTo(1);
    assertThat(report.firstText().getTotalCount()).isEqualTo(2);
  }

  @Test
  void isFairOverRequestsAndOverAdapters() {
    // 4 tokens in 400 ms, 400 ms and 800 ms: 10, 10 and 5 tokens a second.
    LoadReport report =
        LoadReport.of(
            new LoadRun(List.of(right(0, 1, 400), right(0, 1, 400), right(7, 1, 800)), 1), ANY);
    assertThat(report.jainRequests()).isCloseTo(25.0 * 25 / (3 * 225), within(1e-12));
    assertThat(report.adapterTokens()).containsEntry(0, 8L).containsEntry(7, 4L).hasSize(2);
    assertThat(report.jainAdapters()).isCloseTo(12.0 * 12 / (2 * 80), within(1e-12));
  }

  private static boolean met(
      @Nullable Double firstTextMillis, @Nullable Double tokenMillis, Outcome outcome) {
    return new LoadReport.Objective(firstTextMillis, tokenMillis).met(outcome);
  }

  /** Of four tokens. */
  private static Outcome right(int adapter, long firstMillis, long lastMillis) {
    return new Outcome(
        adapter,
        lastMillis * 1_000_000,
        firstMillis * 1_000_000,
        lastMillis * 1_000_000,
        new long[] {(lastMillis - firstMillis) * 1_000_000},
        3,
        4,
        "text",
        null);
  }

  private static Outcome wrong(String kind, String message) {
    return new Outcome(0, 5, Outcome.NO_TEXT, 0, new long[0], 3, 4, "", new Fault(kind, message));
  }
}
