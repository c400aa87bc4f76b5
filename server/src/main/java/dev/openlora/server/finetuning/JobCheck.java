package dev.openlora.server.finetuning;

import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import java.io.IOException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks through the files of new jobs, one job after the other on a thread of its own, and queues
 * or fails them. Any thread.
 */
final class JobCheck {
  static final String TRAINING = "training_file";
  static final String VALIDATION = "validation_file";
  private static final Logger LOG = LoggerFactory.getLogger(JobCheck.class);
  private static final int BATCH_TOKENS_MAX = 1 << 20;

  private final JobBook book;
  private final FileStore files;
  private final DatasetCheck check;
  private final Runnable queued;
  private final ReentrantLock lock;
  private final ExecutorService checker =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("tuning-check").daemon().factory());

  /**
   * @param queued hears when a job waits to be run
   */
  JobCheck(JobBook book, FileStore files, DatasetCheck check, Runnable queued) {
    this.book = book;
    this.files = files;
    this.check = check;
    this.queued = queued;
    this.lock = book.lock();
  }

  /** Has the files of a job looked through soon. */
  void begin(String id) {
    lock.lock();
    try {
      if (!book.isClosing()) {
        checker.execute(() -> checkFiles(id));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Begins no more, and interrupts what is looked through. */
  void shutdown() {
    checker.shutdownNow();
  }

  boolean awaitEnd(long seconds) throws InterruptedException {
    return checker.awaitTermination(seconds, TimeUnit.SECONDS);
  }

  private void checkFiles(String id) {
    Job job;
    lock.lock();
    try {
      job = book.find(id);
      if (job == null || job.status() != Status.VALIDATING_FILES || book.isClosing()) {
        return;
      }
    } finally {
      lock.unlock();
    }
    Job.Failure failure = null;
    Integer batchTokens = null;
    try {
      batchTokens = batchTokens(job, look(TRAINING, job.spec().trainingFile()));
      if (job.spec().validationFile() != null) {
        look(VALIDATION, job.spec().validationFile());
      }
    } catch (RefusedFileException e) {
      failure = e.failure;
    }
    lock.lock();
    try {
      Job now = book.find(id);
      if (now == null || now.status() != Status.VALIDATING_FILES || book.isClosing()) {
        return; // cancelled meanwhile
      }
      if (failure != null) {
        book.fail(id, failure);
        return;
      }
      Integer tokens = batchTokens;
      book.transition(id, current -> current.queued(tokens));
      book.tell(id, Level.INFO, "Files validated, moving job to queued state");
      if (tokens != null) {
        book.tell(
            id,
            Level.INFO,
            "A batch size of "
                + job.spec().hyperparameters().batchSize()
                + " rows is about "
                + tokens
                + " tokens here: batches are filled by tokens.");
      }
    } finally {
      lock.unlock();
    }
    queued.run();
  }

  private DatasetCheck.Found look(String param, String fileId) throws RefusedFileException {
    StoredFile file = files.find(fileId);
    if (file == null) {
      throw new RefusedFileException(param, "The file " + fileId + " is gone.");
    }
    try {
      return check.check(files.content(file));
    } catch (DatasetCheck.RefusedException e) {
      String line = e.line() > 0 ? "Line " + e.line() + ": " : "";
      throw new RefusedFileException(param, line + e.getMessage());
    } catch (IOException e) {
      LOG.error("file {} cannot be read", fileId, e);
      throw new RefusedFileException(param, "It cannot be read.");
    }
  }

  /** A file that its job fails for. */
  private static final class RefusedFileException extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Job.Failure failure;

    RefusedFileException(String param, String why) {
      super(why);
      failure =
          new Job.Failure(
              "invalid_" + param,
              param,
              "The job failed due to an invalid " + param.replace('_', ' ') + ". " + why);
    }
  }

  /** As many as the asked rows have on the average, and no fewer than the longest row. */
  private static @Nullable Integer batchTokens(Job job, DatasetCheck.Found found) {
    Integer rows = job.spec().hyperparameters().batchSize();
    return rows == null
        ? null
        : (int)
            Math.clamp(
                Math.ceil(Math.max(rows * found.meanTokens(), found.longestTokens())),
                2,
                BATCH_TOKENS_MAX);
  }
}
