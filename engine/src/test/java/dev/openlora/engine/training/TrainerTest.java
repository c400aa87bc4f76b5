package dev.openlora.engine.training;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.engine.sampling.Seeds;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  private static final int VOCABULARY = 11;
  private static final BooleanSupplier NEVER = () -> false;

  @TempDir private Path folder;
  private int openArenas;

  @BeforeEach
  void countArenas() {
    openArenas = TensorArena.openArenas();
  }

  @AfterEach
  void leaksNoArena() {
    assertThat(TensorArena.openArenas()).isEqualTo(openArenas);
  }

  /** Small batches over a few epochs, so that a run crosses every kind of border. */
  private static TrainingConfig config(Map<String, String> settings) {
    return TrainingConfig.of(
            Map.of(
                "epochs", "3",
                "batch_tokens", "24",
                "max_length", "13",
                "accumulation", "3",
                "learning_rate", "0.05",
                "evaluate_every", "2",
                "checkpoint_every", "0"))
        .with(settings);
  }

  private static List<Example> examples() {
    return Examples.random(5, 40, VOCABULARY, 13);
  }

  private static Trainer.Job job(TrainingConfig config, @Nullable Path folder) {
    return new Trainer.Job(
        config,
        ExampleSet.of(examples()),
        Examples.random(6, 8, VOCABULARY, 13),
        folder,
        Map.of("base", "bigram"));
  }

  /** A model's values after a run, which fits into one line of a test. */
  private record Trained(float[] values, TrainingEvent.Done done, Heard heard) {}

  private static Trained train(Trainer.Job job) throws IOException {
    return train(job, NEVER, new Heard(), false);
  }

  private static Trained resume(Trainer.Job job) throws IOException {
    return train(job, NEVER, new Heard(), true);
  }

  private static Trained train(
      Trainer.Job job, BooleanSupplier cancelled, Heard heard, boolean resumed) throws IOException {
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      Trainer trainer = new Trainer(model, job, heard, cancelled);
      TrainingEvent.Done done = resumed ? trainer.resume() : trainer.run();
      return new Trained(model.values(), done, heard);
    }
  }

  private static Trained stopAfter(int steps, Trainer.Job job) throws IOException {
    Heard heard = new Heard();
    return train(job, heard.after(steps), heard, true);
  }

  /** A model that answers a step with a loss or a gradient of the test's choice. */
  private static final class Faulty implements Trainable {
    private final BigramModel model = new BigramModel(VOCABULARY, 7);
    private final int call;
    private final double loss;
    private final float gradient;
    private int calls;

    Faulty(int call, double loss, float gradient) {
      this.call = call;
      this.loss = loss;
      this.gradient = gradient;
    }

    @Override
    public List<Parameter> parameters() {
      return model.parameters();
    }

    @Override
    public TrainingOps ops() {
      return model.ops();
    }

    @Override
    public double accumulate(TrainingBatch batch, double scale) {
      double right = model.accumulate(batch, scale);
      if (++calls != call) {
        return right;
      }
      Parameter bias = model.parameters().getLast();
      float[] values = bias.gradient().toFloats();
      values[3] += gradient;
      bias.gradient().write(values);
      return right + loss;
    }

    @Override
    public double loss(TrainingBatch batch) {
      return model.loss(batch);
    }

    @Override
    public void close() {
      model.close();
    }
  }

  @Test
  void stopsAtALossThatIsNoNumberAndKeepsTheLastCheckpoint() throws IOException {
    Trainer.Job job = job(config(Map.of("accumulation", "1", "checkpoint_every", "1")), folder);
    try (Faulty model = new Faulty(4, Double.NaN, 0)) {
      assertThatThrownBy(() -> new Trainer(model, job, new Heard(), NEVER).run())
          .isInstanceOf(TrainingException.class)
          .hasMessageStartingWith("step 4: loss NaN (expected: finite");
    }
    assertThat(Checkpoint.latest(folder).orElseThrow().step()).isEqualTo(3);
    assertThat(resume(job).values()).isEqualTo(train(job(job.config(), null)).values());
  }

  @Test
  void stopsAtAnInfiniteGradientByTheNameOfItsParameter() throws IOException {
    Trainer.Job job = job(config(Map.of("accumulation", "1", "checkpoint_every", "1")), folder);
    try (Faulty model = new Faulty(2, 0, Float.POSITIVE_INFINITY)) {
      assertThatThrownBy(() -> new Trainer(model, job, new Heard(), NEVER).run())
          .isInstanceOf(TrainingException.class)
          .hasMessageStartingWith(
              "step 2: gradient of 'bias': sum of squares Infinity (expected: finite");
    }
    assertThat(Checkpoint.latest(folder).orElseThrow().step()).isEqualTo(1);
  }

  @Test
  void refusesAFolderThatHasCheckpointsUnlessItGoesOn() throws IOException {
    Trainer.Job job = job(config(Map.of()), folder);
    train(job);
    assertThatThrownBy(() -> train(job))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessageContaining("has checkpoints (expected: none, or to go on from them)");
  }

  @Test
  void refusesToGoOnWithAnotherRunByTheFieldThatDiffers() throws IOException {
    Trainer.Job job = job(config(Map.of()), folder);
    stopAfter(2, job);
    assertThatThrownBy(() -> resume(job(config(Map.of("learning_rate", "0.06")), folder)))
        .isInstanceOf(TrainingException.class)
        .hasMessage(
            "learning_rate: 0.06 (expected: 0.05, as in " + folder.resolve("checkpoint-2") + ")");
    List<Example> others = new ArrayList<>(examples());
    others.set(17, new Example(new int[] {1, 2}, new boolean[] {true, true}));
    assertThatThrownBy(() ->
            resume(
                new Trainer.Job(
                    job.config(), ExampleSet.of(others), job.heldOut(), folder, job.subject())))
        .hasMessageMatching("examples: [0-9a-f]{64} \\(expected: [0-9a-f]{64}, as in .*");
    assertThatThrownBy(() ->
            resume(
                new Trainer.Job(
                    job.config(),
                    job.examples(),
                    job.heldOut().subList(1, 8),
                    folder,
                    job.subject())))
        .hasMessageStartingWith("held_out: ");
    assertThatThrownBy(() ->
            resume(
                new Trainer.Job(
                    job.config(),
                    job.examples(),
                    job.heldOut(),
                    folder,
                    Map.of("base", "trigram"))))
        .hasMessageStartingWith("subject.base: trigram (expected: bigram, as in ");
    assertThatThrownBy(() ->
            resume(new Trainer.Job(job.config(), job.examples(), job.heldOut(), folder, Map.of())))
        .hasMessageStartingWith("subject.base: missing (expected: bigram, as in ");
  }

  @Test
  void refusesToGoOnWithOtherParameters() throws IOException {
    Trainer.Job job = job(config(Map.of()), folder);
    stopAfter(2, job);
    try (BigramModel model = new BigramModel(VOCABULARY + 1, 7)) {
      assertThatThrownBy(() -> new Trainer(model, job, new Heard(), NEVER).resume())
          .isInstanceOf(TrainingException.class)
          .hasMessageStartingWith("parameters: 'table' F32[12, 12]")
          .hasMessageContaining("[11, 11]");
    }
  }

  @Test
  void refusesWhatCannotBeTrainedBeforeItStarts() {
    TrainingConfig epochs = config(Map.of());
    ExampleSet stream = ExampleSet.streaming("s", (seed, epoch, taken) -> examples().iterator());
    assertThatThrownBy(() -> new Trainer.Job(epochs, stream, List.of(), null, Map.of()))
        .hasMessage("epochs: 3 of a stream (expected: steps, as its length is not known)");
    assertThatThrownBy(() ->
            new Trainer.Job(
                config(Map.of("patience", "2")),
                ExampleSet.of(examples()),
                List.of(),
                null,
                Map.of()))
        .hasMessage("patience: 2 without held-out examples (expected: some to evaluate on)");
    assertThatThrownBy(() -> ExampleSet.of(List.of()))
        .hasMessage("examples: none (expected: at least one)");
    ExampleSet tooLong = ExampleSet.of(Examples.counting(2, VOCABULARY, 14));
    assertThatThrownBy(() -> new Trainer.Job(epochs, tooLong, List.of(), null, Map.of()))
        .hasMessage("examples[0]: 14 tokens (expected: at most max_length 13, or longer: cut)");
    ExampleSet empty =
        ExampleSet.of(
            List.of(
                examples().getFirst(),
                new Example(new int[] {1, 2, 3}, new boolean[] {true, false, false})));
    assertThatThrownBy(() -> new Trainer.Job(epochs, empty, List.of(), null, Map.of()))
        .hasMessage(
            "examples: 1 without learned tokens within max_length 13, such as [1]"
                + " (expected: none)");
    assertThatThrownBy(
            () -> train(job(config(Map.of("warmup_share", "0", "warmup_steps", "99")), null)))
        .hasMessageStartingWith("warmup_steps: 99 (expected: at most the steps, ");
  }

  @Test
  void refusesAStreamThatEndsAtOnceOrTeachesNothing() {
    TrainingConfig config = config(Map.of("epochs", "0", "steps", "5"));
    ExampleSet none =
        ExampleSet.streaming("none", (seed, epoch, taken) -> List.<Example>of().iterator());
    assertThatThrownBy(() -> train(new Trainer.Job(config, none, List.of(), null, Map.of())))
        .isInstanceOf(TrainingException.class)
        .hasMessage("examples: none in epoch 1 (expected: some)");
    Example nothing = new Example(new int[] {1, 2}, new boolean[] {true, false});
    ExampleSet silent =
        ExampleSet.streaming("silent", (seed, epoch, taken) -> List.of(nothing).iterator());
    assertThatThrownBy(() -> train(new Trainer.Job(config, silent, List.of(), null, Map.of())))
        .isInstanceOf(TrainingException.class)
        .hasMessage("step 1: 0 learned tokens (expected: at least one)");
  }

  @Test
  void goesOnFromEveryStepWithTheSameBits() throws IOException {
    Trainer.Job whole = job(config(Map.of()), folder.resolve("whole"));
    Trained unbroken = train(whole);
    int steps = unbroken.done().step();
    assertThat(steps).isGreaterThan(9);
    for (int stop = 1; stop < steps; stop++) {
      Trainer.Job job = job(config(Map.of()), folder.resolve("stopped-" + stop));
      assertThat(stopAfter(stop, job).done().end()).isEqualTo(TrainingEvent.End.CANCELLED);
      Trained resumed = resume(job);
      assertThat(resumed.values()).as("stopped after %d", stop).isEqualTo(unbroken.values());
      assertThat(resumed.heard().steps()).isEqualTo(steps - stop);
      assertSameState(job, whole, steps);
    }
  }

  private static void assertSameState(Trainer.Job one, Trainer.Job other, int step)
      throws IOException {
    String name = "checkpoint-" + step + "/" + FolderWriter.SUMS;
    Path first = requireNonNull(one.folder()).resolve(name);
    Path second = requireNonNull(other.folder()).resolve(name);
    assertThat(Files.readString(first)).isEqualTo(Files.readString(second));
  }

  @Test
  void goesOnAfterAStopAtEverySingleStep() throws IOException {
    Trained unbroken = train(job(config(Map.of()), null));
    Trainer.Job job = job(config(Map.of()), folder);
    Trained last = stopAfter(1, job);
    while (last.done().end() == TrainingEvent.End.CANCELLED) {
      last = stopAfter(1, job);
    }
    assertThat(last.values()).isEqualTo(unbroken.values());
    assertThat(last.done().tokens()).isEqualTo(unbroken.done().tokens());
  }

  @Test
  void aRunThatIsOverStaysAsItIs() throws IOException {
    Trainer.Job job = job(config(Map.of()), folder);
    Trained first = train(job);
    Trained again = resume(job);
    assertThat(again.heard().steps()).isZero();
    assertThat(again.values()).isEqualTo(first.values());
    assertThat(again.done().checkpoint()).isEqualTo(first.done().checkpoint());
  }

  @Test
  void aStreamIsTakenUpWhereItWasLeft() throws IOException {
    TrainingConfig config = config(Map.of("epochs", "0", "steps", "20"));
    AtomicLong closed = new AtomicLong();
    ExampleSet stream =
        ExampleSet.streaming(
            "s",
            (seed, epoch, taken) ->
                new ClosingIterator(examples().stream().skip(taken).iterator(), closed));
    Trainer.Job job = new Trainer.Job(config, stream, List.of(), folder, Map.of());
    Trained unbroken = train(new Trainer.Job(config, stream, List.of(), null, Map.of()));
    assertThat(closed.get()).isGreaterThan(1);
    stopAfter(7, job);
    assertThat(resume(job).values()).isEqualTo(unbroken.values());
  }

  private record ClosingIterator(Iterator<Example> examples, AtomicLong closed)
      implements Iterator<Example>, AutoCloseable {
    @Override
    public boolean hasNext() {
      return examples.hasNext();
    }

    @Override
    public Example next() {
      return examples.next();
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  @Test
  void oneSeedGivesOneRunAndAnotherSeedAnother() throws IOException {
    long seed = Seeds.next("TrainerTest");
    Map<String, String> one = Map.of("seed", Long.toString(seed));
    float[] values = train(job(config(one), null)).values();
    assertThat(train(job(config(one), null)).values()).isEqualTo(values);
    Map<String, String> other = Map.of("seed", Long.toString(seed + 1));
    assertThat(train(job(config(other), null)).values()).isNotEqualTo(values);
  }

  @Test
  void accumulationComputesTheStepOfOneLargeBatch() throws IOException {
    List<Example> all = examples();
    int rows = all.stream().mapToInt(Example::rows).sum();
    int learned = all.stream().mapToInt(Example::learnedTokens).sum();
    TrainingConfig whole =
        config(
            Map.of(
                "epochs", "0",
                "steps", "1",
                "accumulation", "1",
                "batch_tokens", Integer.toString(rows)));
    TrainingConfig parts = whole.with(Map.of("batch_tokens", "24", "accumulation", "100"));
    Trained one = train(job(whole, null));
    Trained many = train(job(parts, null));
    assertThat(one.done().tokens()).isEqualTo(rows);
    assertThat(many.done().tokens()).isEqualTo(rows);
    assertThat(many.values()).usingComparatorWithPrecision(1e-5f).containsExactly(one.values());
    double loss;
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      loss = model.loss(Packing.batchOf(all)) / learned;
    }
    assertThat(one.done().loss()).isCloseTo(loss, within(1e-9));
    assertThat(many.done().loss()).isCloseTo(loss, within(1e-9));
  }

  @Test
  void aStepIsAdamOnTheClippedMeanGradient() throws IOException {
    TrainingConfig config =
        config(
            Map.of(
                "epochs", "0",
                "steps", "1",
                "accumulation", "100",
                "warmup_share", "0",
                "epsilon", "0.01",
                "weight_decay", "0.1",
                "clip_norm", "0.05"));
    float[] before;
    float[] gradient;
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      before = model.values();
      model.parameters().forEach(parameter -> model.ops().fill(parameter.gradient(), 0));
      int learned = examples().stream().mapToInt(Example::learnedTokens).sum();
      model.accumulate(Packing.batchOf(examples()), 1.0 / learned);
      gradient = Arrays.copyOf(model.parameters().getFirst().gradient().toFloats(), before.length);
      float[] bias = model.parameters().getLast().gradient().toFloats();
      System.arraycopy(bias, 0, gradient, before.length - bias.length, bias.length);
    }
    double norm = 0;
    for (float g : gradient) {
      norm += (double) g * g;
    }
    norm = Math.sqrt(norm);
    assertThat(norm).isGreaterThan(0.05);
    Trained trained = train(job(config, null));
    TrainingEvent.Stepped step = trained.heard().all(TrainingEvent.Stepped.class).getFirst();
    assertThat(step.gradientNorm()).isCloseTo(norm, within(1e-6));
    for (int i = 0; i < before.length; i++) {
      double clipped = gradient[i] * 0.05 / (norm + 1e-6);
      double decay = i < VOCABULARY * VOCABULARY ? 0.05 * 0.1 : 0;
      double expected = before[i] * (1 - decay) - 0.05 * clipped / (Math.abs(clipped) + 0.01);
      assertThat(trained.values()[i]).as("value %d", i).isCloseTo((float) expected, within(1e-5f));
    }
  }

  @Test
  void clippingLeavesASmallNormAloneAndZeroTurnsItOff() {
    assertThat(Trainer.clipping(0.5, 1)).isEqualTo(1);
    assertThat(Trainer.clipping(4, 1)).isCloseTo(1 / 4.000001, within(1e-15));
    assertThat(Trainer.clipping(1e9, 0)).isEqualTo(1);
    assertThat(Trainer.clipping(0, 1)).isEqualTo(1);
  }

  @Test
  void learnsToCountAndTellsWhatItDoes() throws IOException {
    TrainingConfig config =
        TrainingConfig.of(
            Map.of(
                "steps", "60",
                "batch_tokens", "64",
                "learning_rate", "0.3",
                "evaluate_every", "20",
                "checkpoint_every", "25"));
    Trainer.Job job =
        new Trainer.Job(
            config,
            ExampleSet.of(Examples.counting(22, VOCABULARY, 9)),
            Examples.counting(3, VOCABULARY, 9),
            folder,
            Map.of());
    AtomicLong seconds = new AtomicLong();
    Heard heard = new Heard();
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      new Trainer(
              model,
              job,
              heard,
              NEVER,
              () -> seconds.getAndIncrement() * 1_000_000_000L,
              new FolderWriter())
          .run();
    }
    assertThat(heard.all().getFirst())
        .isEqualTo(new TrainingEvent.Started(60, 0, 11 * 11 + 11, 22, 3, null));
    List<TrainingEvent.Stepped> steps = heard.all(TrainingEvent.Stepped.class);
    assertThat(steps).extracting(TrainingEvent.Stepped::step).isSorted().hasSize(60);
    assertThat(steps.getFirst().loss()).isGreaterThan(2);
    assertThat(steps.getLast().loss()).isLessThan(0.2);
    assertThat(steps.getFirst().tokens()).isEqualTo(64);
    assertThat(steps.getFirst().tokensPerSecond()).isEqualTo(64.0);
    assertThat(steps.getFirst().etaSeconds()).isPositive();
    assertThat(steps.getLast().etaSeconds()).isZero();
    assertThat(heard.all(TrainingEvent.Evaluated.class))
        .extracting(TrainingEvent.Evaluated::step)
        .containsExactly(20, 40, 60);
    TrainingEvent.Evaluated last = heard.all(TrainingEvent.Evaluated.class).getLast();
    assertThat(last.perplexity()).isEqualTo(Math.exp(last.loss()));
    assertThat(heard.all(TrainingEvent.Checkpointed.class))
        .extracting(TrainingEvent.Checkpointed::step)
        .containsExactly(25, 50, 60);
    assertThat(Checkpoint.all(folder))
        .containsExactly(folder.resolve("checkpoint-60"), folder.resolve("checkpoint-50"));
    TrainingEvent.Done done = heard.all(TrainingEvent.Done.class).getFirst();
    assertThat(done.end()).isEqualTo(TrainingEvent.End.COMPLETED);
    assertThat(done.best()).isEqualTo(new TrainingEvent.Best(60, last.loss()));
    assertThat(done.bestRestored()).isFalse();
    assertThat(heard.all().getLast()).isEqualTo(done);
  }

  /** What is learned is the opposite of what is held out, so that every step makes it worse. */
  private Trainer.Job contradiction(Path into) {
    TrainingConfig config =
        TrainingConfig.of(
            Map.of(
                "steps", "50",
                "batch_tokens", "64",
                "learning_rate", "0.1",
                "evaluate_every", "2",
                "patience", "3",
                "checkpoint_every", "0"));
    List<Example> backwards = new ArrayList<>();
    for (Example example : Examples.counting(5, VOCABULARY, 6)) {
      int[] ids = example.ids().clone();
      for (int i = 0; i < ids.length / 2; i++) {
        int kept = ids[i];
        ids[i] = ids[ids.length - 1 - i];
        ids[ids.length - 1 - i] = kept;
      }
      backwards.add(new Example(ids, example.learned()));
    }
    return new Trainer.Job(
        config, ExampleSet.of(Examples.counting(22, VOCABULARY, 9)), backwards, into, Map.of());
  }

  @Test
  void stopsEarlyAndEndsWithTheBestValues() throws IOException {
    Trained trained = train(contradiction(folder));
    List<TrainingEvent.Evaluated> evaluations = trained.heard().all(TrainingEvent.Evaluated.class);
    TrainingEvent.Best best = requireNonNull(trained.done().best());
    assertThat(trained.done().end()).isEqualTo(TrainingEvent.End.EARLY_STOPPED);
    assertThat(trained.done().bestRestored()).isTrue();
    assertThat(trained.done().step()).isEqualTo(best.step() + 6);
    assertThat(evaluations)
        .allSatisfy(each -> assertThat(each.loss()).isGreaterThanOrEqualTo(best.loss()));
    Trainer.Job untilBest = contradiction(folder.resolve("until-best"));
    assertThat(stopAfter(best.step(), untilBest).values()).isEqualTo(trained.values());
  }

  @Test
  void theBestValuesOutliveAStop() throws IOException {
    Trained unbroken = train(contradiction(folder.resolve("whole")));
    for (int stop = 1; stop < unbroken.done().step(); stop++) {
      Trainer.Job job = contradiction(folder.resolve("stopped-" + stop));
      assertThat(stopAfter(stop, job).done().bestRestored()).isFalse();
      Trained resumed = resume(job);
      assertThat(resumed.values()).as("stopped after %d", stop).isEqualTo(unbroken.values());
      assertThat(resumed.done().end()).isEqualTo(TrainingEvent.End.EARLY_STOPPED);
      assertThat(resumed.done().best()).isEqualTo(unbroken.done().best());
    }
  }

  @Test
  void anExceptionOfTheListenerStopsTheRunWithoutALeak() {
    try (BigramModel model = new BigramModel(VOCABULARY, 7)) {
      TrainingListener broken =
          event -> {
            if (event instanceof TrainingEvent.Stepped) {
              throw new IllegalStateException("gone");
            }
          };
      assertThatThrownBy(() -> new Trainer(model, job(config(Map.of()), null), broken, NEVER).run())
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("gone");
    }
  }
}
