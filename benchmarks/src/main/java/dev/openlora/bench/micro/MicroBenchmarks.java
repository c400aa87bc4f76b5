package dev.openlora.bench.micro;

import dev.openlora.server.assembly.Machine;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * What do the Java parts of a step and of an answer cost, each alone? Time and allocated bytes per
 * call, by JMH, each benchmark in a JVM of its own.
 *
 * <pre>
 * ./openlora bench micro              # all, five minutes
 * ./openlora bench micro sampler page # some
 * </pre>
 */
@Command(
    name = "micro",
    mixinStandardHelpOptions = true,
    description = {
      "Time and allocated bytes of the Java parts of a step and of an answer, one by one:",
      "scheduler, pager, token events, chat templates, sampler, detokenisation, logits."
    })
public final class MicroBenchmarks implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "0..*",
      paramLabel = "NAME",
      description = "those whose name has this part, in any case; default: all")
  private List<String> names = List.of();

  @Option(names = "--quick", description = "a second each: whether they run, not how fast")
  private boolean quick;

  @Option(names = "--json", paramLabel = "FILE", description = "also write JMH's result there")
  private @Nullable Path json;

  @Override
  public Integer call() throws RunnerException {
    PrintWriter out = spec.commandLine().getOut();
    ResultTable table = new ResultTable(out, spec.commandLine().getErr());
    ChainedOptionsBuilder options = options().addProfiler(GCProfiler.class);
    Set<String> known = known(table);
    for (String name : names) {
      Pattern part = Pattern.compile(Pattern.quote(name), Pattern.CASE_INSENSITIVE);
      List<String> chosen = known.stream().filter(part.asPredicate()).toList();
      if (chosen.isEmpty()) {
        throw new ParameterException(
            spec.commandLine(),
            "NAME: " + name + " (expected: a part of " + String.join(", ", known) + ")");
      }
      chosen.forEach(one -> options.include(Pattern.quote(one.replace(".", "Benchmark."))));
    }
    int millis = quick ? 200 : 1000;
    options
        .forks(1)
        .jvmArgsAppend("--sun-misc-unsafe-memory-access=allow") // JMH itself; without a warning
        .warmupIterations(quick ? 1 : 3)
        .warmupTime(TimeValue.milliseconds(millis))
        .measurementIterations(quick ? 2 : 5)
        .measurementTime(TimeValue.milliseconds(millis));
    if (json != null) {
      options.resultFormat(ResultFormatType.JSON).result(json.toString());
    }
    Machine machine = Machine.read();
    out.printf(
        Locale.ROOT,
        "%s, %d cores, load average %.2f%n",
        machine.cpu(),
        machine.cores(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    new Runner(options.build(), table).run();
    return 0;
  }

  /** All benchmarks, with the files that are there as their parameters. A failure ends the run. */
  static ChainedOptionsBuilder options() {
    return new OptionsBuilder()
        .shouldFailOnError(true)
        .param("tokenizer", DataFiles.existing(DataFiles.TOKENIZERS))
        .param("template", DataFiles.existing(DataFiles.TEMPLATES));
  }

  static Set<String> known(OutputFormat format) {
    Set<String> known = new TreeSet<>();
    BenchmarkList.defaultList()
        .getAll(format, List.of())
        .forEach(entry -> known.add(ResultTable.shortName(entry.getUsername())));
    return known;
  }
}
