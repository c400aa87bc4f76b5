package dev.openlora.server.admission;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many requests are worked on at once. A slot is held from before the body is understood until
 * the last byte of the answer is handed over and all its generations have ended. Any thread.
 */
public final class RequestSlots {
  /** A request that is not taken now. */
  public static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;
    private final boolean draining;

    RefusedException(boolean draining, String message) {
      super(message);
      this.draining = draining;
    }

    /** Whether the server is going away, rather than being full. */
    public boolean draining() {
      return draining;
    }
  }

  /** One request's right to be worked on. Closing it again does nothing. */
  public final class Slot implements AutoCloseable {
    private boolean open = true; // guarded by lock

    @Override
    public void close() {
      lock.lock();
      try {
        if (open) {
          open = false;
          taken--;
          released.signalAll();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  private final int max;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition released = lock.newCondition();
  private int taken; // guarded by lock
  private boolean draining; // guarded by lock

  public RequestSlots(int max) {
    if (max < 1) {
      throw new IllegalArgumentException("requestsMax: " + max + " (expected: at least 1)");
    }
    this.max = max;
  }

  public Slot take() throws RefusedException {
    lock.lock();
    try {
      if (draining) {
        throw new RefusedException(true, "The server is shutting down. Please try again.");
      }
      if (taken == max) {
        throw new RefusedException(
            false, "The server is working on " + max + " requests already. Please try again.");
      }
      taken++;
      return new Slot();
    } finally {
      lock.unlock();
    }
  }

  public int taken() {
    lock.lock();
    try {
      return taken;
    } finally {
      lock.unlock();
    }
  }

  public boolean draining() {
    lock.lock();
    try {
      return draining;
    } finally {
      lock.unlock();
    }
  }

  /** From now on no slot is given. */
  public void drain() {
    lock.lock();
    try {
      draining = true;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all slots are back; returns false when that took too long. */
  public boolean awaitIdle(Duration limit) throws InterruptedException {
    long nanos = limit.toNanos();
    lock.lock();
    try {
      while (taken > 0) {
        if (nanos <= 0) {
          return false;
        }
        nanos = released.awaitNanos(nanos);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }
}
