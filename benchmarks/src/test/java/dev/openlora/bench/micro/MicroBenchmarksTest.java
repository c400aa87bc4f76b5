package dev.openlora.bench.micro;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import picocli.CommandLine;

class MicroBenchmarksTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  /** One call of each, in this process; a setup that finds a wrong answer throws. */
  @Test
  void everyBenchmarkRunsAndHasItsLine() throws RunnerException {
    System.setProperty("jmh.ignoreLock", "true"); // nothing is measured here
    ResultTable table = new ResultTable(new PrintWriter(out), new PrintWriter(err));
    Collection<RunResult> results =
        new Runner(
                MicroBenchmarks.options()
                    .forks(0)
                    .mode(Mode.SingleShotTime)
                    .warmupIterations(0)
                    .measurementIterations(1)
                    .build(),
                table)
            .run();
    assertThat(results.stream().map(r -> ResultTable.shortName(r.getParams().getBenchmark())))
        .as(err.toString())
        .containsAll(MicroBenchmarks.known(table))
        .contains("Scheduler.step", "PagePool.key", "TokenEvent.token", "Sampler.greedy");
    assertThat(out.toString().lines().filter(line -> line.contains("."))).hasSameSizeAs(results);
    assertThat(out.toString()).containsPattern("TokenEvent.token +route chat +\\d");
  }

  @Test
  void refusesANameThatNoBenchmarkHas() {
    CommandLine command = new CommandLine(new MicroBenchmarks());
    command.setErr(new PrintWriter(err)).setOut(new PrintWriter(out));
    assertThat(command.execute("nosuch")).isEqualTo(2);
    assertThat(err.toString()).contains("NAME: nosuch").contains("Scheduler.step");
  }
}
