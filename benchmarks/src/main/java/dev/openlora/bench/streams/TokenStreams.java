package dev.openlora.bench.streams;

import dev.openlora.bench.Spread;
import dev.openlora.bench.process.ProcessUsage;
import dev.openlora.server.assembly.Machine;
import dev.openlora.server.cli.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * What does the way from a sampled token to the client's socket cost? Thousands of streams on a
 * server whose model computes nothing: every tick each stream gets a token. Each answer is checked,
 * then the server's CPU is divided by the events. The bar is 20 µs at 2,048 streams.
 *
 * <pre>
 * ./openlora bench streams --streams 2048 --tokens 64
 * </pre>
 *
 * <p>The server is a process of its own with this one's JVM options, the client one thread of this
 * process. All streams wait until the last has been asked for, so that every tick hits all of them.
 * A few streams come first, then a warm-up run, in the middle of which memory is read; then the
 * runs.
 */
@Command(
    name = "streams",
    mixinStandardHelpOptions = true,
    description = {
      "Server CPU per token event, gaps and memory of N streamed answers at once, on a model that",
      "computes nothing. Ends with 1 when a stream fails or says anything wrong."
    })
public final class TokenStreams implements Callable<Integer> {
  private static final int BAR_STREAMS = 2048;
  private static final double BAR_MICROS = 20;
  private static final int FIRST_STREAMS = 32;
  private static final int FILES_BESIDE = 256; // jars, pipes and what else is open
  private static final int ASK_SECONDS = 30;
  private static final double NANOS = 1e9;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(names = "--streams", defaultValue = "2048", description = "at once; default: 2048")
  private int streams;

  @Option(names = "--tokens", defaultValue = "64", description = "of each answer; default: 64")
  private int tokens;

  @Option(
      names = "--rate",
      defaultValue = "10",
      description = "tokens per second of each stream; default: 10")
  private double rate;

  @Option(names = "--runs", defaultValue = "3", description = "after the warm-up; default: 3")
  private int runs;

  @Option(
      names = "--server-option",
      paramLabel = "OPTION",
      description = "a further JVM option of the server, e.g. -XX:StartFlightRecording:…")
  private List<String> serverOptions = new ArrayList<>();

  @Option(names = "--json", paramLabel = "FILE", description = "also write the result there")
  private @Nullable Path json;

  /**
   * What holding the streams takes, per stream: in the middle of the warm-up against before its
   * first connection.
   *
   * @param heapBytes live after a collection
   * @param residentBytes with all that the heap and the allocator took on the way
   */
  record Memory(double heapBytes, double residentBytes) {}

  /** All that is known in the end. */
  record Result(
      String cpu,
      int cores,
      int streams,
      int tokens,
      double tokensPerSecondEach,
      int connectionFailures,
      int answerFailures,
      int unfinished,
      List<String> failures,
      Memory memory,
      List<RunReport> runs,
      double loadAverage) {}

  // What has failed so far.
  private final List<String> failures = new ArrayList<>();
  private int connectionFailures;
  private int answerFailures;
  private int unfinished;

  /** What a run does beside running: only the warm-up measures memory. */
  private interface Halfway {
    void reached() throws IOException;
  }

