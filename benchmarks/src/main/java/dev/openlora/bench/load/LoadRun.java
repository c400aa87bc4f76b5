package dev.openlora.bench.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * All requests of one run, each on a virtual thread, as {@link Arrivals} say.
 *
 * @param outcomes in the order of the requests; one each, whatever happened
 * @param nanos from the first moment at which one was to be sent until the last was over
 */
record LoadRun(List<Outcome> outcomes, long nanos) {
  /** Sends them and waits for all. */
  static LoadRun of(StreamedCompletion completion, List<Ask> asks, Arrivals arrivals, Tally tally)
      throws InterruptedException {
    Ticker ticker = completion.ticker();
    long begin = ticker.nanos();
    List<Outcome> outcomes =
        switch (arrivals) {
          case Arrivals.Closed closed -> closed(completion, asks, closed, tally);
          case Arrivals.Open open -> open(completion, asks, open, tally);
        };
    return new LoadRun(outcomes, ticker.nanos() - begin);
  }

  private static List<Outcome> closed(
      StreamedCompletion completion, List<Ask> asks, Arrivals.Closed closed, Tally tally)
      throws InterruptedException {
    AtomicInteger next = new AtomicInteger();
    Outcome[] outcomes = new Outcome[asks.size()];
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> callers = new ArrayList<>();
      for (int i = 0; i < Math.min(closed.callers(), asks.size()); i++) {
        callers.add(
            threads.submit(() -> {
              for (int n = next.getAndIncrement(); n < asks.size(); n = next.getAndIncrement()) {
                outcomes[n] = sent(completion, asks.get(n), completion.ticker().nanos(), tally);
              }
            }));
      }
      for (Future<?> caller : callers) {
        result(caller);
      }
    }
    return List.of(outcomes);
  }

  private static List<Outcome> open(
      StreamedCompletion completion, List<Ask> asks, Arrivals.Open open, Tally tally)
      throws InterruptedException {
    Ticker ticker = completion.ticker();
    Semaphore places = new Semaphore(open.openMax());
    long[] moments = open.moments(asks.size());
    List<Future<Outcome>> calls = new ArrayList<>();
    List<Outcome> outcomes = new ArrayList<>();
    long begin = ticker.nanos();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < moments.length; i++) {
        Ask ask = asks.get(i);
        long meant = begin + moments[i];
        ticker.sleepUntil(meant);
        places.acquire();
        calls.add(
            threads.submit(() -> {
              try {
                return sent(completion, ask, meant, tally);
              } finally {
                places.release();
              }
            }));
      }
      for (Future<Outcome> call : calls) {
        outcomes.add(result(call));
      }
    }
    return outcomes;
  }

  private static Outcome sent(StreamedCompletion completion, Ask ask, long meant, Tally tally) {
    tally.onSent();
    Outcome outcome = completion.send(ask, meant);
    tally.onOver(outcome);
    return outcome;
  }

  private static <T> T result(Future<T> future) throws InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }
}
