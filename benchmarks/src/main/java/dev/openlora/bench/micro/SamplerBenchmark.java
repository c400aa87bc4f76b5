package dev.openlora.bench.micro;

import dev.openlora.engine.sampling.Sampler;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.SamplingState;
import dev.openlora.engine.sampling.TokenLogprobs;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What does the choice of one token cost, by the size of the vocabulary? The rows are normal
 * numbers with a deviation of 3, and change with every call.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class SamplerBenchmark {
  private static final int ROWS = 8;

  @Param({"512", "32000", "151936"})
  int vocabulary;

  private final Sampler sampler = new Sampler();
  private float[][] rows;
  private SamplingState greedy;
  private SamplingState topP;
  private int next;

  @Setup
  public void fill() {
    Random random = new Random(1);
    rows = new float[ROWS][vocabulary];
    for (float[] row : rows) {
      for (int i = 0; i < vocabulary; i++) {
        row[i] = (float) (3 * random.nextGaussian());
      }
    }
    greedy = new SamplingState(SamplingParams.greedy(1), new int[] {0}, List.of());
    topP =
        new SamplingState(
            new SamplingParams(
                0.8, 0, 0.95, 0, 1, 0, 0, Map.of(), 1L, 0, 1, List.of(), List.of(), false, false,
                true, -1, -1),
            new int[] {0},
            List.of());
  }

  private float[] row() {
    next = (next + 1) % ROWS;
    return rows[next];
  }

  @Benchmark
  public int greedy() {
    return sampler.sample(row(), vocabulary, greedy);
  }

  @Benchmark
  public int temperatureAndTopP() {
    return sampler.sample(row(), vocabulary, topP);
  }

  @Benchmark
  public Object fiveLogprobs() {
    return TokenLogprobs.of(row(), 0, 5);
  }
}
