package dev.openlora.server.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Makes SIGTERM and Ctrl-C a question instead of an end, for a command that has something to bring
 * home first: {@link #asked} becomes true, and the process ends with the command's own status once
 * this is closed. Any thread.
 */
final class Interruption implements AutoCloseable {
  /** As shells say for a command that was interrupted. */
  static final int STATUS = 130;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook =
      Thread.ofPlatform().name("interruption").unstarted(this::waitForTheCommand);
  private volatile boolean asked;
  private volatile int status = 1;

  private Interruption() {}

  static Interruption listen() {
    Interruption interruption = new Interruption();
    Runtime.getRuntime().addShutdownHook(interruption.hook);
    return interruption;
  }

  boolean asked() {
    return asked;
  }

  /** What the process is to end with if it was interrupted; 1 until this is called. */
  void endWith(int wanted) {
    status = wanted;
  }

  private void waitForTheCommand() {
    asked = true;
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(status);
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      closed.countDown(); // the process is ending, and waits for this
    }
  }
}
