package dev.openlora.server.finetuning;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;

/** What does the tuning, away from the threads and the memory that answers need. Any thread. */
public interface TuningWorker {
  /**
   * Begins a task, or goes on with it.
   *
   * @param events hears what the worker tells, on the thread that awaits its end
   * @throws IOException when it cannot begin
   */
  Run start(TuningTask task, Consumer<WorkerEvent> events) throws IOException;

  /** Whether a task may have rows of its own to measure on. */
  boolean takesValidation();

  /**
   * Ends what an earlier server left running in a task's folder, so that no two work there.
   *
   * @return whether there was something
   */
  boolean endLeftover(Path folder) throws IOException;

  /** One run of a task. */
  interface Run {
    /** Waits for the end; events come meanwhile. Call once, on the thread that started it. */
    Ending await();

    /** Asks it to write a checkpoint and end; any thread, any number of times. */
    void stop();
  }

  /**
   * How a run ended.
   *
   * @param status 0 done, 1 failed, 2 asked wrongly, 130 stopped with a checkpoint; anything else
   *     is a death
   * @param lastWords what it said last beside events; empty when nothing
   */
  record Ending(int status, String lastWords) {
    public static final int DONE = 0;
    public static final int FAILED = 1;
    public static final int ASKED_WRONGLY = 2;
    public static final int STOPPED = 130;
  }
}
