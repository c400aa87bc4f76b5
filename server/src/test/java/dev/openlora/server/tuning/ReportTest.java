package dev.openlora.server.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ReportTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private long nanos;

  @Test
  void refusesAnUnknownStyle() {
    assertThatThrownBy(() -> TuningReport.Style.parse("loud"))
        .hasMessage("--progress: 'loud' (expected: bar, plain or json)");
  }

  @Test
  void jsonIsExactlyOneObjectALine() {
    tellAll(new JsonReport(stream(out), stream(err)));

    assertThat(lines(out))
        .containsExactly(
            "{\"event\":\"started\",\"steps\":9,\"examples\":4,\"held_out\":1,"
                + "\"learned_tokens\":12}",
            "{\"event\":\"step\",\"step\":1,\"steps\":9,\"epoch\":0.5,\"loss\":2.5,"
                + "\"learning_rate\":2.0E-4,\"gradient_norm\":1.5,\"tokens_per_second\":100.1,"
                + "\"eta_seconds\":8.0}",
            "{\"event\":\"step\",\"step\":2,\"steps\":9,\"epoch\":1.0,\"loss\":2.25,"
                + "\"learning_rate\":2.0E-4,\"gradient_norm\":1.5,\"tokens_per_second\":null,"
                + "\"eta_seconds\":null}",
            "{\"event\":\"evaluated\",\"step\":2,\"loss\":0.0,\"perplexity\":1.0}",
            "{\"event\":\"checkpoint\",\"step\":2,\"folder\":\"/w/checkpoint-2\"}",
            "{\"event\":\"done\",\"adapter\":\"/a\",\"sha256\":\"abc\",\"loss\":2.25,"
                + "\"held_out_loss\":null,\"trained_tokens\":77}",
            "{\"event\":\"failed\",\"message\":\"no \\\"room\\\"\"}");
    assertThat(lines(err))
        .containsExactly(
            "openlora: warning: careful",
            "openlora: cancelled after step 2; the same command goes on from /w/checkpoint-2");
  }

  @Test
  void plainTellsStepsAtAPace() {
    PlainReport report = new PlainReport(stream(out), () -> nanos);
    for (int step = 1; step <= 9; step++) {
      report.on(step(step, 10));
      nanos += TimeUnit.SECONDS.toNanos(2);
    }

    assertThat(lines(out)).hasSize(4); // at 0, 6 and 12 s, and the last
    assertThat(lines(out).getFirst())
        .isEqualTo(
            "step 1/9  epoch 0.50  loss 2.5000  rate 2.00e-04  gradient 1.500  10 tokens/s  8s"
                + " left");
    assertThat(lines(out).getLast()).startsWith("step 9/9");
  }

  @Test
  void plainHasASentenceForEverything() {
    tellAll(new PlainReport(stream(out), () -> nanos));

    assertThat(lines(out))
        .contains(
            "9 steps, 4 examples with 12 learned tokens, 1 held out",
            "step 2  held-out loss 0.0000  perplexity 1.000",
            "warning: careful",
            "done: /a  sha256 abc  loss 2.2500  77 tokens",
            "failed: no \"room\"");
  }

  @Test
  void durationsAreShort() {
    assertThat(TuningReport.duration(7.4)).isEqualTo("7s");
    assertThat(TuningReport.duration(125)).isEqualTo("2m05s");
    assertThat(TuningReport.duration(3_720)).isEqualTo("1h02m");
    assertThat(TuningReport.duration(Double.NaN)).isEqualTo("?");
  }

  private static void tellAll(TuningReport report) {
    try (report) {
      report.on(new TuningEvent.Started(0, 9, 4, 1, 12));
      report.on(step(1, 100.1));
      report.on(new TuningEvent.Step(2, 9, 1, 2.25, 2e-4, 1.5, Double.NaN, Double.NaN));
      report.on(new TuningEvent.Evaluated(2, 0, 1));
      report.on(new TuningEvent.Checkpoint(2, Path.of("/w/checkpoint-2")));
      report.on(new TuningEvent.Warning("careful"));
      report.on(new TuningEvent.Cancelled(2, Path.of("/w/checkpoint-2")));
      report.on(new TuningEvent.Done(Path.of("/a"), "abc", 2.25, null, 77));
      report.on(new TuningEvent.Failed("no \"room\""));
    }
  }

  private static TuningEvent.Step step(int step, double tokensPerSecond) {
    return new TuningEvent.Step(step, 9, 0.5, 2.5, 2e-4, 1.5, tokensPerSecond, 8);
  }

  private static PrintStream stream(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  private static List<String> lines(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
