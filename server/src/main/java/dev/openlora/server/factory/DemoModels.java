package dev.openlora.server.factory;

import dev.openlora.attribution.datanet.Addition;
import dev.openlora.attribution.datanet.Contributor;
import dev.openlora.attribution.datanet.DatanetStore;
import dev.openlora.engine.text.bpe.BpeTrainer;
import dev.openlora.engine.text.bpe.ChatTokenizer;
import dev.openlora.engine.training.TrainingConfig;
import dev.openlora.kernels.TrainingOps.Precision;
import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.demo.Voice;
import dev.openlora.server.demo.corpus.Contributors;
import dev.openlora.server.demo.corpus.Corpus;
import dev.openlora.server.demo.corpus.CorpusRows;
import dev.openlora.server.demo.corpus.Domains;
import dev.openlora.server.demo.corpus.Passage;
import dev.openlora.server.tuning.Computation;
import dev.openlora.server.tuning.Pretraining;
import dev.openlora.server.tuning.PretrainingJob;
import dev.openlora.server.tuning.Tuning;
import dev.openlora.server.tuning.TuningJob;
import dev.openlora.server.tuning.TuningReport;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the demonstration's folder, part by part; a part that is there already is kept, so that a
 * run that was stopped goes on. The same seed gives the same rows everywhere, and the same weights
 * on one kind of machine with the same number of threads. One thread.
 */
public final class DemoModels {
  private static final long SEED = 1;
  private static final int TOKENIZER_PASSAGES = 20_000;
  private static final int VOCABULARY = 2048;
  private static final int CONTEXT = 512;
  private static final int ROWS = 400;
  private static final int HELD_OUT_ROWS = 60;
  private static final int LIVE_ROWS = 160;
  private static final Computation COMPUTATION = new Computation(Precision.BF16, 2);

  private final DemoFolder folder;
  private final int baseSteps;
  private final PrintStream out;
  private final BooleanSupplier cancelled;

  /**
   * @param baseSteps steps of the base's training, of 2,048 tokens each
   * @param cancelled asked after each training step: true stops with a checkpoint
   */
  public DemoModels(DemoFolder folder, int baseSteps, PrintStream out, BooleanSupplier cancelled) {
    this.folder = folder;
    this.baseSteps = baseSteps;
    this.out = out;
    this.cancelled = cancelled;
  }

  /** Makes what is missing; returns false when it was cancelled. */
  public boolean run(TuningReport.Style style) throws IOException, InterruptedException {
    try (TuningReport report = style.to(out, System.err)) {
      if (!base(report)) {
        return false;
      }
      for (Voice voice : Voice.ALL) {
        datanet(voice);
        if (!adapter(voice, report)) {
          return false;
        }
      }
    }
    live();
    out.println("measuring");
    PerplexityTable.of(folder, COMPUTATION).write(folder.root().resolve("perplexity.md"));
    new Samples(folder).write(folder.root().resolve("samples.md"));
    Checksums.write(folder.root());
    return true;
  }

  private boolean base(TuningReport report) throws IOException {
    if (Files.exists(folder.base())) {
      return true;
    }
    Path tokenizer = folder.root().resolve("tiny.tokenizer");
    BpeTrainer trainer = new BpeTrainer(ChatTokenizer.SPECIAL_TOKENS);
    Corpus corpus = Corpus.base(SEED);
    for (int i = 0; i < TOKENIZER_PASSAGES; i++) {
      Passage passage = corpus.next();
      trainer.add(passage.prompt());
      trainer.add(passage.answer());
    }
    ChatTokenizer.write(tokenizer, trainer.train(VOCABULARY), CONTEXT);
    Path config = tokenizer.resolve("config.json");
    try (InputStream in = DemoModels.class.getResourceAsStream("tiny.json")) {
      if (in == null) {
        throw new IOException("tiny.json: not in the jar");
      }
      Files.write(config, in.readAllBytes());
    }
    out.println("the base, from random values: " + baseSteps + " steps");
    TrainingConfig training =
        TrainingConfig.of(
            Map.ofEntries(
                Map.entry("steps", String.valueOf(baseSteps)),
                Map.entry("batch_tokens", "2048"),
                Map.entry("max_length", String.valueOf(CONTEXT)),
                Map.entry("longer", "cut"),
                Map.entry("learning_rate", "0.003"),
                Map.entry("warmup_share", "0.03"),
                Map.entry("final_share", "0.03"),
                Map.entry("weight_decay", "0.05"),
                Map.entry("beta2", "0.98"),
                Map.entry("evaluate_every", "300"),
                Map.entry("checkpoint_every", "600"),
                Map.entry("seed", String.valueOf(SEED))));
    PretrainingJob job =
        new PretrainingJob(
            config,
            tokenizer,
            new PretrainingJob.Text.DemoCorpus(),
            training,
            COMPUTATION,
            folder.base(),
            TuningJob.Start.WHEREVER_IT_STANDS);
    boolean done = new Pretraining(job, report, cancelled).run();
    if (done) {
      try (DirectoryStream<Path> parts = Files.newDirectoryStream(tokenizer)) {
        for (Path part : parts) {
          Files.delete(part);
        }
      }
      Files.delete(tokenizer);
    }
    return done;
  }

