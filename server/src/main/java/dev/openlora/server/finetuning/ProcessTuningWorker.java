package dev.openlora.server.finetuning;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process of its own for each run: it writes an event a line to its standard output and anything
 * else to its standard error, ends with a status, and on SIGTERM writes a checkpoint first. A
 * process that was told to end and does not is killed. Which process it is stands in the job's
 * folder, for a server that finds it there later.
 */
public final class ProcessTuningWorker implements TuningWorker {
  /**
   * How processes are run.
   *
   * @param commandLine of a task; absolute, without isolation
   * @param takesValidation whether it is told of validation rows
   * @param threads of a process
   * @param cpus that it may run on, as {@code taskset} takes them; null for all
   * @param stopTime for a checkpoint, after SIGTERM
   */
  public record Options(
      CommandLine commandLine,
      boolean takesValidation,
      int threads,
      @Nullable String cpus,
      Duration stopTime) {}

  /** What is run for a task. */
  @FunctionalInterface
  public interface CommandLine {
    /** The words; files that they name are written. */
    List<String> of(TuningTask task) throws IOException;
  }

  private static final Logger LOG = LoggerFactory.getLogger(ProcessTuningWorker.class);
  private static final int KILL_SECONDS = 10;
  private static final int LINE_BYTES_MAX = 64 << 10;
  private static final List<String> SECRETS = List.of("OPENLORA_API_KEY", "OPENLORA_ADMIN_KEY");

  private final Options options;
  private final Isolation isolation;

  /**
   * Tries out how processes can be kept apart here.
   *
   * @throws IOException when they cannot run on the processors that are asked for
   */
  public ProcessTuningWorker(Options options) throws IOException {
    this.options = options;
    this.isolation = Isolation.find(options.cpus());
  }

  @Override
  public Run start(TuningTask task, Consumer<WorkerEvent> events) throws IOException {
    endLeftover(task.folder());
    List<String> command = new ArrayList<>(isolation.words());
    command.addAll(options.commandLine().of(task));
    ProcessBuilder builder = new ProcessBuilder(command).directory(task.work().toFile());
    Map<String, String> environment = builder.environment();
    SECRETS.forEach(environment::remove);
    environment.put("OMP_NUM_THREADS", Integer.toString(options.threads()));
    environment.put("OMP_WAIT_POLICY", "passive");
    WorkerLog log = new WorkerLog(task.folder().resolve("worker.log"));
    log.line(Instant.now() + " " + String.join(" ", command));
    Process process = builder.start();
    process.getOutputStream().close();
    beFirstToGo(process);
    note(task.folder(), process);
    LOG.info("job {}: worker {} started", task.jobId(), process.pid());
    Thread errors =
        Thread.ofVirtual().name("tuning-errors").start(() -> log.drain(process.getErrorStream()));
    return new ProcessRun(task, process, events, log, errors);
  }

  @Override
  public boolean takesValidation() {
    return options.takesValidation();
  }

  @Override
  public boolean endLeftover(Path folder) throws IOException {
    Path file = processFile(folder);
    String noted;
    try {
      noted = Files.readString(file).strip();
    } catch (NoSuchFileException e) {
      return false;
    }
    boolean found = false;
    String[] words = noted.split(" ", 2);
    if (words.length == 2 && words[0].matches("[0-9]{1,18}")) {
      Optional<ProcessHandle> process = ProcessHandle.of(Long.parseLong(words[0]));
      if (process.isPresent() && started(process.get()).equals(words[1])) {
        found = process.get().destroyForcibly();
        try {
          process.get().onExit().orTimeout(KILL_SECONDS, TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
          throw new IOException("the process " + noted + " does not end", e);
        }
      }
    }
    Files.deleteIfExists(file);
    return found;
  }

  private static void note(Path folder, Process process) throws IOException {
    String text = process.pid() + " " + started(process.toHandle());
    try {
      DurableFile.write(processFile(folder), text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  /** A process id is given again some day; together with this it is not. */
  private static String started(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toString).orElse("");
  }

  private static Path processFile(Path folder) {
    return folder.resolve("worker.process");
  }

  /** When memory runs out, this one goes and not the server. */
  private static void beFirstToGo(Process process) {
    try {
      Files.writeString(Path.of("/proc/" + process.pid() + "/oom_score_adj"), "1000");
    } catch (IOException e) {
      LOG.debug("oom_score_adj: {}", e.toString());
    }
  }

  private final class ProcessRun implements Run {
    private final TuningTask task;
    private final Process process;
    private final Consumer<WorkerEvent> events;
    private final WorkerLog log;
    private final Thread errors;

    private ProcessRun(
        TuningTask task,
        Process process,
        Consumer<WorkerEvent> events,
        WorkerLog log,
        Thread errors) {
      this.task = task;
      this.process = process;
      this.events = events;
      this.log = log;
      this.errors = errors;
    }

    @Override
    public Ending await() {
      boolean heard = false;
      try (InputStream out = new BufferedInputStream(process.getInputStream())) {
        for (String line; (line = line(out)) != null; ) {
          WorkerEvent event = WorkerEventReader.read(line);
          if (event == null) {
            log.line(line);
          } else {
            events.accept(event);
          }
        }
        heard = true;
      } catch (IOException | IllegalArgumentException e) {
        log.line("the server does not understand this worker: " + e.getMessage());
      } finally {
        if (!heard) {
          process.destroyForcibly();
        }
      }
      int status = process.onExit().join().exitValue();
      LOG.info("job {}: worker {} ended with {}", task.jobId(), process.pid(), status);
      try {
        errors.join();
        Files.deleteIfExists(processFile(task.folder()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (IOException e) {
        LOG.warn("job {}: {}", task.jobId(), e.toString());
      }
      return new Ending(status, log.tail());
    }

    @Override
    public void stop() {
      process.toHandle().destroy(); // the process's own destroy() would also close what it tells
      Thread.ofVirtual()
          .name("tuning-stop")
          .start(() -> {
            try {
              if (!process.waitFor(options.stopTime().toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("job {}: worker {} is killed", task.jobId(), process.pid());
                process.toHandle().destroyForcibly();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
    }

    /** Null at the end; what is longer than a line may be is no event. */
    private static @Nullable String line(InputStream in) throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream(256);
      int b = in.read();
      if (b < 0) {
        return null;
      }
      for (; b >= 0 && b != '\n'; b = in.read()) {
        if (line.size() == LINE_BYTES_MAX) {
          throw new IOException("a line of more than " + LINE_BYTES_MAX + " bytes");
        }
        line.write(b);
      }
      return line.toString(StandardCharsets.UTF_8);
    }
  }
}
