package dev.openlora.server.finetuning;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import dev.openlora.server.finetuning.StoredFile.Purpose;
import dev.openlora.server.finetuning.TuningWorker.Ending;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the jobs that wait, the oldest first: hands each to a worker, begins it again when the
 * worker died, and has the finished adapter served before it says so.
 *
 * <p>Any thread. Each job that runs has a thread, which is the only one to start, hear and bury its
 * worker. That thread is one of the system's and lives as long as the worker, which may ask the
 * system to end with it.
 */
final class JobRunner {
  private static final Logger LOG = LoggerFactory.getLogger(JobRunner.class);
  private static final int WORDS_CHARACTERS_MAX = 2000;

  private final JobBook book;
  private final FileStore files;
  private final FineTuningLimits limits;
  private final TuningWorker worker;
  private final AdapterRegistry adapters;
  private final Clock clock;
  private final ExecutorService runners;
  private final ReentrantLock lock;
  private final Map<String, ActiveJob> active = new HashMap<>(); // guarded by lock

  JobRunner(
      JobBook book,
      FileStore files,
      FineTuningLimits limits,
      TuningWorker worker,
      AdapterRegistry adapters,
      Clock clock) {
    this.book = book;
    this.files = files;
    this.limits = limits;
    this.worker = worker;
    this.adapters = adapters;
    this.clock = clock;
    this.lock = book.lock();
    this.runners =
        Executors.newFixedThreadPool(
            limits.runningMax(), Thread.ofPlatform().name("tuning-", 0).daemon().factory());
  }

  /** A job waits: it is run as soon as fewer than the most run. */
  void begin() {
    lock.lock();
    try {
      if (!book.isClosing()) {
        runners.execute(this::runNext);
      }
    } finally {
      lock.unlock();
    }
  }

  Progress progress(String id) {
    lock.lock();
    try {
      ActiveJob running = active.get(id);
      return running == null ? Progress.NONE : running.progress();
    } finally {
      lock.unlock();
    }
  }

  /** Stops a job when its worker has ended; false when it does not run. */
  boolean stop(String id, Status as) {
    lock.lock();
    try {
      ActiveJob running = active.get(id);
      if (running != null) {
        running.stop(as);
      }
      return running != null;
    } finally {
      lock.unlock();
    }
  }

  /** Asks all workers to end, each with a checkpoint. */
  void stopAll() {
    lock.lock();
    try {
      active.values().forEach(ActiveJob::stopWorker);
    } finally {
      lock.unlock();
    }
  }

  /** Begins no more. */
  void shutdown() {
    runners.shutdown();
  }

  boolean awaitEnd(long seconds) throws InterruptedException {
    return runners.awaitTermination(seconds, TimeUnit.SECONDS);
  }

  /** Runs the oldest job that waits, if there still is one. */
  private void runNext() {
    Job job = null;
    ActiveJob running = null;
    lock.lock();
    try {
      for (Job each : book.list()) {
        if (each.status() == Status.QUEUED) {
          job = each;
          break;
        }
      }
      if (job == null || book.isClosing()) {
        return;
      }
      book.openLog(job.id());
      running = new ActiveJob(job.id(), book, clock);
      active.put(job.id(), running);
      job = book.transition(job.id(), current -> current.with(Status.RUNNING));
    } catch (IOException e) {
      LOG.error("job {} cannot be begun", job == null ? "" : job.id(), e);
      if (job != null) {
        book.fail(
            job.id(), new Job.Failure("server_error", null, "The job's folder cannot be written."));
      }
      return;
    } finally {
      lock.unlock();
    }
    boolean ended = false;
    try {
      run(job.id(), running);
      ended = true;
    } catch (RuntimeException e) {
      LOG.error("job {}: the server failed", job.id(), e);
    } finally {
      lock.lock();
      try {
        if (!ended) {
          book.fail(
              job.id(),
              new Job.Failure("server_error", null, "The server failed; its log says why."));
        }
        active.remove(job.id());
        book.closeLog(job.id());
      } catch (IOException e) {
        LOG.warn("job {}: its log cannot be closed", job.id(), e);
      } finally {
        lock.unlock();
      }
    }
  }