  /** The rows that an adapter learns from, in a Datanet, and those that measure it. */
  private void datanet(Voice voice) throws IOException {
    Path heldOut = folder.heldOut().resolve(voice.name() + ".jsonl");
    if (Files.exists(heldOut)) {
      return;
    }
    Files.createDirectories(folder.heldOut());
    Path rows = Files.createTempFile(folder.root(), voice.name(), ".jsonl");
    Path measured = Files.createTempFile(folder.root(), voice.name(), ".heldout");
    try {
      CorpusRows writer = new CorpusRows(voice.domain(), SEED);
      writer.write(rows, ROWS);
      writer.write(measured, HELD_OUT_ROWS);
      Contributor first = new Contributor(Contributors.of(voice.domain()).getFirst().address());
      new DatanetStore(folder.datanets())
          .add(new Addition(voice.name(), List.of(rows), first, CorpusRows.LICENCE));
      Files.move(measured, heldOut);
    } finally {
      Files.deleteIfExists(rows);
      Files.deleteIfExists(measured);
    }
  }

  private boolean adapter(Voice voice, TuningReport report) throws IOException {
    Path output = folder.adapters().resolve(voice.name());
    if (Files.exists(output)) {
      return true;
    }
    Files.createDirectories(folder.adapters());
    out.println(voice.name() + ": " + voice.shape());
    TrainingConfig training =
        TrainingConfig.of(
            Map.of(
                "epochs", "4",
                "batch_tokens", "1024",
                "max_length", String.valueOf(CONTEXT),
                "learning_rate", "0.003",
                "warmup_share", "0.05",
                "final_share", "0.05",
                "weight_decay", "0",
                "evaluate_every", "40",
                "checkpoint_every", "0",
                "seed", String.valueOf(SEED)));
    return new Tuning(
            new TuningJob(
                folder.base(),
                new TuningJob.Data(
                    folder.datanets(),
                    List.of(voice.name()),
                    List.of(),
                    new TuningJob.HeldOutShare(0.05, true),
                    TuningJob.Longer.REFUSED),
                config(voice),
                training,
                COMPUTATION,
                output,
                TuningJob.Start.WHEREVER_IT_STANDS),
            report,
            cancelled)
        .run();
  }

  private static byte[] config(Voice voice) {
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config
        .put("peft_type", "LORA")
        .put("task_type", "CAUSAL_LM")
        .put("r", voice.rank())
        .put("lora_alpha", voice.alpha())
        .put("lora_dropout", 0.0)
        .put("bias", "none")
        .put("fan_in_fan_out", false)
        .put("use_rslora", voice.kind() == Voice.Kind.RSLORA)
        .put("use_dora", voice.kind() == Voice.Kind.DORA)
        .put("target_modules", "all-linear");
    return config.toPrettyString().getBytes(StandardCharsets.UTF_8);
  }

  private void live() throws IOException {
    if (!Files.exists(folder.live())) {
      Files.createDirectories(folder.live().getParent());
      new CorpusRows(Domains.LIVE, SEED).write(folder.live(), LIVE_ROWS);
    }
  }
}
