package dev.openlora.bench.step;

import dev.openlora.adapter.Adapter;
import dev.openlora.bench.plot.StackedBars;
import dev.openlora.server.cli.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;

/**
 * Where does the time of a step go, and how far is it from what the machine can do? Steps run
 * straight on the decoder, without HTTP and scheduler; whole steps without timers and steps with a
 * timer around each operation take turns. In the same run the machine's memory bandwidth and its
 * peak of matrix products are measured, which give the floor.
 *
 * <pre>
 * ./openlora random-model /tmp/half --config shapes/rand0.5B
 * ./openlora bench step --model /tmp/half --batch 1,8,32 --prompt 512
 * ./openlora bench step --model /tmp/half --batch 32 --adapters 32 --rank 16
 * </pre>
 */
@Command(
    name = "step",
    mixinStandardHelpOptions = true,
    description = {
      "Milliseconds of an engine step, split into parts, beside the floor that the machine's",
      "memory bandwidth and peak of matrix products set."
    })
public final class StepBreakdown implements Callable<Integer> {
  private static final int STEPS_MAX = 100_000;
  private static final int WARM_UP_STEPS = 5;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private BaseFlags base = new BaseFlags();

  @Mixin private RooflineFlags limits = new RooflineFlags();

  @Option(
      names = "--batch",
      split = ",",
      defaultValue = "1,8,32",
      description = "rows of decode steps; default: 1,8,32")
  private List<Integer> batches = List.of();

  @Option(names = "--prompt", defaultValue = "0", description = "rows of a prefill; default: none")
  private int prompt;

  @Option(
      names = "--context",
      defaultValue = "64",
      description = "positions before a decode step; default: 64")
  private int context;

  @Option(names = "--adapters", defaultValue = "0", description = "distinct ones; default: 0")
  private int adapters;

  @Option(names = "--rank", defaultValue = "16", description = "of each of them; default: 16")
  private int rank;

  @Option(
      names = "--ranks",
      paramLabel = "R1,R2,…",
      description = "of the adapters one by one, as 64,31x8; instead of --adapters and --rank")
  private @Nullable String ranks;

  @Option(names = "--steps", defaultValue = "20", description = "of each kind; default: 20")
  private int steps;

  @Option(
      names = "--warm-up-seconds",
      defaultValue = "2",
      description = "before each kind; default: 2")
  private double warmUpSeconds;

  @Option(names = "--plot", paramLabel = "FILE.svg", description = "draw the split as bars")
  private @Nullable Path plot;

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<StepShape> shapes;
    RankList all;
    int threads;
    try {
      shapes = shapes();
      all = ranks();
      limits.check();
      base.check();
      threads = base.threads();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    BenchReport report = BenchReport.begin(spec.commandLine().getOut(), "step");
    try (OpenBase open = OpenBase.open(base);
        RandomAdapters files = RandomAdapters.open(open, base.seed())) {
      report.line(
          String.format(
              Locale.ROOT,
              "%s, %s, %s",
              base.model(),
              open.model().dtype(),
              open.ops().description()));
      report
          .json()
          .put("model", base.model().toString())
          .put("dtype", open.model().dtype().name())
          .put("kernels", open.ops().description());
      refuseLong(shapes, open.model().architecture().maxPositions());
      RooflineFlags.Limits measured = limits.measure(open, threads, report);
      List<Adapter> loaded = files.load(files.write(all, done -> {}));
      List<StepResult> results = new ArrayList<>();
      try (Progress progress = Progress.of("steps", 2L * steps * shapes.size())) {
        for (StepShape shape : shapes) {
          int used = Math.min(all.size(), shape.sequences());
          results.add(
              measure(
                  open,
                  shape,
                  new RankList(all.ranks().subList(0, used)),
                  loaded.subList(0, used),
                  measured.roofline(),
                  progress));
        }
      }
      double clock = clockNanos();
      ArrayNode json = report.json().putArray("steps");
      for (StepResult result : results) {
        result.print(report, measured.streamBytes(), clock);
        result.write(json.addObject());
      }
      draw(results, open.ops().description());
    }
    report.end(base.json());
    return 0;
  }

