package dev.openlora.server.finetuning;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.finetuning.FineTuningException.Reason;
import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import dev.openlora.server.finetuning.StoredFile.Purpose;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files and jobs of one base model, in one folder that no other server uses. A job's file is
 * written before anybody hears of a change, so a server that starts again goes on where the last
 * one was: files are looked through again, waiting jobs wait, running ones go on from their
 * checkpoint, and the adapters of succeeded ones are served.
 *
 * <p>Any thread. What clients ask is answered here; {@link JobBook} keeps how the jobs stand,
 * {@link JobCheck} looks through their files, {@link JobRunner} runs them, all under the book's
 * lock.
 */
public final class FineTuning implements AutoCloseable {
  /**
   * What it works for.
   *
   * @param base the name of the model that is tuned
   * @param organization part of the names of results
   * @param accepting false: what is there can be looked at, and nothing is begun
   */
  public record Setup(String base, String organization, boolean accepting) {
    public Setup {
      if (!organization.matches("[A-Za-z0-9._-]{1,32}")) {
        throw new IllegalArgumentException(
            "organization: '" + organization + "' (expected: 1 to 32 of A-Z a-z 0-9 . _ -)");
      }
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(FineTuning.class);
  private static final int NAME_CHARACTERS_MAX = 90; // of the base, in the name of a result
  private static final int CLOSE_SECONDS = 45;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Setup setup;
  private final FineTuningLimits limits;
  private final TuningWorker worker;
  private final AdapterRegistry adapters;
  private final JobBook book;
  private final FileStore files;
  private final JobRunner runner;
  private final JobCheck check;
  private final ReentrantLock lock;

  /**
   * Opens a folder and takes stock; nothing runs before {@link #start}.
   *
   * @throws IOException when the folder cannot be used, or another server uses it
   */
  public FineTuning(
      Setup setup,
      Path folder,
      FineTuningLimits limits,
      TuningWorker worker,
      AdapterRegistry adapters,
      DatasetCheck check,
      Clock clock)
      throws IOException {
    this.setup = setup;
    this.limits = limits;
    this.worker = worker;
    this.adapters = adapters;
    this.book = new JobBook(folder, clock);
    this.lock = book.lock();
    boolean open = false;
    try {
      this.files = new FileStore(folder.resolve("files"), limits, clock);
      clearLeftovers();
      open = true;
    } finally {
      if (!open) {
        book.close();
      }
    }
    this.runner = new JobRunner(book, files, limits, worker, adapters, clock);
    this.check = new JobCheck(book, files, check, runner::begin);
  }

  /** Ends workers and deletes adapters that an earlier server left unfinished. */
  private void clearLeftovers() throws IOException {
    for (Job job : book.list()) {
      if (job.status() == Status.RUNNING && worker.endLeftover(book.jobFolder(job.id()))) {
        LOG.info("job {}: ended the worker that an earlier server left", job.id());
      }
      if (job.status() != Status.SUCCEEDED) {
        DurableFile.deleteFolder(book.adapterFolder(job.id()));
      }
    }
  }

  /** Where the adapters of succeeded jobs lie; a root that the registry must allow. */
  public static Path adapterRoot(Path folder) {
    return JobBook.adapterRoot(folder);
  }

  /** Serves the adapters of succeeded jobs, then goes on with what was left. */
  public void start() {
    for (Job job : list()) {
      switch (job.status()) {
        case SUCCEEDED -> serveAgain(job);
        case VALIDATING_FILES -> beginCheck(job.id());
        case QUEUED -> beginRun();
        case RUNNING -> {
          book.transition(job.id(), current -> current.with(Status.QUEUED));
          book.tell(job.id(), Level.INFO, "The server was started again; the job goes on.");
          beginRun();
        }
        case PAUSED, FAILED, CANCELLED -> {}
      }
    }
  }

  private void serveAgain(Job job) {
    try {
      adapters.load(job.modelName(), book.adapterFolder(job.id()).toAbsolutePath(), true);
    } catch (AdapterException e) {
      LOG.error(
          "adapter {} of job {} is NOT served: {}", job.modelName(), job.id(), e.getMessage());
    }
  }

  public FileStore files() {
    return files;
  }

  /** Begins an upload. */
  public FileStore.Upload upload() throws FineTuningException, IOException {
    checkAccepting();
    return files.begin();
  }

  /** Deletes a file that no unfinished job needs. */
  public void deleteFile(String id) throws FineTuningException, IOException {
    lock.lock();
    try {
      files.get(id);
      for (Job job : book.list()) {
        if (!job.status().isEnd() && job.spec().uses(id)) {
          throw new FineTuningException(
              Reason.CONFLICT,
              "id",
              "The file "
                  + id
                  + " is needed by the job "
                  + job.id()
                  + ", which is "
                  + job.status().word()
                  + ".");
        }
      }
      files.delete(id);
    } finally {
      lock.unlock();
    }
  }

  /** Takes a job; it is durable when this returns. */
  public Job create(JobRequest request) throws FineTuningException, IOException {
    checkAccepting();
    Job job;
    lock.lock();
    try {
      checkFile(JobCheck.TRAINING, request.trainingFile());
      if (request.validationFile() != null) {
        if (!worker.takesValidation()) {
          throw new FineTuningException(
              Reason.INVALID,
              JobCheck.VALIDATION,
              "validation_file is not supported by this server: a part of the training rows is"
                  + " held out.");
        }
        checkFile(JobCheck.VALIDATION, request.validationFile());
      }
      long waiting =
          book.list().stream()
              .filter(j -> j.status() == Status.VALIDATING_FILES || j.status() == Status.QUEUED)
              .count();
      if (waiting >= limits.waitingMax()) {
        throw new FineTuningException(
            Reason.BUSY,
            null,
            waiting
                + " fine-tuning jobs wait already (expected: at most "
                + limits.waitingMax()
                + "). Please try again when one has ended.");
      }
      book.makeRoom(limits.jobsMax());
      job =
          new Job(
              Ids.of("ftjob"),
              book.nextMillis(),
              setup.base(),
              resultName(request.suffix()),
              new Job.Spec(
                  request.trainingFile(),
                  request.validationFile(),
                  request.seed() == null ? RANDOM.nextInt(Integer.MAX_VALUE) : request.seed(),
                  request.hyperparameters(),
                  request.shape(),
                  request.metadata()),
              Status.VALIDATING_FILES,
              null,
              0,
              null,
              null,
              null,
              null,
              List.of(),
              List.of());
      book.add(job);
    } finally {
      lock.unlock();
    }
    book.tell(job.id(), Level.INFO, "Created fine-tuning job: " + job.id());
    book.tell(job.id(), Level.INFO, "Validating training file: " + job.spec().trainingFile());
    beginCheck(job.id());
    return job;
  }

  /** All jobs, the oldest first. */
  public List<Job> list() {
    return book.list();
  }

  public Job get(String id) throws FineTuningException {
    return book.get(id);
  }

  /** How far a job has come, if it runs. */
  public Progress progress(String id) {
    return runner.progress(id);
  }

  /** A job's events, the oldest first. */
  public List<JobEvent> events(String id) throws FineTuningException, IOException {
    book.get(id);
    return book.events(id);
  }

  /** Cancels a job; one that runs is cancelled when its worker has ended. */
  public Job cancel(String id) throws FineTuningException {
    return stop(id, Status.CANCELLED);
  }

  /** Stops a job so that it can go on later. */
  public Job pause(String id) throws FineTuningException {
    return stop(id, Status.PAUSED);
  }

  private Job stop(String id, Status as) throws FineTuningException {
    lock.lock();
    try {
      Job job = get(id);
      if (job.status().isEnd() || (job.status() == as)) {
        throw wrongState(job, as == Status.CANCELLED ? "cancelled" : "paused");
      }
      if (runner.stop(id, as)) {
        return job;
      }
      book.end(id, as);
      return get(id);
    } finally {
      lock.unlock();
    }
  }

  /** Lets a paused job wait again. */
  public Job resume(String id) throws FineTuningException {
    checkAccepting();
    Job job;
    lock.lock();
    try {
      job = get(id);
      if (job.status() != Status.PAUSED) {
        throw wrongState(job, "resumed");
      }
      // Looked through again: it may have been paused before that was done.
      job = book.transition(id, current -> current.with(Status.VALIDATING_FILES));
      book.tell(id, Level.INFO, "The job has been resumed.");
    } finally {
      lock.unlock();
    }
    beginCheck(id);
    return job;
  }

  private void beginCheck(String id) {
    if (setup.accepting()) {
      check.begin(id);
    }
  }

  private void beginRun() {
    if (setup.accepting()) {
      runner.begin();
    }
  }

  private static FineTuningException wrongState(Job job, String wanted) {
    return new FineTuningException(
        Reason.CONFLICT,
        "id",
        "Job " + job.id() + " is " + job.status().word() + " and cannot be " + wanted + ".");
  }

  private void checkAccepting() throws FineTuningException {
    if (!setup.accepting()) {
      throw new FineTuningException(
          Reason.OFF, null, "Fine-tuning is switched off on this server (tuning.enabled).");
    }
  }

  private void checkFile(String param, String id) throws FineTuningException {
    StoredFile file = files.find(id);
    if (file == null) {
      throw new FineTuningException(
          Reason.INVALID,
          param,
          param + ": " + Excerpt.of(id) + " (expected: the id of an uploaded file).");
    }
    if (file.purpose() != Purpose.FINE_TUNE) {
      throw new FineTuningException(
          Reason.INVALID,
          param,
          param
              + ": "
              + id
              + " has the purpose '"
              + file.purpose().word()
              + "' (expected: 'fine-tune').");
    }
  }

  private String resultName(@Nullable String suffix) {
    String base = setup.base().replaceAll("[^A-Za-z0-9._/-]", "-");
    return "ft:"
        + base.substring(0, Math.min(base.length(), NAME_CHARACTERS_MAX))
        + ":"
        + setup.organization()
        + ":"
        + Objects.requireNonNullElse(suffix, "")
        + ":"
        + Ids.random(8);
  }

  /** Stops what runs, each with a checkpoint, and leaves the folder to the next server. */
  @Override
  public void close() {
    lock.lock();
    try {
      book.beginClosing();
      runner.stopAll();
    } finally {
      lock.unlock();
    }
    check.shutdown();
    runner.shutdown();
    try {
      if (!runner.awaitEnd(CLOSE_SECONDS) || !check.awaitEnd(CLOSE_SECONDS)) {
        LOG.error("a fine-tuning job did not stop in {} s", CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    book.close();
  }
}
