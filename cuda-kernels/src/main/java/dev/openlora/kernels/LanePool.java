package dev.openlora.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Threads for work that is cut into shares; the caller's is the first of them, the others are made
 * when they are first needed. One caller at a time.
 */
final class LanePool implements AutoCloseable {
  private final String name;
  private final int threads;
  private @Nullable ExecutorService others;

  /**
   * @param name what the lanes do, in the names of their threads
   * @param threads the caller's included
   */
  LanePool(String name, int threads) {
    this.name = name;
    this.threads = threads;
  }

  /**
   * Runs the first share on the caller's thread and each other one on its own, no more than there
   * are threads. Waits for all of them before it says that one failed: the caller frees what they
   * use.
   */
  void run(List<Runnable> shares) {
    List<Future<?>> running = new ArrayList<>();
    for (Runnable share : shares.subList(1, shares.size())) {
      running.add(others().submit(share));
    }
    try {
      shares.getFirst().run();
    } finally {
      join(running);
    }
  }

  private ExecutorService others() {
    ExecutorService pool = others;
    if (pool == null) {
      pool =
          Executors.newFixedThreadPool(
              threads - 1, Thread.ofPlatform().daemon().name(name + "-", 1).factory());
      others = pool;
    }
    return pool;
  }

  private void join(List<Future<?>> running) {
    boolean interrupted = false;
    Throwable failure = null;
    for (Future<?> lane : running) {
      while (true) {
        try {
          lane.get();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          failure = e.getCause();
          break;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (failure != null) {
      throw new TorchException("a " + name + " lane failed: " + failure, failure);
    }
  }

  @Override
  public void close() {
    if (others != null) {
      others.close();
    }
  }
}