  private void run(String id, ActiveJob running) {
    for (; ; ) {
      Job job;
      TuningTask task;
      lock.lock();
      try {
        job = book.current(id);
        if (stopped(job, running)) {
          return;
        }
        job = book.transition(id, current -> current.withAttempts(current.attempts() + 1));
        task = task(job);
      } finally {
        lock.unlock();
      }
      Ending ending;
      try {
        ending = attempt(job, task, running);
      } catch (IOException e) {
        LOG.error("job {}: no worker can be started", id, e);
        book.fail(
            job.id(),
            new Job.Failure(
                "server_error", null, "No worker can be started: " + e.getMessage() + "."));
        return;
      }
      if (settled(id, running, ending)) {
        return;
      }
    }
  }

  private TuningTask task(Job job) {
    String validation = job.spec().validationFile();
    return new TuningTask(
        job.id(),
        book.jobFolder(job.id()),
        book.workFolder(job.id()),
        book.workFolder(job.id()).resolve("adapter"),
        contentOf(job.spec().trainingFile()),
        validation == null ? null : contentOf(validation),
        job.spec().seed(),
        job.batchTokens(),
        job.spec().hyperparameters(),
        job.spec().shape());
  }

  private Path contentOf(String fileId) {
    StoredFile file = files.find(fileId);
    if (file == null) {
      throw new IllegalStateException(fileId + " was deleted while a job needs it");
    }
    return files.content(file);
  }

