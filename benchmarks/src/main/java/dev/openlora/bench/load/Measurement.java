package dev.openlora.bench.load;

import dev.openlora.bench.process.ProcessTree;
import java.util.List;
import java.util.OptionalDouble;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** One run of requests against one server: what it says, and the CPU time it took. Immutable. */
record Measurement(LoadReport report, CpuUse cpu) {
  private static final double[] PERCENTILES = {50, 90, 99};

  static Measurement take(
      StreamedCompletion completion,
      List<Ask> asks,
      Arrivals arrivals,
      Tally tally,
      LoadReport.Objective objective,
      @Nullable ProcessTree server)
      throws InterruptedException {
    CpuUse.Mark mark = CpuUse.Mark.now(server);
    LoadRun run = LoadRun.of(completion, asks, arrivals, tally);
    CpuUse cpu = mark.since();
    return new Measurement(LoadReport.of(run, objective), cpu);
  }

  /** Cores that the server kept busy; empty when its process is not known. */
  OptionalDouble serverCores() {
    return cpu.serverSeconds().isPresent()
        ? OptionalDouble.of(cpu.serverSeconds().getAsDouble() / report.seconds())
        : OptionalDouble.empty();
  }

  /** Empty also when the run was shorter than the hundredths of a second that CPU time comes in. */
  OptionalDouble tokensPerCpuSecond(double tokensPerSecond) {
    double cores = serverCores().orElse(0);
    return cores > 0 ? OptionalDouble.of(tokensPerSecond / cores) : OptionalDouble.empty();
  }

  double clientCores() {
    return cpu.clientSeconds() / report.seconds();
  }

  /** Everything, with units at the end of names. */
  ObjectNode json(Endpoint endpoint) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("requests", report.requests())
        .put("right", report.right())
        .put("silent", report.silent())
        .put("wall_seconds", report.seconds())
        .put("requests_per_second", report.requestsPerSecond())
        .put("prompt_tokens", report.promptTokens())
        .put("prompt_tokens_per_second", report.promptTokensPerSecond())
        .put("output_tokens", report.outputTokens())
        .put("output_tokens_per_second", report.outputTokensPerSecond())
        .put("good_requests", report.good())
        .put("goodput_requests_per_second", report.goodput())
        .put("jain_request_tokens_per_second", report.jainRequests())
        .put("jain_adapter_tokens", report.jainAdapters());
    json.set("ttft_ms", millis(report.firstText()));
    json.set("itl_ms", millis(report.gap()));
    json.set("e2e_ms", millis(report.end()));
    ObjectNode tokens = json.putObject("output_tokens_by_model");
    report.adapterTokens().forEach((adapter, count) -> tokens.put(endpoint.name(adapter), count));
    report.writeFaultsTo(json);
    cpu.serverSeconds().ifPresent(seconds -> json.put("server_cpu_seconds", seconds));
    serverCores().ifPresent(cores -> json.put("server_cores", cores));
    json.put("client_cpu_seconds", cpu.clientSeconds()).put("client_cores", clientCores());
    return json;
  }

  private static ObjectNode millis(Histogram nanos) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("count", nanos.getTotalCount());
    if (nanos.getTotalCount() > 0) {
      for (double percentile : PERCENTILES) {
        json.put("p" + (int) percentile, LoadReport.millis(nanos, percentile));
      }
      json.put("max", nanos.getMaxValue() / 1e6).put("mean", nanos.getMean() / 1e6);
    }
    return json;
  }
}
