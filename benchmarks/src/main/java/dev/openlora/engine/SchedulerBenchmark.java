package dev.openlora.engine;

import dev.openlora.engine.sampling.SamplingParams;
import java.util.List;
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
 * What does a step cost in the scheduler, without a model? Sequences of 64 prompt tokens and 64 to
 * 319 new ones end and make room for the next of 2,048 that wait, so prompts, full pages and their
 * keys are part of it, as they are of serving. It lies in the scheduler's package because the
 * scheduler is the engine's own.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class SchedulerBenchmark {
  private static final int WAITING = 2048;
  private static final int PAGE_SIZE = 16;
  private static final int BATCH_TOKENS = 512;
  private static final int PROMPT = 64;
  private static final int OUTPUT_MIN = 64;
  private static final int OUTPUT_MAX = 319;

  @Param({"1", "32", "256"})
  int running;

  private final Random random = new Random(1);
  private PagePool pool;
  private Scheduler scheduler;
  private Batch batch;

  @Setup
  public void run() {
    int pagesEach = (PROMPT + OUTPUT_MAX) / PAGE_SIZE + 1;
    pool = new PagePool(2 * running * pagesEach);
    scheduler = new Scheduler(new Scheduler.Limits(BATCH_TOKENS, running, PAGE_SIZE, true), pool);
    for (int i = 0; i < running + WAITING; i++) {
      scheduler.add(sequence());
    }
    for (int i = 0; i < 2 * OUTPUT_MAX; i++) {
      step(); // until the ends are spread over the steps
    }
    pool.checkIntegrity();
    if (scheduler.runningCount() != running || scheduler.waitingCount() != WAITING) {
      throw new IllegalStateException(
          scheduler.runningCount() + " running, " + scheduler.waitingCount() + " waiting");
    }
    batch = scheduler.next();
  }

  private Sequence sequence() {
    int[] prompt = random.ints(PROMPT, 0, 32_000).toArray();
    int tokens = random.nextInt(OUTPUT_MIN, OUTPUT_MAX + 1);
    return new Sequence(
        new GenerationRequest("r", prompt, List.of(), SamplingParams.greedy(tokens)));
  }

  /** One step of the engine as the scheduler sees it. */
  @Benchmark
  public Object step() {
    Batch chosen = scheduler.next();
    for (Batch.Slice slice : chosen.slices()) {
      Sequence sequence = slice.sequence();
      if (slice.last()) {
        sequence.append(random.nextInt(32_000));
      }
      scheduler.computed(slice);
      if (sequence.outputLength() == sequence.request().sampling().maxTokens()) {
        scheduler.remove(sequence);
        scheduler.add(sequence());
      }
    }
    return chosen;
  }

  /** What the model is given of one batch. */
  @Benchmark
  public Object input() {
    return batch.input();
  }
}
