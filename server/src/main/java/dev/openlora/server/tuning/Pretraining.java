package dev.openlora.server.tuning;

import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.training.DecoderTraining;
import dev.openlora.engine.training.Example;
import dev.openlora.engine.training.ExampleSet;
import dev.openlora.engine.training.FolderWriter;
import dev.openlora.engine.training.LossCurve;
import dev.openlora.engine.training.Trainer;
import dev.openlora.engine.training.TrainingEvent;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.kernels.TorchTrainingOps;
import dev.openlora.server.demo.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Trains a whole small model from random values and writes a Hugging Face folder in BF16. The same
 * job gives the same bytes, also when it is killed and asked for again. One thread.
 */
public final class Pretraining {
  private final PretrainingJob job;
  private final TuningReport report;
  private final BooleanSupplier cancelled;

  /**
   * @param cancelled asked after each step: true ends with a checkpoint
   */
  public Pretraining(PretrainingJob job, TuningReport report, BooleanSupplier cancelled) {
    this.job = job;
    this.report = report;
    this.cancelled = cancelled;
  }

  /** What there is to learn, and how a lineage tells it once it is known how much was used. */
  private record Material(
      ExampleSet examples,
      List<Example> heldOut,
      long learnedTokens,
      double rowsPerEpoch,
      Told told) {}

  /** What a lineage says of the rows. */
  private interface Told {
    List<Lineage.Source> sources(long taken);

    Lineage.Rows training(long taken);

    Lineage.Rows heldOut();

    Set<String> licences();
  }

  /**
   * Runs the job.
   *
   * @return whether the model is there; false when it was cancelled
   */
  public boolean run() throws IOException {
    OutputFolder output = new OutputFolder(job.output());
    ModelShape shape = shape();
    RunStart start = RunStart.of(output, job.start());
    try (HuggingFaceTokenizer tokenizer = tokenizer()) {
      if (tokenizer.size() > shape.vocabularySize()) {
        throw TuningException.wrong(
            "--tokenizer: "
                + tokenizer.size()
                + " tokens (expected: at most "
                + shape.vocabularySize()
                + ", the vocab_size of --model-config)");
      }
      Material material = material(start, shape, tokenizer);
      Path initial = output.work().resolve("initial");
      writeInitial(initial, shape, tokenizer);
      TorchLibrary library = job.computation().library();
      try (TorchOps ops = new TorchOps(library, Device.CPU);
          HuggingFaceModel model = HuggingFaceModel.open(output.name(), initial, ops, DType.F32);
          TorchTrainingOps trainingOps =
              TorchTrainingOps.open(library, job.computation().precision());
          DecoderTraining training = DecoderTraining.full(model, trainingOps)) {
        return train(output, start, material, model, ops, training);
      }
    }
  }

  private boolean train(
      OutputFolder output,
      RunStart start,
      Material material,
      HuggingFaceModel model,
      TorchOps ops,
      DecoderTraining training)
      throws IOException {
    Map<String, String> subject = new LinkedHashMap<>();
    subject.put("initial", model.contentHash());
    subject.put("precision", job.computation().precisionName());
    subject.put("threads", String.valueOf(job.computation().threadsUsed()));
    subject.put(RunStart.DATE, start.date().toString());
    TrainingRun.Result result =
        new TrainingRun(report, material.learnedTokens(), material.rowsPerEpoch())
            .run(training, job(output, material, subject), output.work(), cancelled);
    if (result.end() == TrainingEvent.End.CANCELLED) {
      report.on(new TuningEvent.Cancelled(result.step(), result.checkpoint()));
      return false;
    }
    Path draft = output.draft();
    training.save(draft, SafetensorsType.BF16);
    String sha256;
    try (HuggingFaceModel written = HuggingFaceModel.open(output.name(), draft, ops, DType.BF16)) {
      sha256 = written.contentHash();
    }
    Told told = material.told();
    Lineage lineage =
        new Lineage(
            null,
            told.sources(result.taken()),
            told.training(result.taken()),
            told.heldOut(),
            null,
            Metrics.hyperparameters(job.training(), job.computation())
                .put("initial_sha256", model.contentHash()),
            job.training().seed(),
            Metrics.numbers(result),
            Build.software(),
            Build.cpu(),
            sha256);
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(Lineage.FILE, lineage.toJson());
    texts.put("loss.svg", LossCurve.svg(output.name() + ", from random values", result.history()));
    texts.put("metrics.json", Metrics.json(result, job.computation()));
    texts.put("README.md", ModelCard.model(output.name(), lineage, told.licences()));
    output.publish(texts);
    report.on(
        new TuningEvent.Done(
            output.folder(), sha256, result.loss(), result.heldOutLoss(), result.tokens()));
    return true;
  }

