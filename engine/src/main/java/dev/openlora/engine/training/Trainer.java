package dev.openlora.engine.training;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The loop that moves weights. A step takes micro-batches, scales each by one over the learned
 * tokens of all of them, clips the gradient by its global norm, and moves the parameters by AdamW.
 * After it, everything that the next one depends on is in a {@link Progress} and the tensors: what
 * a checkpoint holds, so that a run that was stopped anywhere ends with the same bits as one that
 * was not. One thread, one run at a time.
 */
public final class Trainer {
  /** As PyTorch's clip_grad_norm_ has it. */
  private static final double CLIP_EPSILON = 1e-6;

  /**
   * What to do.
   *
   * @param heldOut to evaluate on; empty for no evaluation
   * @param folder where checkpoints go; null for none
   * @param subject what else must be the same when a checkpoint goes on, by key: the base model's
   *     digest, the settings of the adapter
   */
  public record Job(
      TrainingConfig config,
      ExampleSet examples,
      List<Example> heldOut,
      @Nullable Path folder,
      Map<String, String> subject) {
    public Job {
      heldOut = List.copyOf(heldOut);
      subject = Collections.unmodifiableMap(new LinkedHashMap<>(subject));
      examples.check(config.batches());
      ExampleList.check("held_out", heldOut, config.batches());
      TrainingConfig.check(
          config.steps() > 0 || examples.size().isPresent(),
          "epochs",
          config.epochs() + " of a stream",
          "steps, as its length is not known");
      TrainingConfig.check(
          config.evaluation().patience() == 0 || !heldOut.isEmpty(),
          "patience",
          config.evaluation().patience() + " without held-out examples",
          "some to evaluate on");
    }

    boolean keepsBest() {
      return config.evaluation().patience() > 0;
    }

    /** What the weights depend on, by key. */
    private Map<String, String> parts() {
      Map<String, String> parts = config.settings();
      parts.remove("checkpoint_every");
      parts.remove("checkpoints_kept");
      parts.put("examples", examples.digest());
      parts.put("held_out", ExampleDigest.of(heldOut));
      subject.forEach((key, value) -> parts.put("subject." + key, value));
      return parts;
    }

    /** Steps of the whole run; epochs are laid out once to count them. */
    private int steps() {
      if (config.steps() > 0) {
        return config.steps();
      }
      int accumulation = config.batches().accumulation();
      int steps = 0;
      for (long epoch = 0; epoch < config.epochs(); epoch++) {
        Iterator<Example> order = examples.examples(config.seed(), epoch, 0);
        int batches = new Packing(order, config.batches(), "examples", 0).countBatches();
        steps = Math.addExact(steps, Math.ceilDiv(batches, accumulation));
      }
      return steps;
    }
  }

  private final Trainable model;
  private final Job job;
  private final TrainingListener listener;
  private final BooleanSupplier cancelled;
  private final LongSupplier nanos;
  private final FolderWriter writer;

  /**
   * @param cancelled asked after each step, from the thread that trains: true ends the run with a
   *     checkpoint
   */
  public Trainer(Trainable model, Job job, TrainingListener listener, BooleanSupplier cancelled) {
    this(model, job, listener, cancelled, System::nanoTime, new FolderWriter());
  }

  Trainer(
      Trainable model,
      Job job,
      TrainingListener listener,
      BooleanSupplier cancelled,
      LongSupplier nanos,
      FolderWriter writer) {
    this.model = model;
    this.job = job;
    this.listener = listener;
    this.cancelled = cancelled;
    this.nanos = nanos;
    this.writer = writer;
  }

  /** Trains from the start; a folder with checkpoints of another run is refused. */
  public TrainingEvent.Done run() throws IOException {
    Path folder = job.folder();
    if (folder != null && !Checkpoint.all(folder).isEmpty()) {
      throw new FileAlreadyExistsException(
          folder + ": has checkpoints (expected: none, or to go on from them)");
    }
    return train(Optional.empty());
  }

  /** Goes on from the newest whole checkpoint, or from the start where there is none. */
  public TrainingEvent.Done resume() throws IOException {
    Path folder = job.folder();
    return train(folder == null ? Optional.empty() : Checkpoint.latest(folder));
  }

