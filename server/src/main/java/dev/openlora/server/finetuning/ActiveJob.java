package dev.openlora.server.finetuning;

import dev.openlora.server.finetuning.Job.Status;
import dev.openlora.server.finetuning.JobEvent.Level;
import java.time.Clock;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A job that runs: how far it is, what its worker said at the end, and whether somebody wants it to
 * stop. Any thread; all but {@link #hear} under the book's lock, which guards the fields.
 */
final class ActiveJob {
  private static final int STEPS_TOLD = 1000;

  private final String id;
  private final JobBook book;
  private final Clock clock;
  private final ReentrantLock lock;
  private Progress progress = Progress.NONE;
  private TuningWorker.@Nullable Run run;
  private @Nullable Status stopFor;
  private WorkerEvent.@Nullable Done done;
  private WorkerEvent.@Nullable Failed failed;

  ActiveJob(String id, JobBook book, Clock clock) {
    this.id = id;
    this.book = book;
    this.clock = clock;
    this.lock = book.lock();
  }

  Progress progress() {
    return progress;
  }

  /** A worker has begun. */
  void begun(TuningWorker.Run begun) {
    done = null;
    failed = null;
    run = begun;
  }

  /** The worker has ended. */
  void ended() {
    run = null;
  }

  /** Wants the job cancelled or paused; what is cancelled is not paused any more. */
  void stop(Status as) {
    stopFor = stopFor == Status.CANCELLED ? Status.CANCELLED : as;
    stopWorker();
  }

  /** Asks the worker to end, if there is one. */
  void stopWorker() {
    if (run != null) {
      run.stop();
    }
  }

  /** As what somebody wants it to end; null when nobody does. */
  @Nullable Status stopFor() {
    return stopFor;
  }

  /** What the worker said when it was done; null when it did not. */
  WorkerEvent.@Nullable Done done() {
    return done;
  }

  /** Why the worker said that it failed; null when it did not. */
  WorkerEvent.@Nullable Failed failed() {
    return failed;
  }

  /** What the worker tells, while it runs. */
  void hear(WorkerEvent event) {
    lock.lock();
    try {
      Progress p = progress;
      switch (event) {
        case WorkerEvent.Started started -> {
          progress = new Progress(0, started.steps(), null, null, null, null);
          book.tell(
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
          progress =
              new Progress(
                  step.step(),
                  step.steps(),
                  step.loss(),
                  p.validationLoss(),
                  step.tokensPerSecond(),
                  step.secondsLeft());
          if (step.step() % (1 + step.steps() / STEPS_TOLD) == 0 || step.step() == step.steps()) {
            book.tell(
                id,
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
          progress =
              new Progress(
                  p.step(),
                  p.steps(),
                  p.loss(),
                  evaluated.loss(),
                  p.tokensPerSecond(),
                  p.secondsLeft());
          book.tell(
              id,
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
          book.transition(id, current -> current.with(made));
          book.tell(id, Level.INFO, "Checkpoint created at step " + checkpoint.step());
        }
        case WorkerEvent.Done told -> done = told;
        case WorkerEvent.Failed told -> failed = told;
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
    Map<String, Double> numbers = new TreeMap<>(all);
    numbers.values().removeIf(value -> !Double.isFinite(value));
    return numbers;
  }
}