  @Override
  public Integer call() throws IOException {
    check();
    PrintWriter out = spec.commandLine().getOut();
    Machine machine = Machine.read();
    out.printf(
        Locale.ROOT,
        "%s, %d cores%n%d streams of %d tokens, %.4g tokens/s each, %.0f in all%n",
        machine.cpu(),
        machine.cores(),
        streams,
        tokens,
        rate,
        streams * rate);
    out.flush();
    List<RunReport> reports = new ArrayList<>();
    Memory memory;
    try (StreamProcess server = StreamProcess.start(streams, tokens, serverOptions)) {
      run(server, "first streams", Math.min(FIRST_STREAMS, streams), Math.min(4, tokens), () -> {});
      memory = warmUp(server);
      for (int run = 1; run <= runs && failures.isEmpty(); run++) {
        RunReport report = run(server, "run " + run, streams, tokens, () -> {});
        reports.add(report);
        out.print("run " + run + "\n" + report);
        out.flush();
      }
    }
    Result result =
        new Result(
            machine.cpu(),
            machine.cores(),
            streams,
            tokens,
            rate,
            connectionFailures,
            answerFailures,
            unfinished,
            failures,
            memory,
            reports,
            ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    print(out, result);
    if (json != null) {
      Files.write(
          json,
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsBytes(result));
    }
    return failures.isEmpty() ? 0 : 1;
  }

  private void check() throws IOException {
    if (streams < 1 || tokens < 1 || runs < 1 || !(rate > 0) || rate > 1e6) {
      throw new ParameterException(
          spec.commandLine(),
          "--streams, --tokens, --runs, --rate: "
              + String.format(Locale.ROOT, "%d, %d, %d, %s", streams, tokens, runs, rate)
              + " (expected: at least 1 each, a rate above 0)");
    }
    long filesMax = OpenFiles.max();
    if (streams + FILES_BESIDE > filesMax) {
      throw new ParameterException(
          spec.commandLine(),
          "--streams: "
              + streams
              + " (expected: at most "
              + Math.max(0, filesMax - FILES_BESIDE)
              + ", as a process may have "
              + filesMax
              + " open files here; more with: ulimit -n "
              + (streams + FILES_BESIDE)
              + ")");
    }
  }

  private Memory warmUp(StreamProcess server) throws IOException {
    long heapBefore = server.heapBytes();
    long residentBefore = server.usage().residentBytes();
    long[] during = new long[2];
    run(
        server,
        "warm-up",
        streams,
        tokens,
        () -> {
          during[0] = server.heapBytes();
          during[1] = server.usage().residentBytes();
        });
    return new Memory(
        (during[0] - heapBefore) / (double) streams,
        (during[1] - residentBefore) / (double) streams);
  }

  /** Asks for all answers, lets them grow together, and reads them. */
  private RunReport run(StreamProcess server, String title, int count, int length, Halfway halfway)
      throws IOException {
    long period = Math.round(NANOS / rate);
    long total = (long) count * length;
    try (StreamClient client = new StreamClient(server.port(), length);
        Progress progress = Progress.of(title, total)) {
      server.hold();
      RunReport.Moment open = moment(server);
      client.ask(count, System.nanoTime() + ASK_SECONDS * (long) NANOS);
      int waiting = server.awaitGenerations(count - client.failed(), ASK_SECONDS);
      RunReport.Moment go = moment(server);
      client.expect(new StreamClient.Schedule(server.go(period), period));
      // Twice its time and then some: what is later than that will not come.
      long deadline = System.nanoTime() + 2 * length * period + ASK_SECONDS * (long) NANOS;
      BooleanSupplier half = () -> client.tokensSeen() >= total / 2;
      client.read(half, deadline, progress::advance);
      halfway.reached();
      client.read(() -> false, deadline, progress::advance);
      RunReport.Moment end = moment(server);
      if (waiting != count) {
        failures.add(title + ": " + waiting + " generations began (expected: " + count + ")");
      }
      count(title, client);
      return RunReport.of(client, count, period, open, go, end);
    }
  }

  private static RunReport.Moment moment(StreamProcess server) throws IOException {
    return new RunReport.Moment(
        server.usage(), ProcessUsage.of(ProcessHandle.current().pid()), System.nanoTime());
  }

  private void count(String title, StreamClient client) {
    connectionFailures += client.connectionFailures();
    answerFailures += client.answerFailures();
    unfinished += client.unfinished();
    client.failures().forEach(failure -> failures.add(title + ": " + failure));
    if (client.unfinished() > 0) {
      failures.add(title + ": " + client.unfinished() + " answers did not end in time");
    }
  }

  private static void print(PrintWriter out, Result result) {
    out.printf(
        Locale.ROOT,
        "memory per stream: %.1f KiB of live heap, %.1f KiB resident%n",
        result.memory().heapBytes() / 1024,
        result.memory().residentBytes() / 1024);
    if (!result.runs().isEmpty()) {
      Spread cpu = Spread.of(result.runs().stream().map(RunReport::cpuMicros).toList());
      out.printf(
          Locale.ROOT,
          "server CPU per event, median [min–max]: %s us (bar at %d streams: %.0f us%s)%n",
          cpu,
          BAR_STREAMS,
          BAR_MICROS,
          result.streams() < BAR_STREAMS ? "" : cpu.median() <= BAR_MICROS ? ", met" : ", missed");
    }
    out.printf(
        Locale.ROOT,
        "failures: %d connections, %d answers, %d unfinished; load average after: %.2f%n",
        result.connectionFailures(),
        result.answerFailures(),
        result.unfinished(),
        result.loadAverage());
    result.failures().forEach(failure -> out.println("  " + failure));
    out.flush();
  }
}
