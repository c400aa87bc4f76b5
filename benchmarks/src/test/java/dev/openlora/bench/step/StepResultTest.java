package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.bench.step.MatrixShapes.Matrix;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class StepResultTest {
  private static final long MILLI = 1_000_000;

  private final StringWriter text = new StringWriter();

  /** 3,000 and 1,000 elements of two bytes: a floor of 4 ms at 2 MB/s. */
  private static StepResult decode() {
    MatrixShapes shapes = new MatrixShapes(List.of(new Matrix(30, 100)), new Matrix(10, 100), 2, 2);
    StepShape shape = StepShape.decode(1, 64);
    RankList ranks = RankList.of(0, 1);
    return StepResult.of(
        shape,
        ranks,
        List.of(sample(9, 100), sample(5, 300), sample(8, 200)),
        List.of(split(10, 6), split(6, 2), split(8, 5)),
        StepFloor.of(shapes, shape, ranks),
        new Roofline(2e6, 1e12));
  }

  private static StepSample sample(long millis, long bytes) {
    return new StepSample(millis * MILLI, MILLI, bytes, 4 * bytes, 7);
  }

  private static SplitSample split(long millis, long products) {
    Map<Part, Long> nanos = new EnumMap<>(Part.class);
    nanos.put(Part.PRODUCTS, products * MILLI);
    nanos.put(Part.JAVA, (millis - products) * MILLI);
    return new SplitSample(millis * MILLI, nanos, Map.of(Part.PRODUCTS, 7L));
  }

  @Test
  void medianStepsStandBesideTheFloor() {
    StepResult result = decode();
    assertThat(result.millis().median()).isEqualTo(8);
    assertThat(result.floorMillis()).isCloseTo(4, within(1e-9));
    assertThat(result.tokensPerSecond()).isEqualTo(125);
    // 8,000 bytes in 8 ms are 1 MB/s of 2.
    assertThat(result.shareOfStream(2e6)).isCloseTo(0.5, within(1e-9));
    assertThat(result.decoderBytes()).isEqualTo(200);
    assertThat(result.samplingBytes()).isEqualTo(800);
  }

  @Test
  void theTableSaysWhatWasMeasured() {
    BenchReport report = BenchReport.begin(new PrintWriter(text), "step");
    decode().print(report, 2e6, 25);
    assertThat(text.toString().lines().skip(2).toList())
        .containsExactly(
            "decode of 1 row at 64, adapter ranks none:",
            "  8.00 [5.00–9.00] ms, 125.0 tokens/s; floor 4.00 ms, measured/floor 2.00",
            "    matrix products          5.000 ms   62.5 %      7 calls",
            "    adapters                 0.000 ms    0.0 %",
            "    attention, rope, kv      0.000 ms    0.0 %",
            "    norms, activations       0.000 ms    0.0 %",
            "    logits head              0.000 ms    0.0 %",
            "    sampling                 0.000 ms    0.0 %",
            "    rest: Java               4.000 ms   50.0 %",
            "  timed steps take 1.000 of plain ones (7 calls, about 0.000 ms of clock readings)",
            "  Java allocates 0.2 KiB a step in the decoder, 0.8 KiB reading logits and sampling",
            "decode at batch 1: 50.0 % of stream bandwidth");
  }

  @Test
  void theSameFiguresAreWritten() {
    BenchReport report = BenchReport.begin(new PrintWriter(text), "step");
    ObjectNode json = report.json().putObject("step");
    decode().write(json);
    assertThat(json.path("step_ms").path("median").asDouble()).isEqualTo(8);
    assertThat(json.path("measured_over_floor").asDouble()).isCloseTo(2, within(1e-9));
    assertThat(json.path("parts").path("matrix products").path("ms").asDouble()).isEqualTo(5);
    assertThat(json.path("parts").path("matrix products").path("calls").asLong()).isEqualTo(7);
    assertThat(report.json().path("machine").path("cores").asInt()).isPositive();
  }

  @Test
  void whatNoOperationTookIsJavas() {
    OperationTally forward = new OperationTally();
    OperationTally head = new OperationTally();
    forward.add(Operation.LINEAR, 30);
    forward.add(Operation.ROPE, 5);
    forward.add(Operation.ATTENTION, 6);
    head.add(Operation.LINEAR, 20);
    SplitSample sample = SplitSample.of(new StepSample(100, 9, 0, 0, 0), forward, head);
    assertThat(sample.nanos(Part.PRODUCTS)).isEqualTo(30);
    assertThat(sample.nanos(Part.ATTENTION)).isEqualTo(11);
    assertThat(sample.calls(Part.ATTENTION)).isEqualTo(2);
    assertThat(sample.nanos(Part.HEAD)).isEqualTo(20);
    assertThat(sample.nanos(Part.SAMPLING)).isEqualTo(9);
    assertThat(sample.nanos(Part.JAVA)).isEqualTo(100 - 30 - 11 - 20 - 9);
  }
}
