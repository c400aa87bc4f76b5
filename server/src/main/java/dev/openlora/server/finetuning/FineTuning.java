package dev.openlora.server.finetuning;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.finetuning.FineTuningException.Reason;
import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import dev.openlora.server.finetuning.StoredFile.Purpose;
import dev.openlora.server.finetuning.TuningWorker.Ending;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * Files and jobs of one base model, in one folder that no other server uses. A job's file is
 * written before anybody hears of a change, so a server that starts again goes on where the last
 * one was: files are looked through again, waiting jobs wait, running ones go on from their
 * checkpoint, and the adapters of succeeded ones are served.
 *
 * <p>Any thread. {@code lock} guards what is said of jobs and is held across the writing of their
 * small files, never across a worker, an adapter or an upload. One thread looks through files; each
 * job that runs has a thread, which is the only one to start, hear and bury its worker. That thread
 * is one of the system's and lives as long as the worker, which may ask the system to end with it.
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
  private static final int BATCH_TOKENS_MAX = 1 << 20;
  private static final String TRAINING = "training_file";
  private static final int STEPS_TOLD = 1000;
  private static final int WORDS_CHARACTERS_MAX = 2000;
  private static final int CLOSE_SECONDS = 45;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Setup setup;
  private final Path folder;
  private final FineTuningLimits limits;
  private final TuningWorker worker;
  private final AdapterRegistry adapters;
  private final DatasetCheck check;
  private final Clock clock;
  private final FileChannel folderLock;
  private final FileStore files;
  private final ExecutorService checker =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("tuning-check").daemon().factory());
  private final ExecutorService runners;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Job> jobs = new LinkedHashMap<>(); // guarded by lock
  private final Map<String, Active> active = new HashMap<>(); // guarded by lock
  private long latestMillis; // guarded by lock
  private boolean closing; // guarded by lock

  /** A job that runs; its fields are guarded by the lock. */
  private static final class Active {
    final EventLog events;
    Progress progress = Progress.NONE;
    TuningWorker.@Nullable Run run;
    @Nullable Status stopFor;
    WorkerEvent.@Nullable Done done;
    WorkerEvent.@Nullable Failed failed;

    Active(EventLog events) {
      this.events = events;
    }
  }

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
    this.folder = folder;
    this.limits = limits;
    this.worker = worker;
    this.adapters = adapters;
    this.check = check;
    this.clock = clock;
    Files.createDirectories(folder.resolve("jobs"));
    Files.createDirectories(adapterRoot(folder));
    this.runners =
        Executors.newFixedThreadPool(
            limits.runningMax(), Thread.ofPlatform().name("tuning-", 0).daemon().factory());
    this.folderLock = take(folder);
    boolean open = false;
    try {
      this.files = new FileStore(folder.resolve("files"), limits, clock);
      readJobs();
      open = true;
    } finally {
      if (!open) {
        folderLock.close();
      }
    }
  }

  /** Where the adapters of succeeded jobs lie; a root that the registry must allow. */
  public static Path adapterRoot(Path folder) {
    return folder.resolve("adapters");
  }

  private static FileChannel take(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock taken = channel.tryLock();
      if (taken != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      LOG.debug("{} is used by this very process", folder);
    }
    channel.close();
    throw new IOException("the folder " + folder + " is used by another server");
  }

  private void readJobs() throws IOException {
    List<Job> found = new ArrayList<>();
    try (Stream<Path> entries = Files.list(folder.resolve("jobs"))) {
      for (Path path : entries.sorted().toList()) {
        Path file = path.resolve("job.json");
        if (!Files.isRegularFile(file)) {
          DurableFile.deleteFolder(path); // its creation was cut short
          continue;
        }
        try {
          found.add(JobJson.read(Files.readAllBytes(file)));
        } catch (JacksonException | IllegalArgumentException e) {
          throw new IOException(file + ": not a job: " + e.getMessage(), e);
        }
      }
    }
    found.sort(Comparator.comparingLong(Job::createdMillis).thenComparing(Job::id));
    lock.lock();
    try {
      for (Job job : found) {
        jobs.put(job.id(), job);
        latestMillis = Math.max(latestMillis, job.createdMillis());
        if (job.status() == Status.RUNNING && worker.endLeftover(jobFolder(job.id()))) {
          LOG.info("job {}: ended the worker that an earlier server left", job.id());
        }
        if (job.status() != Status.SUCCEEDED) {
          DurableFile.deleteFolder(adapterFolder(job.id()));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Serves the adapters of succeeded jobs, then goes on with what was left. */
  public void start() {
    for (Job job : list()) {
      switch (job.status()) {
        case SUCCEEDED -> serveAgain(job);
        case VALIDATING_FILES -> beginCheck(job.id());
        case QUEUED -> beginRun();
        case RUNNING -> {
          transition(job.id(), current -> current.with(Status.QUEUED));
          tell(job.id(), Level.INFO, "The server was started again; the job goes on.");
          beginRun();
        }
        case PAUSED, FAILED, CANCELLED -> {}
      }
    }
  }

  private void serveAgain(Job job) {
    try {
      adapters.load(job.modelName(), adapterFolder(job.id()).toAbsolutePath(), true);
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
      for (Job job : jobs.values()) {
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
      checkFile(TRAINING, request.trainingFile());
      if (request.validationFile() != null) {
        if (!worker.takesValidation()) {
          throw new FineTuningException(
              Reason.INVALID,
              "validation_file",
              "validation_file is not supported by this server: a part of the training rows is"
                  + " held out.");
        }
        checkFile("validation_file", request.validationFile());
      }
      long waiting =
          jobs.values().stream()
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
      makeRoom();
      latestMillis = Math.max(clock.millis(), latestMillis + 1);
      String id = Ids.of("ftjob");
      job =
          new Job(
              id,
              latestMillis,
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
      boolean complete = false;
      try {
        Files.createDirectory(jobFolder(id));
        write(job);
        complete = true;
      } finally {
        if (!complete) {
          DurableFile.deleteFolder(jobFolder(id));
        }
      }
      jobs.put(id, job);
    } finally {
      lock.unlock();
    }
    tell(job.id(), Level.INFO, "Created fine-tuning job: " + job.id());
    tell(job.id(), Level.INFO, "Validating training file: " + job.spec().trainingFile());
    beginCheck(job.id());
    return job;
  }

  /** All jobs, the oldest first. */
  public List<Job> list() {
    lock.lock();
    try {
      return List.copyOf(jobs.values());
    } finally {
      lock.unlock();
    }
  }

  public Job get(String id) throws FineTuningException {
    lock.lock();
    try {
      Job job = jobs.get(id);
      if (job == null) {
        throw new FineTuningException(
            Reason.NOT_FOUND, "id", "Could not find fine tune: " + Excerpt.of(id) + ".");
      }
      return job;
    } finally {
      lock.unlock();
    }
  }

  /** How far a job has come, if it runs. */
  public Progress progress(String id) {
    lock.lock();
    try {
      Active running = active.get(id);
      return running == null ? Progress.NONE : running.progress;
    } finally {
      lock.unlock();
    }
  }

  /** A job's events, the oldest first. */
  public List<JobEvent> events(String id) throws FineTuningException, IOException {
    get(id);
    return EventLog.read(eventFile(id));
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
      Active running = active.get(id);
      if (running != null) {
        running.stopFor = running.stopFor == Status.CANCELLED ? Status.CANCELLED : as;
        if (running.run != null) {
          running.run.stop();
        }
        return job;
      }
      end(job, as);
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
      job = transition(id, current -> current.with(Status.VALIDATING_FILES));
      tell(id, Level.INFO, "The job has been resumed.");
    } finally {
      lock.unlock();
    }
    beginCheck(id);
    return job;
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

  /** Forgets the oldest job that left no model, when there are as many as may be. */
  private void makeRoom() throws FineTuningException, IOException {
    if (jobs.size() < limits.jobsMax()) {
      return;
    }
    for (Job job : jobs.values()) {
      if (job.status() == Status.FAILED || job.status() == Status.CANCELLED) {
        DurableFile.deleteFolder(jobFolder(job.id()));
        jobs.remove(job.id());
        return;
      }
    }
    throw new FineTuningException(
        Reason.NO_SPACE,
        null,
        "There are "
            + jobs.size()
            + " fine-tuning jobs, all with a model or under way (expected: at most "
            + limits.jobsMax()
            + ").");
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

  // --- looking through files -------------------------------------------------------------------

  private void beginCheck(String id) {
    lock.lock();
    try {
      if (!closing && setup.accepting()) {
        checker.execute(() -> checkFiles(id));
      }
    } finally {
      lock.unlock();
    }
  }

  private void checkFiles(String id) {
    Job job;
    lock.lock();
    try {
      job = jobs.get(id);
      if (job == null || job.status() != Status.VALIDATING_FILES || closing) {
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
        look("validation_file", job.spec().validationFile());
      }
    } catch (RefusedFileException e) {
      failure = e.failure;
    }
    lock.lock();
    try {
      Job now = jobs.get(id);
      if (now == null || now.status() != Status.VALIDATING_FILES || closing) {
        return; // cancelled meanwhile
      }
      if (failure != null) {
        fail(now, failure);
        return;
      }
      Integer tokens = batchTokens;
      transition(id, current -> current.queued(tokens));
      tell(id, Level.INFO, "Files validated, moving job to queued state");
      if (tokens != null) {
        tell(
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
    beginRun();
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

  // --- running ---------------------------------------------------------------------------------

  private void beginRun() {
    lock.lock();
    try {
      if (!closing && setup.accepting()) {
        runners.execute(this::runNext);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Runs the oldest job that waits, if there still is one. */
  private void runNext() {
    Job job = null;
    Active running = null;
    lock.lock();
    try {
      for (Job each : jobs.values()) {
        if (each.status() == Status.QUEUED) {
          job = each;
          break;
        }
      }
      if (job == null || closing) {
        return;
      }
      running = new Active(new EventLog(eventFile(job.id())));
      active.put(job.id(), running);
      job = transition(job.id(), current -> current.with(Status.RUNNING));
    } catch (IOException e) {
      LOG.error("job {} cannot be begun", job == null ? "" : job.id(), e);
      if (job != null) {
        fail(job, new Job.Failure("server_error", null, "The job's folder cannot be written."));
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
          fail(job, new Job.Failure("server_error", null, "The server failed; its log says why."));
        }
        active.remove(job.id());
        running.events.close();
      } catch (IOException e) {
        LOG.warn("job {}: its log cannot be closed", job.id(), e);
      } finally {
        lock.unlock();
      }
    }
  }

  private void run(String id, Active running) {
    for (; ; ) {
      Job job;
      TuningTask task;
      lock.lock();
      try {
        job = Objects.requireNonNull(jobs.get(id), id);
        if (stopped(job, running)) {
          return;
        }
        job = transition(id, current -> current.withAttempts(current.attempts() + 1));
        task = task(job);
      } finally {
        lock.unlock();
      }
      Ending ending;
      try {
        ending = attempt(job, task, running);
      } catch (IOException e) {
        LOG.error("job {}: no worker can be started", id, e);
        fail(
            job,
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
        jobFolder(job.id()),
        workFolder(job.id()),
        workFolder(job.id()).resolve("adapter"),
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

  private Ending attempt(Job job, TuningTask task, Active running) throws IOException {
    Files.createDirectories(task.work());
    DurableFile.deleteFolder(task.output()); // finished, but not taken over
    LOG.info("job {}: attempt {} begins", job.id(), job.attempts());
    TuningWorker.Run run = worker.start(task, event -> hear(job.id(), running, event));
    lock.lock();
    try {
      running.done = null;
      running.failed = null;
      running.run = run;
      if (running.stopFor != null || closing) {
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
        running.run = null;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Draws the conclusion from a worker's end; false when the job is to be begun again. */
  private boolean settled(String id, Active running, Ending ending) {
    Job job;
    WorkerEvent.Done done;
    WorkerEvent.Failed failed;
    lock.lock();
    try {
      job = Objects.requireNonNull(jobs.get(id), id);
      if (closing || running.stopFor == Status.PAUSED) {
        job = transition(id, now -> now.withAttempts(now.attempts() - 1)); // it is no fault of its
      }
      if (stopped(job, running)) {
        return true;
      }
      done = running.done;
      failed = running.failed;
    } finally {
      lock.unlock();
    }
    if (ending.status() == Ending.DONE && done != null) {
      succeed(job, done);
      return true;
    }
    boolean gaveUp = ending.status() == Ending.FAILED || ending.status() == Ending.ASKED_WRONGLY;
    if (gaveUp && failed != null) {
      fail(job, failure(job, failed.message()));
      return true;
    }
    if (ending.status() == Ending.ASKED_WRONGLY) {
      fail(
          job,
          new Job.Failure(
              "server_error", null, "The worker refused its task." + said(ending.lastWords())));
      return true;
    }
    String death = "The worker ended with status " + ending.status() + ".";
    LOG.warn("job {}: {}{}", id, death, said(ending.lastWords()));
    if (job.attempts() >= limits.attemptsMax()) {
      fail(
          job,
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
    tell(
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
            .replace(contentOf(job.spec().trainingFile()).toAbsolutePath().toString(), TRAINING)
            .replace(folder.toAbsolutePath().toString(), "");
    return said.startsWith(TRAINING)
        ? new Job.Failure("invalid_training_file", TRAINING, said)
        : new Job.Failure("tuning_failed", null, said);
  }

  /** Whether a run ends because somebody wanted so. Under the lock. */
  private boolean stopped(Job job, Active running) {
    if (running.stopFor != null) {
      end(job, running.stopFor);
      return true;
    }
    return closing; // its file says that it runs, so the next server goes on with it
  }

  private static String said(String lastWords) {
    return lastWords.isBlank()
        ? ""
        : " It said last: " + Excerpt.bare(lastWords.strip(), WORDS_CHARACTERS_MAX);
  }

  private void succeed(Job job, WorkerEvent.Done done) {
    try {
      Path made = workFolder(job.id()).resolve(done.adapter()).toRealPath();
      if (!made.startsWith(jobFolder(job.id()).toRealPath()) || !Files.isDirectory(made)) {
        throw new IOException("the worker named no folder of its own: " + done.adapter());
      }
      Path kept = adapterFolder(job.id());
      DurableFile.deleteFolder(kept);
      DurableFile.move(made, kept);
      Adapter adapter = adapters.load(job.modelName(), kept.toAbsolutePath(), false);
      List<String> results = results(job);
      lock.lock();
      try {
        Job current = Objects.requireNonNull(jobs.get(job.id()), job.id());
        Active running = active.get(job.id());
        if (running != null && running.stopFor == Status.CANCELLED) {
          adapters.unload(job.modelName());
          end(current, Status.CANCELLED);
          return;
        }
        transition(
            job.id(),
            now ->
                now.succeeded(
                    clock.millis(), done.trainedTokens(), adapter.id().sha256(), results));
        tell(job.id(), Level.INFO, "New fine-tuned model created: " + job.modelName());
        tell(job.id(), Level.INFO, "The job has successfully completed");
      } finally {
        lock.unlock();
      }
      DurableFile.deleteFolder(workFolder(job.id()));
    } catch (AdapterException e) {
      fail(
          job,
          new Job.Failure(
              "model_not_served", null, "The result cannot be served: " + e.getMessage()));
    } catch (IOException e) {
      LOG.error("job {}: its result cannot be kept", job.id(), e);
      fail(
          job,
          new Job.Failure("server_error", null, "The result cannot be kept: " + e.getMessage()));
    }
  }

  /** The losses by step as a file; none when there is no room for it. */
  private List<String> results(Job job) throws IOException {
    StringBuilder csv = new StringBuilder("step,train_loss,valid_loss\n");
    for (JobEvent event : EventLog.read(eventFile(job.id()))) {
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
      tell(job.id(), Level.WARN, "There is no room for the result file: " + e.getMessage());
      return List.of();
    }
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : value.toString();
  }

  // --- what a worker tells ---------------------------------------------------------------------

  private void hear(String id, Active running, WorkerEvent event) {
    lock.lock();
    try {
      Progress p = running.progress;
      switch (event) {
        case WorkerEvent.Started started -> {
          running.progress = new Progress(0, started.steps(), null, null, null, null);
          tell(
              id,
              Level.INFO,
              "Fine-tuning job started: "
                  + started.examples()
                  + " examples, "
                  + started.heldOut()
                  + " held out, "
                  + started.steps()
                  + " steps");
        }
        case WorkerEvent.Step step -> {
          running.progress =
              new Progress(
                  step.step(),
                  step.steps(),
                  step.loss(),
                  p.validationLoss(),
                  step.tokensPerSecond(),
                  step.secondsLeft());
          if (step.step() % (1 + step.steps() / STEPS_TOLD) == 0 || step.step() == step.steps()) {
            note(
                id,
                running,
                Level.INFO,
                String.format(
                    Locale.ROOT,
                    "Step %d/%d: training loss=%.4f",
                    step.step(),
                    step.steps(),
                    step.loss()),
                numbers(
                    Map.of(
                        "step", (double) step.step(),
                        "total_steps", (double) step.steps(),
                        "epoch", step.epoch(),
                        "train_loss", step.loss(),
                        "learning_rate", step.learningRate(),
                        "gradient_norm", step.gradientNorm(),
                        "tokens_per_second", step.tokensPerSecond())));
          }
        }
        case WorkerEvent.Evaluated evaluated -> {
          running.progress =
              new Progress(
                  p.step(),
                  p.steps(),
                  p.loss(),
                  evaluated.loss(),
                  p.tokensPerSecond(),
                  p.secondsLeft());
          note(
              id,
              running,
              Level.INFO,
              String.format(
                  Locale.ROOT,
                  "Step %d: validation loss=%.4f, perplexity=%.2f",
                  evaluated.step(),
                  evaluated.loss(),
                  evaluated.perplexity()),
              numbers(
                  Map.of(
                      "step", (double) evaluated.step(),
                      "valid_loss", evaluated.loss(),
                      "valid_perplexity", evaluated.perplexity())));
        }
        case WorkerEvent.Checkpointed checkpoint -> {
          Checkpoint made =
              new Checkpoint(
                  Ids.of("ftckpt"),
                  clock.millis(),
                  checkpoint.step(),
                  finite(p.loss()),
                  finite(p.validationLoss()));
          transition(id, current -> current.with(made));
          tell(id, Level.INFO, "Checkpoint created at step " + checkpoint.step());
        }
        case WorkerEvent.Done done -> running.done = done;
        case WorkerEvent.Failed failed -> running.failed = failed;
      }
    } finally {
      lock.unlock();
    }
  }

  private static @Nullable Double finite(@Nullable Double value) {
    return value != null && Double.isFinite(value) ? value : null;
  }

  /** Without those that JSON has no word for; in the order of their names. */
  private static Map<String, Double> numbers(Map<String, Double> all) {
    Map<String, Double> numbers = new java.util.TreeMap<>(all);
    numbers.values().removeIf(value -> !Double.isFinite(value));
    return numbers;
  }

  // --- what is said of a job -------------------------------------------------------------------

  private void fail(Job job, Job.Failure failure) {
    lock.lock();
    try {
      LOG.info("job {} failed: {}", job.id(), failure.message());
      transition(job.id(), now -> now.ended(Status.FAILED, clock.millis(), failure));
      tell(job.id(), Level.ERROR, failure.message());
      dropWork(job.id());
    } finally {
      lock.unlock();
    }
  }

  /** As cancelled or paused. Under the lock. */
  private void end(Job job, Status as) {
    if (as == Status.PAUSED) {
      transition(job.id(), now -> now.with(Status.PAUSED));
      tell(job.id(), Level.INFO, "The job has been paused.");
      return;
    }
    transition(job.id(), now -> now.ended(as, clock.millis(), null));
    tell(job.id(), Level.INFO, "The job has been cancelled.");
    dropWork(job.id());
  }

  private void dropWork(String id) {
    try {
      DurableFile.deleteFolder(workFolder(id));
      DurableFile.deleteFolder(adapterFolder(id));
    } catch (IOException e) {
      LOG.error("job {}: what it left cannot be deleted", id, e);
    }
  }

  /**
   * Another state of a job, on disk first. A disk that takes nothing keeps nobody from hearing of
   * it: the next server then begins from the state before, which is safe.
   */
  private Job transition(String id, java.util.function.UnaryOperator<Job> change) {
    lock.lock();
    try {
      Job next = change.apply(Objects.requireNonNull(jobs.get(id), id));
      try {
        write(next);
      } catch (IOException e) {
        LOG.error("job {}: its state {} cannot be written", id, next.status().word(), e);
      }
      jobs.put(id, next);
      return next;
    } finally {
      lock.unlock();
    }
  }

  private void write(Job job) throws IOException {
    DurableFile.write(jobFolder(job.id()).resolve("job.json"), JobJson.write(job));
  }

  private void tell(String id, Level level, String message) {
    lock.lock();
    try {
      Active running = active.get(id);
      if (running != null) {
        note(id, running, level, message, Map.of());
        return;
      }
      try (EventLog log = new EventLog(eventFile(id))) {
        log.append(event(level, message, Map.of()));
      } catch (IOException e) {
        LOG.warn("job {}: an event cannot be written: {}", id, e.toString());
      }
    } finally {
      lock.unlock();
    }
  }

  private void note(
      String id, Active running, Level level, String message, Map<String, Double> data) {
    try {
      running.events.append(event(level, message, data));
    } catch (IOException e) {
      LOG.warn("job {}: an event cannot be written: {}", id, e.toString());
    }
  }

  private JobEvent event(Level level, String message, Map<String, Double> data) {
    return new JobEvent(Ids.of("ftevent"), clock.millis(), level, message, data);
  }

  private Path jobFolder(String id) {
    return folder.resolve("jobs").resolve(id);
  }

  private Path workFolder(String id) {
    return jobFolder(id).resolve("work");
  }

  private Path eventFile(String id) {
    return jobFolder(id).resolve("events.jsonl");
  }

  private Path adapterFolder(String id) {
    return adapterRoot(folder).resolve(id);
  }

  /** Stops what runs, each with a checkpoint, and leaves the folder to the next server. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      for (Active running : active.values()) {
        if (running.run != null) {
          running.run.stop();
        }
      }
    } finally {
      lock.unlock();
    }
    checker.shutdownNow();
    runners.shutdown();
    try {
      if (!runners.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)
          || !checker.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        LOG.error("a fine-tuning job did not stop in {} s", CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      folderLock.close();
    } catch (IOException e) {
      LOG.warn("{} cannot be given free", folder, e);
    }
  }
}
