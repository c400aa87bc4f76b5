package dev.openlora.server.tuning;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.AdapterShape;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.training.DecoderTraining;
import dev.openlora.engine.training.ExampleSet;
import dev.openlora.engine.training.LossCurve;
import dev.openlora.engine.training.Trainer;
import dev.openlora.engine.training.TrainingEvent;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.kernels.TorchTrainingOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Trains one adapter: rows in, a folder out that is served as it is. The same job gives the same
 * bytes, also when it is killed and asked for again. One thread.
 */
public final class Tuning {
  private final TuningJob job;
  private final TuningReport report;
  private final BooleanSupplier cancelled;

  /**
   * @param cancelled asked after each step: true ends with a checkpoint
   */
  public Tuning(TuningJob job, TuningReport report, BooleanSupplier cancelled) {
    this.job = job;
    this.report = report;
    this.cancelled = cancelled;
  }

  /**
   * Runs the job.
   *
   * @return whether the adapter is there; false when it was cancelled
   */
  public boolean run() throws IOException {
    OutputFolder output = new OutputFolder(job.output());
    ModelFolder model = ModelFolder.open(job.model());
    RunStart start = RunStart.of(output, job.start());
    TrainingRows rows =
        TrainingRows.read(job.data().store(), job.data().datanets(), job.data().files());
    SplitRows split;
    try (HuggingFaceTokenizer tokenizer = model.tokenizer()) {
      ExampleBuilder builder =
          new ExampleBuilder(
              tokenizer,
              start.date().atStartOfDay(),
              Math.min(model.positionsMax(), job.training().batches().maxLength()),
              job.data().longer() == TuningJob.Longer.CUT);
      split = SplitRows.of(rows.rows(), builder, job.data().heldOut(), job.training().seed());
      model.checkVocabulary(split.vocabulary());
    }
    if (split.heldOut().isEmpty() && job.data().heldOut().share() > 0) {
      report.on(
          new TuningEvent.Warning(
              "too few rows to hold any out; the loss on unseen rows stays unknown"));
    }
    TorchLibrary library = job.computation().library();
    try (TorchOps ops = new TorchOps(library, Device.CPU);
        HuggingFaceModel base =
            HuggingFaceModel.open(model.name(), model.folder(), ops, job.computation().weights());
        TorchTrainingOps trainingOps =
            TorchTrainingOps.open(library, job.computation().precision());
        DecoderTraining training =
            DecoderTraining.adapter(base, trainingOps, shape(base), job.training().seed())) {
      return train(output, start, rows, split, base, ops, training);
    }
  }

  private AdapterShape shape(HuggingFaceModel base) {
    try {
      return AdapterShape.of(job.adapterConfig(), base);
    } catch (AdapterException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, "adapter config: " + e.getMessage(), e);
    }
  }

  private boolean train(
      OutputFolder output,
      RunStart start,
      TrainingRows rows,
      SplitRows split,
      HuggingFaceModel base,
      TorchOps ops,
      DecoderTraining training)
      throws IOException {
    Map<String, String> subject = new LinkedHashMap<>();
    subject.put("base", base.contentHash());
    subject.put("adapter_config", canonicalConfig().toString());
    subject.put("precision", job.computation().precisionName());
    subject.put("threads", String.valueOf(job.computation().threadsUsed()));
    subject.put(RunStart.DATE, start.date().toString());
    TrainingRun.Result result =
        new TrainingRun(report, split.learnedTokens(), split.positions())
            .run(training, job(output, split, subject), output.work(), cancelled);
    if (result.end() == TrainingEvent.End.CANCELLED) {
      report.on(new TuningEvent.Cancelled(result.step(), result.checkpoint()));
      return false;
    }
    Path draft = output.draft();
    training.save(draft, SafetensorsType.F32);
    String sha256 = loadedAs(output.name(), draft, base, ops);
    Lineage lineage = lineage(base, rows, split, result, sha256);
    String title = output.name() + ", an adapter for " + base.id();
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put(Lineage.FILE, lineage.toJson());
    texts.put("loss.svg", LossCurve.svg(title, result.history()));
    texts.put("metrics.json", Metrics.json(result, job.computation()));
    texts.put("README.md", ModelCard.adapter(output.name(), lineage, rows.licences()));
    output.publish(texts);
    report.on(
        new TuningEvent.Done(
            output.folder(), sha256, result.loss(), result.heldOutLoss(), result.tokens()));
    return true;
  }

  private Trainer.Job job(OutputFolder output, SplitRows split, Map<String, String> subject) {
    try {
      return new Trainer.Job(
          job.training(),
          ExampleSet.of(split.trainingExamples()),
          split.heldOutExamples(),
          output.work(),
          subject);
    } catch (IllegalArgumentException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, String.valueOf(e.getMessage()), e);
    }
  }

  /** Loads what was written as serving would; the digest is what it will be called by. */
  private static String loadedAs(String name, Path folder, HuggingFaceModel base, TorchOps ops) {
    try (LoadedAdapter adapter = AdapterLoader.load(name, folder, base, ops)) {
      return adapter.id().sha256();
    } catch (AdapterException e) {
      throw new TuningException(
          TuningException.Kind.FAILED, "the adapter does not load: " + e.getMessage(), e);
    }
  }

  private Lineage lineage(
      HuggingFaceModel base,
      TrainingRows rows,
      SplitRows split,
      TrainingRun.Result result,
      String sha256) {
    return new Lineage(
        new Lineage.Base(base.id(), base.contentHash()),
        rows.sources(),
        SplitRows.lineage(split.training()),
        SplitRows.lineage(split.heldOut()),
        canonicalConfig(),
        Metrics.hyperparameters(job.training(), job.computation())
            .put("held_out", job.data().heldOut().share()),
        job.training().seed(),
        Metrics.numbers(result).put("learned_tokens", split.learnedTokens()),
        Build.software(),
        Build.cpu(),
        sha256);
  }

  private ObjectNode canonicalConfig() {
    return (ObjectNode) JsonMapper.shared().readTree(job.adapterConfig());
  }
}
