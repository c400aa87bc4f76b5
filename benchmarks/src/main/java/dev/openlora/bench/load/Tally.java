package dev.openlora.bench.load;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** How far a run is, for somebody who watches. Any thread. */
final class Tally {
  private final int requests;
  private final Ticker ticker;
  private final long begin;
  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger over = new AtomicInteger();
  private final AtomicInteger wrong = new AtomicInteger();
  private final AtomicLong tokens = new AtomicLong();

  Tally(int requests, Ticker ticker) {
    this.requests = requests;
    this.ticker = ticker;
    begin = ticker.nanos();
  }

  void onSent() {
    sent.incrementAndGet();
  }

  void onOver(Outcome outcome) {
    tokens.addAndGet(outcome.outputTokens());
    if (!outcome.right()) {
      wrong.incrementAndGet();
    }
    over.incrementAndGet();
  }

  /** {@code 12 of 64 requests, 8 open, 1 wrong, 31.5 tokens/s, 14 s} */
  String line() {
    double seconds = Math.max(1e-9, (ticker.nanos() - begin) / 1e9);
    int ended = over.get();
    return String.format(
        Locale.ROOT,
        "%d of %d requests, %d open%s, %.1f tokens/s, %.0f s",
        ended,
        requests,
        Math.max(0, sent.get() - ended),
        wrong.get() == 0 ? "" : ", " + wrong.get() + " wrong",
        tokens.get() / seconds,
        seconds);
  }
}
