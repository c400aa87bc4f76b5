package dev.openlora.bench.streams;

import dev.openlora.bench.process.ProcessUsage;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;

/**
 * What one run came to. Times are wall clock at the client, CPU is that of the whole process.
 *
 * @param events with text that came, of all streams
 * @param tokensPerEvent more than 1 when a slow server or client made tokens come together
 * @param cpuMicros of the server, per event, from the first tick to the last end
 * @param workMicros the same by what threads do; their sum may differ by the clock's steps
 * @param askCpuMicros of the server, per request, from connecting to waiting for tokens
 * @param delay from a token's tick to its coming
 * @param tickDeviation how far a gap is from the period
 */
record RunReport(
    long events,
    double tokensPerEvent,
    double bytesPerEvent,
    double cpuMicros,
    double userMicros,
    double systemMicros,
    Map<Work, Double> workMicros,
    double clientCpuMicros,
    double askCpuMicros,
    double askSeconds,
    double tokenSeconds,
    Times gap,
    Times delay,
    Times tickDeviation) {

  /** Of a histogram in nanoseconds, in milliseconds. */
  record Times(double p50Millis, double p99Millis, double maxMillis) {
    private static final double NANOS = 1e6;

    static Times of(Histogram histogram) {
      return new Times(
          histogram.getValueAtPercentile(50) / NANOS,
          histogram.getValueAtPercentile(99) / NANOS,
          histogram.getMaxValue() / NANOS);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "p50 %.1f, p99 %.1f, most %.1f ms", p50Millis, p99Millis, maxMillis);
    }
  }

  /** CPU and time of both processes at one moment. */
  record Moment(ProcessUsage server, ProcessUsage client, long nanos) {}

  RunReport {
    workMicros = Map.copyOf(workMicros);
  }

  static RunReport of(
      StreamClient client, int streams, long periodNanos, Moment open, Moment go, Moment end) {
    double events = Math.max(1, client.eventsSeen());
    Map<Work, Double> work = new EnumMap<>(Work.class);
    for (Work kind : Work.values()) {
      long millis = kind.millis(end.server()) - kind.millis(go.server());
      work.put(kind, 1000 * millis / events);
    }
    return new RunReport(
        client.eventsSeen(),
        client.tokensSeen() / events,
        client.bytesSeen() / events,
        1000 * (end.server().cpuMillis() - go.server().cpuMillis()) / events,
        1000 * (end.server().userMillis() - go.server().userMillis()) / events,
        1000 * (end.server().systemMillis() - go.server().systemMillis()) / events,
        work,
        1000 * (end.client().cpuMillis() - go.client().cpuMillis()) / events,
        1000.0 * (go.server().cpuMillis() - open.server().cpuMillis()) / streams,
        (go.nanos() - open.nanos()) / 1e9,
        (end.nanos() - go.nanos()) / 1e9,
        Times.of(client.gaps()),
        Times.of(client.delays()),
        Times.of(deviations(client.gaps(), periodNanos)));
  }

  static Histogram deviations(Histogram gaps, long periodNanos) {
    Histogram deviations = new Histogram(gaps.getHighestTrackableValue(), 3);
    gaps.recordedValues()
        .forEach(value ->
            deviations.recordValueWithCount(
                Math.min(
                    Math.abs(value.getValueIteratedTo() - periodNanos),
                    gaps.getHighestTrackableValue()),
                value.getCountAtValueIteratedTo()));
    return deviations;
  }

  @Override
  public String toString() {
    String byWork =
        new EnumMap<>(workMicros)
            .entrySet().stream()
                .map(e -> String.format(Locale.ROOT, "%s %.1f", e.getKey().label(), e.getValue()))
                .collect(Collectors.joining(", "));
    return String.format(
        Locale.ROOT,
        """
          server CPU per event   %.1f us: user %.1f, system %.1f
            by thread            %s
          client CPU per event   %.1f us
          gap between tokens     %s
          deviation from period  %s
          behind the tick        %s
          events                 %d of %.2f tokens and %.0f bytes, in %.1f s
          requests               %.0f us of server CPU each, all waiting after %.1f s
        """,
        cpuMicros,
        userMicros,
        systemMicros,
        byWork,
        clientCpuMicros,
        gap,
        tickDeviation,
        delay,
        events,
        tokensPerEvent,
        bytesPerEvent,
        tokenSeconds,
        askCpuMicros,
        askSeconds);
  }
}
