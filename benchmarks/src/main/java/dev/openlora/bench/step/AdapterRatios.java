package dev.openlora.bench.step;

import dev.openlora.adapter.Adapter;
import dev.openlora.bench.Spread;
import dev.openlora.server.cli.Progress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * R(k, r, B): what does a decode step of B rows through k distinct adapters of rank r reach of the
 * same step on the base alone? Then: do adapters of mixed ranks cost what the sum of their ranks
 * says, and what do adapters cost that are loaded and idle? All ways take turns within each round;
 * ratios are taken within rounds.
 *
 * <pre>
 * ./openlora bench adapters --model /tmp/half --batch 32 --k 0,1,8,32 --rank 16
 * </pre>
 */
@Command(
    name = "adapters",
    mixinStandardHelpOptions = true,
    description = {
      "Tokens per second of decode steps with distinct adapters over the base alone, beside what",
      "the floor of the matrix work allows."
    })
public final class AdapterRatios implements Callable<Integer> {
  private static final String NONE = "none";
  private static final int WARM_UP_STEPS = 3;
  private static final int REPEATS_MAX = 10_000;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private BaseFlags base = new BaseFlags();

  @Mixin private RooflineFlags limits = new RooflineFlags();

  @Option(names = "--batch", defaultValue = "32", description = "rows of a step; default: 32")
  private int batch;

  @Option(
      names = "--k",
      split = ",",
      defaultValue = "0,1,8,32",
      description = "distinct adapters; default: 0,1,8,32; 0, the base, is always measured")
  private List<Integer> counts = List.of();

  @Option(names = "--rank", defaultValue = "16", description = "of these; default: 16")
  private int rank;

  @Option(
      names = "--mixed",
      paramLabel = "RANKS",
      description = {
        "ranks of a mixed batch, set beside even ones of the same sum;",
        "default: one 64, the others 8; none leaves it out"
      })
  private @Nullable String mixed;

  @Option(
      names = "--idle",
      defaultValue = "256",
      description = "adapters loaded and not used, against none; default: 256; 0 leaves it out")
  private int idle;

  @Option(names = "--idle-rank", defaultValue = "8", description = "of these; default: 8")
  private int idleRank;

  @Option(
      names = "--context",
      defaultValue = "64",
      description = "positions before the step; default: 64")
  private int context;

  @Option(names = "--rounds", defaultValue = "5", description = "after a warm-up; default: 5")
  private int rounds;

  @Option(names = "--steps", defaultValue = "5", description = "of each way a round; default: 5")
  private int steps;

  /** What to measure. */
  private record Plan(
      StepShape shape, List<AdapterWay> ways, @Nullable AdapterWay uneven, RankList idle) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Plan plan;
    int threads;
    try {
      plan = plan();
      limits.check();
      base.check();
      threads = base.threads();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
    BenchReport report = BenchReport.begin(spec.commandLine().getOut(), "adapters");
    try (OpenBase open = OpenBase.open(base);
        RandomAdapters files = RandomAdapters.open(open, base.seed())) {
      if (plan.shape().positions() > open.model().architecture().maxPositions()) {
        throw new ParameterException(
            spec.commandLine(),
            "--context: "
                + context
                + " (expected: below the model's "
                + open.model().architecture().maxPositions()
                + " positions)");
      }
      report.line(
          String.format(
              Locale.ROOT,
              "%s, %s, %s; %s, %d rounds of %d steps",
              base.model(),
              open.model().dtype(),
              open.ops().description(),
              plan.shape(),
              rounds,
              steps));
      report
          .json()
          .put("model", base.model().toString())
          .put("dtype", open.model().dtype().name())
          .put("kernels", open.ops().description())
          .put("batch", batch)
          .put("context", context);
      Roofline roofline = limits.measure(open, threads, report).roofline();
      AdapterTable table = table(plan, open, files, roofline);
      table.print(report);
      AdapterWay uneven = plan.uneven();
      if (uneven != null) {
        table.printRatio(report, "mixed_over_even", uneven, even(uneven));
      }
      if (plan.idle().size() > 0) {
        idle(plan, open, files, report);
      }
    }
    report.end(base.json());
    return 0;
  }

  private Plan plan() {
    if (rounds < 1 || rounds > REPEATS_MAX || steps < 1 || steps > REPEATS_MAX) {
      throw new IllegalArgumentException(
          "--rounds, --steps: "
              + rounds
              + ", "
              + steps
              + " (expected: 1.."
              + REPEATS_MAX
              + " each)");
    }
    List<AdapterWay> ways = new ArrayList<>();
    ways.add(AdapterWay.base());
    for (int count : counts) {
      if (count < 0 || count > batch) {
        throw new IllegalArgumentException(
            "--k: " + count + " (expected: 0.." + batch + ", at most one adapter per row)");
      }
      if (count > 0) {
        ways.add(AdapterWay.distinct(count, rank));
      }
    }
    AdapterWay uneven = uneven();
    if (uneven != null) {
      ways.add(uneven);
      ways.add(even(uneven));
    }
    return new Plan(
        StepShape.decode(batch, context),
        ways.stream().distinct().toList(),
        uneven,
        RankList.of(idle, idleRank));
  }