  /** The mean loss over the learned tokens of examples, in nats. */
  public static double evaluate(
      Trainable model, List<Example> examples, TrainingConfig.Batches limits) {
    Packing packing = new Packing(examples.iterator(), limits, "held_out", 0);
    double loss = 0;
    long learned = 0;
    for (TrainingBatch batch; (batch = packing.next()) != null; ) {
      loss += model.loss(batch);
      learned += batch.learnedTokens();
    }
    return loss / learned;
  }

  private TrainingEvent.Done train(Optional<Checkpoint> from) throws IOException {
    Map<String, String> parts = job.parts();
    if (from.isPresent()) {
      from.get().checkRun(parts);
    }
    Path folder = job.folder();
    if (folder != null) {
      Files.createDirectories(folder);
      writer.sweep(folder);
    }
    try (AdamState adam = new AdamState(model.ops(), model.parameters(), job.keepsBest());
        Run run = new Run(adam, parts, job.steps(), from)) {
      if (from.isPresent()) {
        from.get().restore(adam);
      }
      return run.go();
    }
  }

  /** A run from its start or its resumption to its end. */
  private final class Run implements AutoCloseable {
    private final TrainingConfig config = job.config();
    private final AdamState adam;
    private final Map<String, String> parts;
    private final int steps;
    private final long startNanos = nanos.getAsLong();
    private final int firstStep;
    private Progress progress;
    private @Nullable Path checkpoint;
    private int attemptedStep;
    private double loss = Double.NaN;
    private @Nullable Iterator<Example> examples;
    private @Nullable Packing packing;

    Run(AdamState adam, Map<String, String> parts, int steps, Optional<Checkpoint> from) {
      this.adam = adam;
      this.parts = parts;
      this.steps = steps;
      checkWarmup();
      progress = from.map(Checkpoint::progress).orElseGet(Progress::start);
      checkpoint = from.map(Checkpoint::folder).orElse(null);
      attemptedStep = progress.step();
      firstStep = progress.step();
    }

    private void checkWarmup() {
      int warmup = config.learningRate().warmup(steps);
      TrainingConfig.check(warmup <= steps, "warmup_steps", warmup, "at most the steps, " + steps);
    }

    TrainingEvent.Done go() {
      listener.on(
          new TrainingEvent.Started(
              steps,
              progress.step(),
              adam.elements(),
              job.examples().size().orElse(-1),
              job.heldOut().size(),
              checkpoint));
      TrainingEvent.End end;
      while ((end = end()) == null) {
        step();
        int done = progress.step();
        if (isDue(done, config.evaluation().every()) && !job.heldOut().isEmpty()) {
          evaluate();
        }
        if (config.checkpoints().every() > 0 && done % config.checkpoints().every() == 0) {
          writeCheckpoint();
        }
      }
      writeCheckpoint();
      boolean restored =
          job.keepsBest() && progress.best() != null && end != TrainingEvent.End.CANCELLED;
      if (restored) {
        adam.restoreBest();
      }
      TrainingEvent.Done done =
          new TrainingEvent.Done(
              end,
              progress.step(),
              loss,
              progress.best(),
              restored,
              progress.tokens(),
              seconds(startNanos),
              checkpoint);
      listener.on(done);
      return done;
    }

    private boolean isDue(int step, int every) {
      return step == steps || (every > 0 && step % every == 0);
    }

    private TrainingEvent.@Nullable End end() {
      int patience = config.evaluation().patience();
      if (progress.step() >= steps) {
        return TrainingEvent.End.COMPLETED;
      }
      if (patience > 0 && progress.worse() >= patience) {
        return TrainingEvent.End.EARLY_STOPPED;
      }
      return cancelled.getAsBoolean() ? TrainingEvent.End.CANCELLED : null;
    }

    private void step() {
      long stepNanos = nanos.getAsLong();
      int step = progress.step() + 1;
      long epoch = progress.epoch();
      List<TrainingBatch> batches = new ArrayList<>();
      if (!take(epoch, batches)) {
        epoch++;
        closeExamples();
        if (!take(epoch, batches)) {
          throw new TrainingException("examples: none in epoch " + epoch + " (expected: some)");
        }
      }
      long rows = batches.stream().mapToLong(TrainingBatch::rows).sum();
      loss = accumulate(step, batches);
      double norm = adam.gradientNorm(step);
      double rate = config.learningRate().at(step, steps);
      adam.move(step, rate, clipping(norm, config.adam().clipNorm()), config.adam());
      progress.history().add(step, loss, rate);
      progress =
          new Progress(
              step,
              epoch,
              open(epoch).taken(),
              progress.tokens() + rows,
              progress.best(),
              progress.worse(),
              progress.history());
      listener.on(
          new TrainingEvent.Stepped(
              step,
              steps,
              epoch,
              loss,
              rate,
              norm,
              progress.tokens(),
              rows / seconds(stepNanos),
              seconds(startNanos) / (step - firstStep) * (steps - step)));
    }

