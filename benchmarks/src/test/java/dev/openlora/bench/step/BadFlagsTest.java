package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class BadFlagsTest {
  static List<List<String>> step() {
    return List.of(
        List.of("--model: missing"),
        List.of("batch: 0 (expected: 1..4096)", "--model", "m", "--batch", "1,0"),
        List.of("--batch", "--model", "m", "--batch", "many"),
        List.of("prompt: -1", "--model", "m", "--prompt", "-1"),
        List.of("context: -1", "--model", "m", "--context", "-1"),
        List.of("--steps: 0 (expected: 1..100000)", "--model", "m", "--steps", "0"),
        List.of("--warm-up-seconds: NaN", "--model", "m", "--warm-up-seconds", "NaN"),
        List.of("ranks: '8y'", "--model", "m", "--ranks", "8y"),
        List.of("both are given", "--model", "m", "--ranks", "8", "--adapters", "2"),
        List.of("adapters: 5000", "--model", "m", "--adapters", "5000"),
        List.of("rank: 0 (expected: 1..4096)", "--model", "m", "--adapters", "1", "--rank", "0"),
        List.of("--stream-mib: 100 (expected: 512..65536)", "--model", "m", "--stream-mib", "100"),
        List.of("--passes: 0", "--model", "m", "--passes", "0"),
        List.of("--threads: -2 (expected: 0..1024)", "--model", "m", "--threads", "-2"),
        List.of(
            "kernels: 'fast' (expected: native or portable)", "--model", "m", "--kernels", "fast"),
        List.of("--quantization: 'int4'", "--model", "m", "--quantization", "int4"),
        List.of(
            "int8, portable (expected: native",
            "--model",
            "m",
            "--quantization",
            "int8",
            "--kernels",
            "portable"),
        List.of("--dtype: 'int8'", "--model", "m", "--dtype", "int8"));
  }

  @ParameterizedTest
  @MethodSource("step")
  void theStepCommandSaysWhatItExpected(List<String> messageAndFlags) {
    refused(new StepBreakdown(), messageAndFlags);
  }

  static List<List<String>> adapters() {
    return List.of(
        List.of("--k: 33 (expected: 0..32", "--model", "m", "--k", "33"),
        List.of("--k: -1", "--model", "m", "--k", "0,-1"),
        List.of("--rounds, --steps: 0, 5", "--model", "m", "--rounds", "0"),
        List.of(
            "--mixed: 9 adapters (expected: at most 8",
            "--model",
            "m",
            "--batch",
            "8",
            "--k",
            "1",
            "--mixed",
            "9x8"),
        List.of("ranks: 'x'", "--model", "m", "--mixed", "x"),
        List.of("adapters: -1", "--model", "m", "--idle", "-1"),
        List.of("batch: 9999", "--model", "m", "--batch", "9999", "--mixed", "none"));
  }

  @ParameterizedTest
  @MethodSource("adapters")
  void theAdaptersCommandSaysWhatItExpected(List<String> messageAndFlags) {
    refused(new AdapterRatios(), messageAndFlags);
  }

  static List<List<String>> start() {
    return List.of(
        List.of("--model, --command: give one"),
        List.of("--model, --command: give one", "--model", "m", "--command", "c"),
        List.of("--command, --url: one without", "--command", "c"),
        List.of("--command, --url: one without", "--model", "m", "--url", "http://x"),
        List.of("--runs: 0 (expected: 1..1000)", "--model", "m", "--runs", "0"),
        List.of("--timeout: 0", "--model", "m", "--timeout", "0"),
        List.of("flags: [--threads]", "--command", "c", "--url", "http://x", "--", "--threads"));
  }

  @ParameterizedTest
  @MethodSource("start")
  void theStartCommandSaysWhatItExpected(List<String> messageAndFlags) {
    refused(new StartTime(), messageAndFlags);
  }

  private static void refused(Object command, List<String> messageAndFlags) {
    StringWriter errors = new StringWriter();
    StringWriter out = new StringWriter();
    CommandLine line = new CommandLine(command);
    line.setErr(new PrintWriter(errors));
    line.setOut(new PrintWriter(out));
    int status = line.execute(messageAndFlags.stream().skip(1).toArray(String[]::new));
    assertThat(status).isEqualTo(2);
    String wanted = messageAndFlags.getFirst();
    String first = Stream.of(errors.toString().split("\n")).findFirst().orElse("");
    if (wanted.equals("--model: missing")) {
      assertThat(first).contains("--model");
    } else {
      assertThat(first).contains(wanted);
    }
    assertThat(out.toString()).isEmpty();
  }
}
