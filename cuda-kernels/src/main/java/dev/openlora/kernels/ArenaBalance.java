package dev.openlora.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Counts what arenas hold, so that a test can show that nothing leaks. Any thread. */
final class ArenaBalance {
  private static final AtomicLong BYTES = new AtomicLong();
  private static final AtomicInteger ARENAS = new AtomicInteger();

  private ArenaBalance() {}

  static void opened() {
    ARENAS.incrementAndGet();
  }

  static void closed() {
    ARENAS.decrementAndGet();
  }

  static void reserved(long bytes) {
    BYTES.addAndGet(bytes);
  }

  static long openBytes() {
    return BYTES.get();
  }

  static int openArenas() {
    return ARENAS.get();
  }
}
