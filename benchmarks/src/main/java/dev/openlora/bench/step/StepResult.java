package dev.openlora.bench.step;

import dev.openlora.bench.Spread;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import tools.jackson.databind.node.ObjectNode;

/**
 * One kind of step, measured: whole steps without timers, the split from steps with them, medians.
 *
 * @param floorMillis of its matrix work
 * @param weightBytes of the base that a step reads
 */
record StepResult(
    StepShape shape,
    RankList ranks,
    Spread millis,
    double timedMillis,
    Map<Part, Double> partMillis,
    Map<Part, Long> calls,
    long decoderBytes,
    long samplingBytes,
    double floorMillis,
    double weightBytes) {

  static StepResult of(
      StepShape shape,
      RankList ranks,
      List<StepSample> plain,
      List<SplitSample> timed,
      StepFloor floor,
      Roofline roofline) {
    Map<Part, Double> parts = new EnumMap<>(Part.class);
    Map<Part, Long> calls = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      parts.put(part, median(timed, sample -> sample.nanos(part) / 1e6));
      calls.put(part, timed.getFirst().calls(part));
    }
    return new StepResult(
        shape,
        ranks,
        Spread.of(plain.stream().map(StepSample::millis).toList()),
        median(timed, sample -> sample.totalNanos() / 1e6),
        parts,
        calls,
        medianLong(plain, StepSample::decoderBytes),
        medianLong(plain, StepSample::samplingBytes),
        floor.seconds(roofline) * 1e3,
        floor.layers().bytes() + floor.head().bytes());
  }

  private static <T> double median(List<T> samples, ToDoubleFunction<T> value) {
    return Spread.of(samples.stream().map(value::applyAsDouble).toList()).median();
  }

  private static <T> long medianLong(List<T> samples, ToLongFunction<T> value) {
    return Math.round(median(samples, sample -> (double) value.applyAsLong(sample)));
  }

  double tokensPerSecond() {
    return shape.rows() / millis.median() * 1e3;
  }

  /** The base's weights read once per step, over what memory gives. */
  double shareOfStream(double streamBytes) {
    return weightBytes / (millis.median() / 1e3) / streamBytes;
  }

  void print(BenchReport report, double streamBytes, double clockNanos) {
    report.line("");
    report.line(String.format(Locale.ROOT, "%s, adapter ranks %s:", shape, ranks));
    report.line(
        String.format(
            Locale.ROOT,
            "  %s ms, %.1f tokens/s; floor %.2f ms, measured/floor %.2f",
            Ratio.shown(millis, 2),
            tokensPerSecond(),
            floorMillis,
            millis.median() / floorMillis));
    for (Part part : Part.values()) {
      double value = partMillis.getOrDefault(part, 0.0);
      report.line(
          String.format(
              Locale.ROOT,
              "    %-20s %9.3f ms  %5.1f %%%s",
              part.label(),
              value,
              100 * value / timedMillis,
              calls(part) == 0 ? "" : String.format(Locale.ROOT, "  %5d calls", calls(part))));
    }
    long allCalls = calls.values().stream().mapToLong(Long::longValue).sum();
    report.line(
        String.format(
            Locale.ROOT,
            "  timed steps take %.3f of plain ones (%d calls, about %.3f ms of clock readings)",
            timedMillis / millis.median(),
            allCalls,
            2 * allCalls * clockNanos / 1e6));
    report.line(
        String.format(
            Locale.ROOT,
            "  Java allocates %.1f KiB a step in the decoder, %.1f KiB reading logits and sampling",
            decoderBytes / 1024.0,
            samplingBytes / 1024.0));
    if (shape.isDecode() && shape.sequences() == 1) {
      report.line(
          String.format(
              Locale.ROOT,
              "decode at batch 1: %.1f %% of stream bandwidth",
              100 * shareOfStream(streamBytes)));
    }
  }

  private long calls(Part part) {
    return calls.getOrDefault(part, 0L);
  }

  void write(ObjectNode json) {
    json.put("step", shape.toString())
        .put("sequences", shape.sequences())
        .put("rows", shape.rows())
        .put("context", shape.context())
        .put("adapter_ranks", ranks.toString());
    Ratio.put(json, "step_ms", millis);
    json.put("tokens_per_s", tokensPerSecond())
        .put("floor_ms", floorMillis)
        .put("measured_over_floor", millis.median() / floorMillis)
        .put("timed_over_plain", timedMillis / millis.median())
        .put("allocated_bytes_decoder", decoderBytes)
        .put("allocated_bytes_sampling", samplingBytes);
    ObjectNode parts = json.putObject("parts");
    for (Part part : Part.values()) {
      parts
          .putObject(part.label())
          .put("ms", partMillis.getOrDefault(part, 0.0))
          .put("calls", calls(part));
    }
  }
}
