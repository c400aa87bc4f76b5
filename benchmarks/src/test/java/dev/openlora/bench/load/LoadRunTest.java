package dev.openlora.bench.load;

import static dev.openlora.bench.load.ScriptedServer.rightAnswer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LoadRunTest {
  private static final long SECOND = 1_000_000_000;

  /** A clock that stands still until it is moved, and that oversleeps by what a test says. */
  private static final class ManualTicker implements Ticker {
    private long now = 1_000;
    private long oversleepNanos;
    private final Semaphore slept = new Semaphore(0);

    @Override
    public synchronized long nanos() {
      return now;
    }

    @Override
    public synchronized void sleepUntil(long nanos) {
      now = Math.max(now, nanos + oversleepNanos);
      slept.release();
    }

    synchronized void advance(long nanos) {
      now += nanos;
    }
  }

  @Test
  void countsLatencyFromTheMomentAtWhichARequestWasMeant() throws Exception {
    // The sender wakes two seconds late each time; that is not the server's gift.
    ManualTicker ticker = new ManualTicker();
    ticker.oversleepNanos = 2 * SECOND;
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> out.write(rightAnswer(request, "w")))) {
      LoadRun run = run(server, ticker, asks(1), new Arrivals.Open(1, 1, 1));
      Outcome outcome = run.outcomes().getFirst();
      assertThat(outcome.fault()).isNull();
      assertThat(outcome.first()).isEqualTo(2 * SECOND);
      assertThat(outcome.end()).isEqualTo(2 * SECOND);
      assertThat(run.nanos()).isEqualTo(2 * SECOND);
    }
  }

  @Test
  void countsTheTimeThatARequestWaitedForAPlace() throws Exception {
    ManualTicker ticker = new ManualTicker();
    Arrivals.Open open = new Arrivals.Open(5, 1, 3);
    long[] moments = open.moments(3);
    AtomicInteger served = new AtomicInteger();
    int[] sleepsBefore = {2, 1, 0};
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> {
          // Until the sender has come to the next request, for which there is no place.
          ticker.slept.acquire(sleepsBefore[served.getAndIncrement()]);
          ticker.advance(10 * SECOND);
          out.write(rightAnswer(request, "w"));
        })) {
      LoadRun run = run(server, ticker, asks(3), open);
      long begin = 1_000;
      long now = Math.max(begin + moments[0], begin + moments[1]) + 10 * SECOND;
      assertThat(run.outcomes().get(0).first()).isEqualTo(now - begin - moments[0]);
      now = Math.max(now, begin + moments[2]) + 10 * SECOND;
      assertThat(run.outcomes().get(1).first()).isEqualTo(now - begin - moments[1]);
      now += 10 * SECOND;
      assertThat(run.outcomes().get(2).first()).isEqualTo(now - begin - moments[2]);
      assertThat(run.outcomes()).allMatch(Outcome::right);
    }
  }

  @Test
  void arrivesAtTheRateThatWasAskedFor() {
    long seed = Seeds.next("arrivesAtTheRateThatWasAskedFor");
    int requests = 100_000;
    long[] moments = new Arrivals.Open(50, 1, seed).moments(requests);
    assertThat(moments[0]).isZero();
    assertThat(moments).isSorted();
    double[] gaps = new double[requests - 1];
    Arrays.setAll(gaps, i -> (moments[i + 1] - moments[i]) / 1e9);
    // Exponential: mean and standard deviation are both 1/50 s; each within six of its errors.
    double mean = Arrays.stream(gaps).average().orElseThrow();
    assertThat(mean).isCloseTo(0.02, within(6 * 0.02 / Math.sqrt(requests)));
    double variance = Arrays.stream(gaps).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
    assertThat(Math.sqrt(variance)).isCloseTo(0.02, within(6 * 0.03 / Math.sqrt(requests)));
  }

  @Test
  void keepsAsManyOpenAsThereAreCallersAndNoMore() throws Exception {
    CyclicBarrier full = new CyclicBarrier(3);
    AtomicInteger open = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> {
          most.accumulateAndGet(open.incrementAndGet(), Math::max);
          full.await();
          open.decrementAndGet();
          out.write(rightAnswer(request, "w"));
        })) {
      LoadRun run = run(server, Ticker.SYSTEM, asks(9), new Arrivals.Closed(3));
      assertThat(run.outcomes()).hasSize(9).allMatch(Outcome::right);
      assertThat(most.get()).isEqualTo(3);
      assertThat(server.received()).hasSize(9);
    }
  }

  @Test
  void hasAnOutcomeForEveryRequestInItsPlaceWhateverHappens() throws Exception {
    AtomicInteger n = new AtomicInteger();
    try (ScriptedServer server =
        new ScriptedServer((request, out) -> {
          if (n.incrementAndGet() % 2 == 0) {
            out.write(ScriptedServer.json(429, "{}"));
          } else {
            out.write(rightAnswer(request, "w"));
          }
        })) {
      Tally tally = new Tally(6, Ticker.SYSTEM);
      LoadRun run =
          LoadRun.of(completion(server, Ticker.SYSTEM), asks(6), new Arrivals.Closed(1), tally);
      assertThat(run.outcomes())
          .extracting(Outcome::right)
          .containsExactly(true, false, true, false, true, false);
      assertThat(tally.line()).startsWith("6 of 6 requests, 0 open, 3 wrong, ");
    }
  }

  private static LoadRun run(
      ScriptedServer server, Ticker ticker, List<Ask> asks, Arrivals arrivals)
      throws InterruptedException {
    return LoadRun.of(completion(server, ticker), asks, arrivals, new Tally(asks.size(), ticker));
  }

  private static StreamedCompletion completion(ScriptedServer server, Ticker ticker) {
    return new StreamedCompletion(server.endpoint(Dialect.OPENAI), ticker, Duration.ofSeconds(60));
  }

  private static List<Ask> asks(int requests) {
    return new Workload(
            requests,
            new Workload.Lengths(3, 2),
            Workload.Prompts.IDS,
            new Popularity(Popularity.Kind.BASE, 0),
            0,
            1)
        .asks();
  }
}