  private Trainer.Job job(OutputFolder output, Material material, Map<String, String> subject) {
    try {
      return new Trainer.Job(
          job.training(), material.examples(), material.heldOut(), output.work(), subject);
    } catch (IllegalArgumentException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, String.valueOf(e.getMessage()), e);
    }
  }

  private ModelShape shape() throws IOException {
    if (!Files.exists(job.config())) {
      throw TuningException.wrong(
          "--model-config: '" + job.config() + "' (expected: a config.json, or a folder with one)");
    }
    try {
      return ModelShape.read(job.config());
    } catch (IllegalArgumentException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, "--model-config: " + e.getMessage(), e);
    }
  }

  private HuggingFaceTokenizer tokenizer() {
    try {
      return HuggingFaceTokenizer.load(job.tokenizer());
    } catch (IOException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, "--tokenizer: " + e.getMessage(), e);
    }
  }

  /** Written anew each time: the same seed gives the same bytes. */
  private void writeInitial(Path folder, ModelShape shape, HuggingFaceTokenizer tokenizer)
      throws IOException {
    Files.createDirectories(folder);
    try (var old = Files.newDirectoryStream(folder)) {
      for (Path file : old) {
        Files.delete(file);
      }
    }
    new InitialModel(shape, job.training().seed()).write(folder, job.tokenizer(), tokenizer);
  }

  private Material material(RunStart start, ModelShape shape, HuggingFaceTokenizer tokenizer)
      throws IOException {
    int tokensMax = Math.min(shape.maxPositions(), job.training().batches().maxLength());
    return switch (job.text()) {
      case PretrainingJob.Text.DemoCorpus _ ->
          demo(new ExampleBuilder(tokenizer, start.date().atStartOfDay(), tokensMax, true));
      case PretrainingJob.Text.Files files ->
          files(
              files,
              new ExampleBuilder(
                  tokenizer,
                  start.date().atStartOfDay(),
                  tokensMax,
                  files.longer() == TuningJob.Longer.CUT));
    };
  }

  private Material demo(ExampleBuilder builder) throws IOException {
    long seed = job.training().seed();
    DemoStream stream = new DemoStream(builder, seed);
    List<TrainingRow> heldOut = stream.heldOut();
    String tokenizer = FolderWriter.sha256(job.tokenizer().resolve("tokenizer.json"));
    return new Material(
        stream.examples(tokenizer),
        builder.build(heldOut),
        0,
        Double.NaN,
        new Told() {
          @Override
          public List<Lineage.Source> sources(long taken) {
            return List.of(new Lineage.Source.Generated(DemoStream.NAME, seed, taken));
          }

          @Override
          public Lineage.Rows training(long taken) {
            return Lineage.Rows.of(stream.ids(taken));
          }

          @Override
          public Lineage.Rows heldOut() {
            return Lineage.Rows.of(heldOut.stream().map(row -> row.id().bytes()).toList());
          }

          @Override
          public Set<String> licences() {
            return Set.of();
          }
        });
  }

  private Material files(PretrainingJob.Text.Files files, ExampleBuilder builder)
      throws IOException {
    TrainingRows all = TrainingRows.read(Path.of(""), List.of(), files.files());
    SplitRows split = SplitRows.of(all.rows(), builder, files.heldOut(), job.training().seed());
    return new Material(
        ExampleSet.of(split.trainingExamples()),
        split.heldOutExamples(),
        split.learnedTokens(),
        split.positions(),
        new Told() {
          @Override
          public List<Lineage.Source> sources(long taken) {
            return all.sources();
          }

          @Override
          public Lineage.Rows training(long taken) {
            return SplitRows.lineage(split.training());
          }

          @Override
          public Lineage.Rows heldOut() {
            return SplitRows.lineage(split.heldOut());
          }

          @Override
          public Set<String> licences() {
            return new LinkedHashSet<>(all.licences());
          }
        });
  }
}
