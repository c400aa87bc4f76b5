package dev.openlora.server.finetuning;

import dev.openlora.server.finetuning.FineTuningException.Reason;
import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The jobs of one folder, which no other server uses, in memory and on disk: how each stands, what
 * happened to it, and where its things lie. A job's file is written before anybody hears of a
 * change.
 *
 * <p>Any thread. {@code lock} guards what is said of jobs; whoever decides by what is read here
 * holds it till the decision is noted. It is held across the writing of small files, never across a
 * worker, an adapter or an upload.
 */
final class JobBook implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(JobBook.class);

  private final Path folder;
  private final Clock clock;
  private final FileChannel folderLock;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Job> jobs = new LinkedHashMap<>(); // guarded by lock
  private final Map<String, EventLog> openLogs = new HashMap<>(); // guarded by lock
  private long latestMillis; // guarded by lock
  private boolean closing; // guarded by lock

  /**
   * Opens a folder and reads what is there.
   *
   * @throws IOException when the folder cannot be used, or another server uses it
   */
  JobBook(Path folder, Clock clock) throws IOException {
    this.folder = folder;
    this.clock = clock;
    Files.createDirectories(folder.resolve("jobs"));
    Files.createDirectories(adapterRoot(folder));
    this.folderLock = take(folder);
    boolean open = false;
    try {
      read();
      open = true;
    } finally {
      if (!open) {
        folderLock.close();
      }
    }
  }

  /** Where the adapters of succeeded jobs lie. */
  static Path adapterRoot(Path folder) {
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

  private void read() throws IOException {
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
      }
    } finally {
      lock.unlock();
    }
  }

  /** Held by whoever reads here, decides, and notes the decision; reentrant. */
  ReentrantLock lock() {
    return lock;
  }

  Path folder() {
    return folder;
  }

  /** From now on nothing is begun, and what runs is left to the next server. */
  void beginClosing() {
    lock.lock();
    try {
      closing = true;
    } finally {
      lock.unlock();
    }
  }

  boolean isClosing() {
    lock.lock();
    try {
      return closing;
    } finally {
      lock.unlock();
    }
  }

  /** All jobs, the oldest first. */
  List<Job> list() {
    lock.lock();
    try {
      return List.copyOf(jobs.values());
    } finally {
      lock.unlock();
    }
  }

  @Nullable Job find(String id) {
    lock.lock();
    try {
      return jobs.get(id);
    } finally {
      lock.unlock();
    }
  }

  Job get(String id) throws FineTuningException {
    Job job = find(id);
    if (job == null) {
      throw new FineTuningException(
          Reason.NOT_FOUND, "id", "Could not find fine tune: " + Excerpt.of(id) + ".");
    }
    return job;
  }

  /** A job that is there for sure, as it stands now. */
  Job current(String id) {
    return Objects.requireNonNull(find(id), id);
  }

  /** The time at which a job is made; no two get the same. Under the lock. */
  long nextMillis() {
    latestMillis = Math.max(clock.millis(), latestMillis + 1);
    return latestMillis;
  }

  /** Takes a new job; it is durable when this returns. Under the lock. */
  void add(Job job) throws IOException {
    Path own = jobFolder(job.id());
    boolean complete = false;
    try {
      Files.createDirectory(own);
      write(job);
      complete = true;
    } finally {
      if (!complete) {
        DurableFile.deleteFolder(own);
      }
    }
    jobs.put(job.id(), job);
  }

  /**
   * Forgets the oldest job that left no model, when there are as many as may be. Under the lock.
   */
  void makeRoom(int jobsMax) throws FineTuningException, IOException {
    if (jobs.size() < jobsMax) {
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
            + jobsMax
            + ").");
  }

  void fail(String id, Job.Failure failure) {
    lock.lock();
    try {
      LOG.info("job {} failed: {}", id, failure.message());
      transition(id, now -> now.ended(Status.FAILED, clock.millis(), failure));
      tell(id, Level.ERROR, failure.message());
      dropWork(id);
    } finally {
      lock.unlock();
    }
  }

  /** As cancelled or paused. Under the lock. */
  void end(String id, Status as) {
    if (as == Status.PAUSED) {
      transition(id, now -> now.with(Status.PAUSED));
      tell(id, Level.INFO, "The job has been paused.");
      return;
    }
    transition(id, now -> now.ended(as, clock.millis(), null));
    tell(id, Level.INFO, "The job has been cancelled.");
    dropWork(id);
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
  Job transition(String id, UnaryOperator<Job> change) {
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

  /** Keeps a job's log open while the job runs. Under the lock. */
  void openLog(String id) throws IOException {
    openLogs.put(id, new EventLog(eventFile(id)));
  }

  void closeLog(String id) throws IOException {
    lock.lock();
    try {
      EventLog log = openLogs.remove(id);
      if (log != null) {
        log.close();
      }
    } finally {
      lock.unlock();
    }
  }

  void tell(String id, Level level, String message) {
    tell(id, level, message, Map.of());
  }

  void tell(String id, Level level, String message, Map<String, Double> data) {
    lock.lock();
    try {
      EventLog open = openLogs.get(id);
      if (open != null) {
        open.append(event(level, message, data));
        return;
      }
      try (EventLog log = new EventLog(eventFile(id))) {
        log.append(event(level, message, data));
      }
    } catch (IOException e) {
      LOG.warn("job {}: an event cannot be written: {}", id, e.toString());
    } finally {
      lock.unlock();
    }
  }

  /** The oldest first. */
  List<JobEvent> events(String id) throws IOException {
    return EventLog.read(eventFile(id));
  }

  private JobEvent event(Level level, String message, Map<String, Double> data) {
    return new JobEvent(Ids.of("ftevent"), clock.millis(), level, message, data);
  }

  Path jobFolder(String id) {
    return folder.resolve("jobs").resolve(id);
  }

  Path workFolder(String id) {
    return jobFolder(id).resolve("work");
  }

  private Path eventFile(String id) {
    return jobFolder(id).resolve("events.jsonl");
  }

  Path adapterFolder(String id) {
    return adapterRoot(folder).resolve(id);
  }

  /** Leaves the folder to the next server. */
  @Override
  public void close() {
    try {
      folderLock.close();
    } catch (IOException e) {
      LOG.warn("{} cannot be given free", folder, e);
    }
  }
}