  private Ending attempt(Job job, TuningTask task, ActiveJob running) throws IOException {
    Files.createDirectories(task.work());
    DurableFile.deleteFolder(task.output()); // finished, but not taken over
    LOG.info("job {}: attempt {} begins", job.id(), job.attempts());
    TuningWorker.Run run = worker.start(task, running::hear);
    lock.lock();
    try {
      running.begun(run);
      if (running.stopFor() != null || book.isClosing()) {
        run.stop();
      }
    } finally {
      lock.unlock();
    }
    try {
      return run.await();
    } finally {
      lock.lock();
      try {
        running.ended();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Draws the conclusion from a worker's end; false when the job is to be begun again. */
  private boolean settled(String id, ActiveJob running, Ending ending) {
    Job job;
    WorkerEvent.Done done;
    WorkerEvent.Failed failed;
    lock.lock();
    try {
      job = book.current(id);
      if (book.isClosing() || running.stopFor() == Status.PAUSED) {
        // The attempt does not count: that it ended is no fault of the job's.
        job = book.transition(id, now -> now.withAttempts(now.attempts() - 1));
      }
      if (stopped(job, running)) {
        return true;
      }
      done = running.done();
      failed = running.failed();
    } finally {
      lock.unlock();
    }
    if (ending.status() == Ending.DONE && done != null) {
      succeed(job, done);
      return true;
    }
    boolean gaveUp = ending.status() == Ending.FAILED || ending.status() == Ending.ASKED_WRONGLY;
    if (gaveUp && failed != null) {
      book.fail(job.id(), failure(job, failed.message()));
      return true;
    }
    if (ending.status() == Ending.ASKED_WRONGLY) {
      book.fail(
          job.id(),
          new Job.Failure(
              "server_error", null, "The worker refused its task." + said(ending.lastWords())));
      return true;
    }
    String death = "The worker ended with status " + ending.status() + ".";
    LOG.warn("job {}: {}{}", id, death, said(ending.lastWords()));
    if (job.attempts() >= limits.attemptsMax()) {
      book.fail(
          job.id(),
          new Job.Failure(
              "worker_died",
              null,
              death
                  + " The job was begun "
                  + job.attempts()
                  + " times, which is as often as it may be."
                  + said(ending.lastWords())));
      return true;
    }
    book.tell(
        id,
        Level.WARN,
        death
            + (job.checkpoints().isEmpty()
                ? " The job is begun again."
                : " The job goes on from step " + job.checkpoints().getLast().step() + "."));
    return false;
  }

  /** The worker's reason in the client's words: files by their fields, not by where they lie. */
  private Job.Failure failure(Job job, String message) {
    String said =
        message
            .replace(
                contentOf(job.spec().trainingFile()).toAbsolutePath().toString(), JobCheck.TRAINING)
            .replace(book.folder().toAbsolutePath().toString(), "");
    return said.startsWith(JobCheck.TRAINING)
        ? new Job.Failure("invalid_training_file", JobCheck.TRAINING, said)
        : new Job.Failure("tuning_failed", null, said);
  }

  /** Whether a run ends because somebody wanted so. Under the lock. */
  private boolean stopped(Job job, ActiveJob running) {
    Status as = running.stopFor();
    if (as != null) {
      book.end(job.id(), as);
      return true;
    }
    return book.isClosing(); // its file says that it runs, so the next server goes on with it
  }

  private static String said(String lastWords) {
    return lastWords.isBlank()
        ? ""
        : " It said last: " + Excerpt.bare(lastWords.strip(), WORDS_CHARACTERS_MAX);
  }

  private void succeed(Job job, WorkerEvent.Done done) {
    try {
      Path made = book.workFolder(job.id()).resolve(done.adapter()).toRealPath();
      if (!made.startsWith(book.jobFolder(job.id()).toRealPath()) || !Files.isDirectory(made)) {
        throw new IOException("the worker named no folder of its own: " + done.adapter());
      }
      Path kept = book.adapterFolder(job.id());
      DurableFile.deleteFolder(kept);
      DurableFile.move(made, kept);
      Adapter adapter = adapters.load(job.modelName(), kept.toAbsolutePath(), false);
      List<String> results = results(job);
      lock.lock();
      try {
        ActiveJob running = active.get(job.id());
        if (running != null && running.stopFor() == Status.CANCELLED) {
          adapters.unload(job.modelName());
          book.end(job.id(), Status.CANCELLED);
          return;
        }
        book.transition(
            job.id(),
            now ->
                now.succeeded(
                    clock.millis(), done.trainedTokens(), adapter.id().sha256(), results));
        book.tell(job.id(), Level.INFO, "New fine-tuned model created: " + job.modelName());
        book.tell(job.id(), Level.INFO, "The job has successfully completed");
      } finally {
        lock.unlock();
      }
      DurableFile.deleteFolder(book.workFolder(job.id()));
    } catch (AdapterException e) {
      book.fail(
          job.id(),
          new Job.Failure(
              "model_not_served", null, "The result cannot be served: " + e.getMessage()));
    } catch (IOException e) {
      LOG.error("job {}: its result cannot be kept", job.id(), e);
      book.fail(
          job.id(),
          new Job.Failure("server_error", null, "The result cannot be kept: " + e.getMessage()));
    }
  }

  /** The losses by step as a file; none when there is no room for it. */
  private List<String> results(Job job) throws IOException {
    StringBuilder csv = new StringBuilder("step,train_loss,valid_loss\n");
    for (JobEvent event : book.events(job.id())) {
      Double step = event.data().get("step");
      if (step != null) {
        csv.append(String.format(Locale.ROOT, "%.0f,", step))
            .append(number(event.data().get("train_loss")))
            .append(',')
            .append(number(event.data().get("valid_loss")))
            .append('\n');
      }
    }
    try (FileStore.Upload upload = files.begin()) {
      byte[] bytes = csv.toString().getBytes(StandardCharsets.UTF_8);
      upload.write(bytes, 0, bytes.length);
      return List.of(upload.keep("step_metrics.csv", Purpose.FINE_TUNE_RESULTS).id());
    } catch (FineTuningException e) {
      book.tell(job.id(), Level.WARN, "There is no room for the result file: " + e.getMessage());
      return List.of();
    }
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : value.toString();
  }
}