    /** Takes the micro-batches of a step; false where the epoch has none left. */
    private boolean take(long epoch, List<TrainingBatch> into) {
      Packing from = open(epoch);
      for (int i = 0; i < config.batches().accumulation(); i++) {
        TrainingBatch batch = from.next();
        if (batch == null) {
          break;
        }
        into.add(batch);
      }
      return !into.isEmpty();
    }

    private Packing open(long epoch) {
      Packing opened = packing;
      if (opened == null) {
        long taken = epoch == progress.epoch() ? progress.taken() : 0;
        Iterator<Example> order = job.examples().examples(config.seed(), epoch, taken);
        opened = new Packing(order, config.batches(), "epoch " + epoch + " example", taken);
        examples = order;
        packing = opened;
      }
      return opened;
    }

    private double accumulate(int step, List<TrainingBatch> batches) {
      long learned = batches.stream().mapToLong(TrainingBatch::learnedTokens).sum();
      if (learned == 0) {
        throw new TrainingException("step " + step + ": 0 learned tokens (expected: at least one)");
      }
      double sum = 0;
      for (TrainingBatch batch : batches) {
        sum += model.accumulate(batch, 1.0 / learned);
      }
      return finite(step, "loss", sum / learned);
    }

    private void evaluate() {
      int step = progress.step();
      double heldOut =
          finite(step, "held-out loss", Trainer.evaluate(model, job.heldOut(), config.batches()));
      TrainingEvent.Best before = progress.best();
      boolean isBest = before == null || heldOut < before.loss();
      progress.history().addEvaluation(step, heldOut);
      progress =
          new Progress(
              step,
              progress.epoch(),
              progress.taken(),
              progress.tokens(),
              isBest ? new TrainingEvent.Best(step, heldOut) : before,
              isBest ? 0 : progress.worse() + 1,
              progress.history());
      if (isBest && job.keepsBest()) {
        adam.keepBest();
      }
      listener.on(new TrainingEvent.Evaluated(step, heldOut, Math.exp(heldOut), isBest));
    }

    private static double finite(int step, String what, double loss) {
      if (!Double.isFinite(loss)) {
        throw new TrainingException(
            "step "
                + step
                + ": "
                + what
                + " "
                + loss
                + " (expected: finite; try a lower learning_rate)");
      }
      return loss;
    }

    /**
     * A full disk is told, not thrown: what was learned is still in memory, and may yet be saved.
     */
    private void writeCheckpoint() {
      Path folder = job.folder();
      int step = progress.step();
      if (folder == null || step == attemptedStep) {
        return;
      }
      attemptedStep = step;
      adam.checkValues(step);
      try {
        Path written = Checkpoint.write(writer, folder, progress, parts, adam);
        checkpoint = written;
        listener.on(new TrainingEvent.Checkpointed(step, written));
        Checkpoint.removeOlder(writer, folder, step, config.checkpoints().kept());
      } catch (IOException e) {
        listener.on(new TrainingEvent.CheckpointFailed(step, folder, e.toString()));
      }
    }

    private double seconds(long sinceNanos) {
      return Math.max(1, nanos.getAsLong() - sinceNanos) / 1e9;
    }

    private void closeExamples() {
      Iterator<Example> open = examples;
      examples = null;
      packing = null;
      if (open instanceof AutoCloseable closeable) {
        try {
          closeable.close();
        } catch (Exception e) {
          throw new IllegalStateException("examples: cannot be closed", e);
        }
      }
    }

    @Override
    public void close() {
      closeExamples();
    }
  }

  /** The factor that keeps a norm within a bound; 0 is no bound. */
  static double clipping(double norm, double most) {
    return most == 0 ? 1 : Math.min(1, most / (norm + CLIP_EPSILON));
  }
}
