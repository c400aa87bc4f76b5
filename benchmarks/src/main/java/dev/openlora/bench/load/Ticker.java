package dev.openlora.bench.load;

import java.util.concurrent.TimeUnit;

/** Time that only goes forward, and waiting in it; a test has its own. Any thread. */
interface Ticker {
  Ticker SYSTEM =
      new Ticker() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void sleepUntil(long nanos) throws InterruptedException {
          TimeUnit.NANOSECONDS.sleep(nanos - System.nanoTime());
        }
      };

  /** Nanoseconds since a moment of no meaning. */
  long nanos();

  /** Returns when {@link #nanos()} has reached {@code nanos}, at once when it has. */
  void sleepUntil(long nanos) throws InterruptedException;
}
