package dev.openlora.bench.micro;

import java.io.PrintWriter;
import java.util.Collection;
import java.util.Locale;
import java.util.StringJoiner;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.format.OutputFormat;

/**
 * One line per benchmark, written as soon as it is done; failures as JMH tells them. One thread.
 */
final class ResultTable implements OutputFormat {
  private static final String ROW = "%-34s %-44s %12s %12s %12s%n";
  private static final String ALLOCATED = "gc.alloc.rate.norm";

  private final PrintWriter out;
  private final PrintWriter err;

  ResultTable(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public void startRun() {
    out.printf(Locale.ROOT, ROW, "", "", "us/op", "error", "bytes/op");
    out.flush();
  }

  @Override
  public void endBenchmark(BenchmarkResult result) {
    if (result != null) { // null: it failed
      out.print(row(result));
      out.flush();
    }
  }

  static String row(BenchmarkResult result) {
    BenchmarkParams params = result.getParams();
    Result<?> time = result.getPrimaryResult();
    Result<?> allocated = result.getSecondaryResults().get(ALLOCATED);
    return String.format(
        Locale.ROOT,
        ROW,
        shortName(params.getBenchmark()),
        parameters(params),
        number(time.getScore()),
        Double.isNaN(time.getScoreError()) ? "" : number(time.getScoreError()),
        allocated == null ? "" : String.format(Locale.ROOT, "%.0f", allocated.getScore()));
  }

  /** {@code dev.openlora.engine.SchedulerBenchmark.step} is {@code Scheduler.step}. */
  static String shortName(String full) {
    int type = full.lastIndexOf('.', full.lastIndexOf('.') - 1);
    return full.substring(type + 1).replace("Benchmark.", ".");
  }

  private static String parameters(BenchmarkParams params) {
    StringJoiner joined = new StringJoiner(", ");
    for (String key : params.getParamsKeys()) {
      String value = params.getParam(key);
      joined.add(key + " " + value.substring(value.lastIndexOf('/') + 1));
    }
    return joined.toString();
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.3f" : "%.1f", value);
  }

  @Override
  public void println(String line) {
    if (!line.isBlank() && !line.startsWith("# Fork")) {
      err.println(line);
      err.flush();
    }
  }

  @Override
  public void print(String text) {
    err.print(text);
  }

  @Override
  public void write(int b) {
    err.write(b);
  }

  @Override
  public void write(byte[] bytes) {
    for (byte b : bytes) {
      err.write(b);
    }
  }

  @Override
  public void flush() {
    err.flush();
  }

  @Override
  public void startBenchmark(BenchmarkParams params) {}

  @Override
  public void iteration(BenchmarkParams params, IterationParams iteration, int number) {}

  @Override
  public void iterationResult(
      BenchmarkParams params, IterationParams iteration, int number, IterationResult data) {}

  @Override
  public void endRun(Collection<RunResult> results) {}

  @Override
  public void verbosePrintln(String line) {}

  @Override
  public void close() {}
}
