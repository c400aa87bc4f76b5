package dev.openlora.server.http;

import java.util.concurrent.atomic.AtomicLong;

/** Bytes that all requests may hold together. Any thread. */
final class ByteBudget {
  private final long max;
  private final AtomicLong taken = new AtomicLong();

  ByteBudget(long max) {
    this.max = max;
  }

  boolean take(long bytes) {
    if (taken.addAndGet(bytes) > max) {
      taken.addAndGet(-bytes);
      return false;
    }
    return true;
  }

  void giveBack(long bytes) {
    taken.addAndGet(-bytes);
  }

  long taken() {
    return taken.get();
  }
}
