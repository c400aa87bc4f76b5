package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.Seeds;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SchedulerTest {
  private static final int PAGE = 4;

  private static Sequence sequence(int promptLength, int maxTokens) {
    int[] prompt = IntStream.range(0, promptLength).toArray();
    return new Sequence(
        new GenerationRequest("r", prompt, List.of(), SamplingParams.greedy(maxTokens)));
  }

  private static Scheduler scheduler(
      int batchTokens, int sequences, PagePool pool, boolean prefixCache) {
    return new Scheduler(new Scheduler.Limits(batchTokens, sequences, PAGE, prefixCache), pool);
  }

  /** Runs one step without a model: every sequence that can gets token 7. */
  private static Batch step(Scheduler scheduler) {
    Batch batch = scheduler.next();
    for (Batch.Slice slice : batch.slices()) {
      if (slice.last()) {
        slice.sequence().append(7);
      }
      scheduler.computed(slice);
    }
    return batch;
  }

  @Test
  void cutsALongPromptIntoChunksAndLetsRunningSequencesGoFirst() {
    PagePool pool = new PagePool(64);
    Scheduler scheduler = scheduler(8, 4, pool, false);
    Sequence quick = sequence(2, 50);
    scheduler.add(quick);
    step(scheduler);
    Sequence slow = sequence(20, 5);
    scheduler.add(slow);
    Batch batch = step(scheduler);
    assertThat(batch.rows()).isEqualTo(8);
    assertThat(quick.outputLength()).isEqualTo(2);
    assertThat(slow.computed()).isEqualTo(7);
    step(scheduler);
    step(scheduler);
    assertThat(slow.outputLength()).isEqualTo(1);
    assertThat(quick.outputLength()).isEqualTo(4);
  }

  @Test
  void preemptsTheYoungestWhenPagesRunOutAndFinishesBoth() {
    PagePool pool = new PagePool(6);
    Scheduler scheduler = scheduler(32, 4, pool, false);
    Sequence old = sequence(8, 12);
    Sequence young = sequence(8, 12);
    scheduler.add(old);
    scheduler.add(young);
    while (old.outputLength() < 12) {
      step(scheduler);
    }
    assertThat(scheduler.preemptions()).isPositive();
    scheduler.remove(old);
    while (young.outputLength() < 12) {
      step(scheduler);
    }
    scheduler.remove(young);
    assertThat(pool.heldPages()).isZero();
    pool.checkIntegrity();
  }

  @Test
  void computesASharedPrefixOnce() {
    PagePool pool = new PagePool(64);
    Scheduler scheduler = scheduler(64, 4, pool, true);
    Sequence first = sequence(18, 5);
    scheduler.add(first);
    step(scheduler);
    Sequence second = sequence(18, 5);
    scheduler.add(second);
    Batch batch = step(scheduler);
    assertThat(second.cachedPromptTokens()).isEqualTo(16);
    assertThat(batch.rows()).isEqualTo(1 + 2);
  }

  @Test
  void neverExceedsItsLimitsAndStarvesNobody() {
    long seed = Seeds.next("SchedulerTest");
    Random random = new Random(seed);
    PagePool pool = new PagePool(24);
    Scheduler scheduler = scheduler(16, 5, pool, true);
    Map<Sequence, Integer> wanted = new HashMap<>();
    List<Sequence> open = new ArrayList<>();
    int steps = 0;
    for (int i = 0; i < 200 || !open.isEmpty(); i++) {
      if (i < 200 && random.nextInt(3) == 0) {
        int output = 1 + random.nextInt(20);
        Sequence sequence = sequence(1 + random.nextInt(40), output);
        wanted.put(sequence, output);
        open.add(sequence);
        scheduler.add(sequence);
      }
      if (!open.isEmpty() && random.nextInt(40) == 0) {
        scheduler.remove(open.remove(random.nextInt(open.size())));
      }
      Batch batch = step(scheduler);
      assertThat(batch.rows()).isLessThanOrEqualTo(16);
      assertThat(scheduler.runningCount()).isLessThanOrEqualTo(5);
      for (Sequence sequence : List.copyOf(open)) {
        if (sequence.outputLength() >= wanted.getOrDefault(sequence, 0)) {
          scheduler.remove(sequence);
          open.remove(sequence);
        }
      }
      pool.checkIntegrity();
      assertThat(steps++).as("steps until all are done").isLessThan(20_000);
    }
    assertThat(pool.heldPages()).isZero();
  }
}