  private @Nullable AdapterWay uneven() {
    if (NONE.equals(mixed) || (mixed == null && batch < 2)) {
      return null;
    }
    RankList ranks = RankList.parse(mixed == null ? "64," + (batch - 1) + "x8" : mixed);
    if (ranks.size() > batch) {
      throw new IllegalArgumentException(
          "--mixed: " + ranks.size() + " adapters (expected: at most " + batch + ", the batch)");
    }
    return new AdapterWay("mixed " + ranks, ranks);
  }

  private static AdapterWay even(AdapterWay uneven) {
    return new AdapterWay("even " + uneven.ranks().even(), uneven.ranks().even());
  }

  private AdapterTable table(Plan plan, OpenBase open, RandomAdapters files, Roofline roofline)
      throws IOException {
    List<RandomAdapters.Group> groups = new ArrayList<>();
    Map<AdapterWay, StepRunner> runners = new LinkedHashMap<>();
    Map<AdapterWay, List<Double>> millis = new LinkedHashMap<>();
    try (Progress progress = Progress.of("rounds", rounds)) {
      for (AdapterWay way : plan.ways()) {
        RandomAdapters.Group group = files.write(way.ranks(), done -> {});
        groups.add(group);
        runners.put(way, runner(plan, open, files.load(group)));
        millis.put(way, new ArrayList<>());
      }
      checkThatAdaptersChangeTheLogits(runners);
      for (int round = 0; round <= rounds; round++) {
        for (int i = 0; i < plan.ways().size(); i++) {
          // Each round begins with another way, so that none always comes first.
          AdapterWay way = plan.ways().get((i + round) % plan.ways().size());
          double median = medianMillis(runners.get(way));
          if (round > 0) {
            millis.getOrDefault(way, new ArrayList<>()).add(median);
          }
        }
        progress.advance(round == 0 ? 0 : 1);
      }
    } finally {
      runners.values().forEach(StepRunner::close);
    }
    for (RandomAdapters.Group group : groups) {
      files.unload(group);
    }
    MatrixShapes shapes = open.shapes();
    List<AdapterTable.Line> lines = new ArrayList<>();
    millis.forEach((way, medians) ->
        lines.add(
            new AdapterTable.Line(
                way,
                medians,
                StepFloor.of(shapes, plan.shape(), way.ranks()).ratioToBase(roofline))));
    return new AdapterTable(plan.shape().rows(), lines);
  }

  private StepRunner runner(Plan plan, OpenBase open, List<Adapter> adapters) {
    return new StepRunner(open.model(), open.ops(), plan.shape(), adapters, base.seed());
  }

  /** Behind a few steps that bring its memory back into the caches, as in a server that goes on. */
  private double medianMillis(@Nullable StepRunner runner) {
    List<Double> millis = new ArrayList<>();
    for (int i = -WARM_UP_STEPS; i < steps && runner != null; i++) {
      double step = runner.step().millis();
      if (i >= 0) {
        millis.add(step);
      }
    }
    return Spread.of(millis).median();
  }

  private static void checkThatAdaptersChangeTheLogits(Map<AdapterWay, StepRunner> runners) {
    StepRunner plain = runners.get(AdapterWay.base());
    if (plain == null) {
      throw new IllegalStateException("ways: without the base (expected: the base among them)");
    }
    float[] without = plain.lastLogits();
    runners.forEach((way, runner) -> {
      if (way.ranks().size() > 0 && Arrays.equals(without, runner.lastLogits())) {
        throw new IllegalStateException(
            way.label() + ": adapters leave the logits as they are; nothing is measured");
      }
    });
  }

  /** One active adapter, with and without many that are loaded beside it, in turns. */
  private void idle(Plan plan, OpenBase open, RandomAdapters files, BenchReport report)
      throws IOException {
    RandomAdapters.Group active = files.write(RankList.of(1, rank), done -> {});
    List<Double> alone = new ArrayList<>();
    List<Double> beside = new ArrayList<>();
    long idleBytes = 0;
    try (Progress written = Progress.of("idle adapters", plan.idle().size());
        StepRunner runner = runner(plan, open, files.load(active))) {
      RandomAdapters.Group idlers = files.write(plan.idle(), written::advance);
      medianMillis(runner);
      for (int round = 0; round < rounds; round++) {
        if (round % 2 == 0) {
          alone.add(medianMillis(runner));
        }
        long before = files.heldBytes();
        files.load(idlers);
        idleBytes = files.heldBytes() - before;
        beside.add(medianMillis(runner));
        files.unload(idlers);
        if (round % 2 == 1) {
          alone.add(medianMillis(runner));
        }
      }
    }
    files.unload(active);
    Spread ratio = Ratio.of(alone, beside);
    report.line(
        String.format(
            Locale.ROOT,
            "  1 x r%d beside %d idle r%d (%d MiB) / alone: %s",
            rank,
            plan.idle().size(),
            idleRank,
            idleBytes >> 20,
            Ratio.shown(ratio, 3)));
    Ratio.put(report.json(), "idle_over_alone", ratio);
  }
}
