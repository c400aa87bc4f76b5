package dev.openlora.bench.load;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalDouble;
import org.HdrHistogram.Histogram;

/**
 * A measurement for a person to read.
 *
 * @param before the requests that were not counted
 */
record LoadTable(
    Measurement measured,
    LoadReport before,
    LoadReport.Objective objective,
    Popularity popularity) {
  void print(PrintWriter out) {
    LoadReport report = measured.report();
    out.printf(
        Locale.ROOT,
        "requests              %d right of %d in %.2f s, %.2f/s%n",
        report.right(),
        report.requests(),
        report.seconds(),
        report.requestsPerSecond());
    out.printf(
        Locale.ROOT,
        "output tokens/s       %.1f   (and %.1f prompt tokens/s)%n",
        report.outputTokensPerSecond(),
        report.promptTokensPerSecond());
    out.println("                            p50       p90       p99       max   ms");
    latencies(out, "first text (TTFT)", report.firstText());
    latencies(out, "between texts (ITL)", report.gap());
    latencies(out, "whole request", report.end());
    if (!objective.isAny()) {
      out.printf(
          Locale.ROOT,
          "goodput               %.2f requests/s: %d of %d within %s%n",
          report.goodput(),
          report.good(),
          report.requests(),
          objective);
    }
    out.printf(
        Locale.ROOT, "fairness (Jain)       %.3f over requests' tokens/s", report.jainRequests());
    if (popularity.needsAdapters()) {
      out.printf(Locale.ROOT, ", %.3f over adapters' tokens", report.jainAdapters());
    }
    out.println();
    measured
        .serverCores()
        .ifPresent(cores ->
            out.printf(
                Locale.ROOT,
                "server                %.2f cores, %s output tokens per CPU second%n",
                cores,
                perCpuSecond(report)));
    out.printf(Locale.ROOT, "client                %.3f cores%n", measured.clientCores());
    out.printf(Locale.ROOT, "load average after    %.2f%n", MachineLine.loadAverage());
    if (report.silent() > 0) {
      out.printf("answers without text  %d; they have no first text%n", report.silent());
    }
    faults(out, "wrong before", before);
    faults(out, "wrong", report);
    out.flush();
  }

  private String perCpuSecond(LoadReport report) {
    OptionalDouble tokens = measured.tokensPerCpuSecond(report.outputTokensPerSecond());
    return tokens.isPresent() ? String.format(Locale.ROOT, "%.1f", tokens.getAsDouble()) : "–";
  }

  private static void latencies(PrintWriter out, String name, Histogram nanos) {
    if (nanos.getTotalCount() == 0) {
      out.printf("%-22s     none%n", name);
      return;
    }
    out.printf(
        Locale.ROOT,
        "%-22s%9.1f %9.1f %9.1f %9.1f%n",
        name,
        LoadReport.millis(nanos, 50),
        LoadReport.millis(nanos, 90),
        LoadReport.millis(nanos, 99),
        nanos.getMaxValue() / 1e6);
  }

  private static void faults(PrintWriter out, String name, LoadReport report) {
    for (LoadReport.Faults faults : report.faults()) {
      out.printf("%-22s%d × %s, first: %s%n", name, faults.count(), faults.kind(), faults.first());
    }
  }
}