  private List<StepShape> shapes() {
    if (steps < 1 || steps > STEPS_MAX) {
      throw new IllegalArgumentException("--steps: " + steps + " (expected: 1.." + STEPS_MAX + ")");
    }
    if (!(warmUpSeconds >= 0 && warmUpSeconds <= 600)) {
      throw new IllegalArgumentException(
          "--warm-up-seconds: " + warmUpSeconds + " (expected: 0..600)");
    }
    List<StepShape> shapes = new ArrayList<>();
    for (int batch : batches) {
      shapes.add(StepShape.decode(batch, context));
    }
    if (prompt != 0) {
      shapes.add(StepShape.prefill(prompt));
    }
    return shapes;
  }

  private RankList ranks() {
    if (ranks == null) {
      return RankList.of(adapters, rank);
    }
    if (adapters != 0) {
      throw new IllegalArgumentException(
          "--adapters, --ranks: both are given (expected: one of them)");
    }
    return RankList.parse(ranks);
  }

  private void refuseLong(List<StepShape> shapes, int maxPositions) {
    for (StepShape shape : shapes) {
      if (shape.positions() > maxPositions) {
        throw new ParameterException(
            spec.commandLine(),
            shape
                + ": "
                + shape.positions()
                + " positions (expected: at most the model's "
                + maxPositions
                + ")");
      }
    }
  }

  private StepResult measure(
      OpenBase open,
      StepShape shape,
      RankList used,
      List<Adapter> through,
      Roofline roofline,
      Progress progress) {
    OperationTally forward = new OperationTally();
    OperationTally head = new OperationTally();
    TimedOps timedOps = new TimedOps(open.ops(), forward);
    List<StepSample> plain = new ArrayList<>();
    List<SplitSample> timed = new ArrayList<>();
    try (StepRunner whole = new StepRunner(open.model(), open.ops(), shape, through, base.seed());
        StepRunner split = new StepRunner(open.model(), timedOps, shape, through, base.seed())) {
      checkThatAdaptersChangeTheLogits(open, shape, through, whole);
      long warm = System.nanoTime() + (long) (warmUpSeconds * 1e9);
      for (int i = 0; i < WARM_UP_STEPS || System.nanoTime() < warm; i++) {
        whole.step();
        split.step();
      }
      for (int i = 0; i < steps; i++) {
        plain.add(whole.step());
        forward.reset();
        head.reset();
        timedOps.into(forward);
        StepSample sample = split.step(() -> timedOps.into(head));
        timed.add(SplitSample.of(sample, forward, head));
        if (sample.tokens() != plain.getLast().tokens()) {
          throw new IllegalStateException(
              shape + ": a timed step sampled other tokens than a plain one");
        }
        progress.advance(2);
      }
    }
    return StepResult.of(
        shape, used, plain, timed, StepFloor.of(open.shapes(), shape, used), roofline);
  }

  private void checkThatAdaptersChangeTheLogits(
      OpenBase open, StepShape shape, List<Adapter> through, StepRunner adapted) {
    if (through.isEmpty()) {
      return;
    }
    try (StepRunner plain =
        new StepRunner(open.model(), open.ops(), shape, List.of(), base.seed())) {
      if (Arrays.equals(plain.lastLogits(), adapted.lastLogits())) {
        throw new IllegalStateException(
            shape + ": adapters leave the logits as they are; nothing is measured");
      }
    }
  }

  /** What reading the clock once takes, when nothing else has the core. */
  private static double clockNanos() {
    int readings = 100_000;
    long least = Long.MAX_VALUE;
    for (int run = 0; run < 10; run++) {
      long begin = System.nanoTime();
      long last = begin;
      for (int i = 0; i < readings; i++) {
        last = Math.max(last, System.nanoTime());
      }
      least = Math.min(least, last - begin);
    }
    return (double) least / readings;
  }

  private void draw(List<StepResult> results, String kernels) throws IOException {
    if (plot == null) {
      return;
    }
    List<StackedBars.Bar> bars = new ArrayList<>();
    for (StepResult result : results) {
      bars.add(
          new StackedBars.Bar(
              result.shape().isDecode()
                  ? result.shape().sequences() + " decoding"
                  : "prompt of " + result.shape().rows(),
              Arrays.stream(Part.values())
                  .map(part -> result.partMillis().getOrDefault(part, 0.0))
                  .toList()));
    }
    Files.writeString(
        plot,
        new StackedBars(
                "One step: " + kernels,
                "ms",
                Arrays.stream(Part.values()).map(Part::label).toList(),
                bars)
            .svg());
  }
}
