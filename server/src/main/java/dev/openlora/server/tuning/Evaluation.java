package dev.openlora.server.tuning;

import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRoots;
import dev.openlora.adapter.LocalAdapterRegistry;
import dev.openlora.attribution.datanet.RowContent;
import dev.openlora.engine.EngineConfig;
import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.LocalEngine;
import dev.openlora.engine.ScaledAdapter;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.training.Example;
import dev.openlora.engine.training.HeldOut;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How well a base and adapters on it predict and answer rows, measured on the engine that serves
 * them, all in one process: the loss over the tokens that training counts, and, for chats, the last
 * answer as greedy decoding gives it beside the one in the row. One thread.
 */
public final class Evaluation {
  /** Requests that wait for or run on the engine at once. */
  private static final int IN_FLIGHT_MAX = 64;

  /**
   * What to measure on.
   *
   * @param heldOutSeed null for all rows; otherwise those that a tuning with this seed and the
   *     data's share holds out
   * @param answers of how many chats to write answers; 0 for none
   * @param answerTokens of an answer at most
   */
  public record Job(
      Path model,
      List<Path> adapters,
      TuningJob.Data data,
      @Nullable Long heldOutSeed,
      int answers,
      int answerTokens,
      Computation computation) {
    public Job {
      adapters = List.copyOf(adapters);
      if (answers < 0) {
        throw TuningException.wrong("--answers: " + answers + " (expected: at least 0)");
      }
      if (answerTokens < 1) {
        throw TuningException.wrong("--max-tokens: " + answerTokens + " (expected: at least 1)");
      }
    }
  }

  /**
   * One line of the result.
   *
   * @param name of the adapter's folder, or the base's
   * @param sha256 of the adapter; "" for the base
   * @param loss mean over learned tokens, in nats
   * @param answers how many were written
   * @param rouge means over them; null without any
   */
  public record Line(
      String name,
      String sha256,
      int rows,
      long learnedTokens,
      double loss,
      int answers,
      @Nullable RougeScore rouge,
      double bleu) {
    public double perplexity() {
      return Math.exp(loss);
    }
  }

  private record Answered(String given, String wanted) {}

  private record Measured(Example example, TrainingRow row) {}

  private final Job job;
  private final LongConsumer progress;

  /**
   * @param progress hears of each row that is measured or answered
   */
  public Evaluation(Job job, LongConsumer progress) {
    this.job = job;
    this.progress = progress;
  }

  /** The base's line, then the adapters' in their order. */
  public List<Line> run() throws IOException, InterruptedException {
    ModelFolder model = ModelFolder.open(job.model());
    TrainingRows rows =
        TrainingRows.read(job.data().store(), job.data().datanets(), job.data().files());
    List<Measured> measured;
    List<TrainingRow> chats;
    ExampleBuilder builder;
    TorchLibrary library = job.computation().library();
    try (HuggingFaceTokenizer tokenizer = model.tokenizer()) {
      builder =
          new ExampleBuilder(
              tokenizer,
              LocalDate.now(Clock.systemUTC()).atStartOfDay(),
              model.positionsMax(),
              job.data().longer() == TuningJob.Longer.CUT);
      measured = measured(rows.rows(), builder);
      chats =
          measured.stream()
              .map(Measured::row)
              .filter(row -> row.content() instanceof RowContent.Chat)
              .limit(job.answers())
              .toList();
      return lines(model, library, measured, chats, builder);
    }
  }

  private List<Measured> measured(List<TrainingRow> rows, ExampleBuilder builder) {
    List<Measured> measured = new ArrayList<>();
    Long seed = job.heldOutSeed();
    for (TrainingRow row : rows) {
      Example example = builder.build(row);
      if (seed == null || HeldOut.isHeldOut(example, job.data().heldOut().share(), seed)) {
        measured.add(new Measured(example, row));
      }
    }
    if (measured.isEmpty()) {
      throw TuningException.wrong(
          "--held-out: "
              + job.data().heldOut().share()
              + " takes none of "
              + rows.size()
              + " rows (expected: at least one)");
    }
    return measured;
  }

  private List<Line> lines(
      ModelFolder model,
      TorchLibrary library,
      List<Measured> measured,
      List<TrainingRow> chats,
      ExampleBuilder builder)
      throws IOException, InterruptedException {
    DType dtype = job.computation().weights();
    List<Line> lines = new ArrayList<>();
    try (TorchOps loaderOps = new TorchOps(library, Device.CPU);
        LocalEngine engine =
            LocalEngine.open(
                model.name(),
                model.folder(),
                new TorchOps(library, Device.CPU),
                dtype,
                EngineConfig.DEFAULT,
                List.of())) {
      lines.add(line(engine, model.name(), null, measured, chats, builder));
      for (Path folder : job.adapters()) {
        lines.add(adapterLine(engine, loaderOps, folder, measured, chats, builder));
      }
    }
    return lines;
  }

  private Line adapterLine(
      LocalEngine engine,
      TorchOps ops,
      Path folder,
      List<Measured> measured,
      List<TrainingRow> chats,
      ExampleBuilder builder)
      throws IOException, InterruptedException {
    Path absolute = folder.toAbsolutePath().normalize();
    String name = String.valueOf(absolute.getFileName());
    try (LocalAdapterRegistry registry =
        new LocalAdapterRegistry(
            engine.model(),
            ops,
            AdapterRoots.of(List.of(absolute)),
            Long.MAX_VALUE,
            engine::forget)) {
      registry.load("adapter", absolute, false);
      Line line = line(engine, name, registry, measured, chats, builder);
      registry.unload("adapter");
      return line;
    } catch (AdapterException e) {
      throw new TuningException(
          TuningException.Kind.ASKED_WRONGLY, "--adapter: '" + folder + "': " + e.getMessage(), e);
    }
  }

  private Line line(
      LocalEngine engine,
      String name,
      @Nullable LocalAdapterRegistry registry,
      List<Measured> measured,
      List<TrainingRow> chats,
      ExampleBuilder builder)
      throws InterruptedException {
    double loss = 0;
    long learned = 0;
    for (int from = 0; from < measured.size(); from += IN_FLIGHT_MAX) {
      List<Measured> some = measured.subList(from, Math.min(measured.size(), from + IN_FLIGHT_MAX));
      List<CompletableFuture<Double>> losses = new ArrayList<>();
      for (Measured each : some) {
        losses.add(loss(engine, each.example(), adapters(registry)));
      }
      for (CompletableFuture<Double> each : losses) {
        loss += result(each);
        progress.accept(1);
      }
      learned += some.stream().mapToLong(each -> each.example().learnedTokens()).sum();
    }
    List<RougeScore> rouge = new ArrayList<>();
    BleuScore bleu = new BleuScore();
    for (int from = 0; from < chats.size(); from += IN_FLIGHT_MAX) {
      List<CompletableFuture<Answered>> answers = new ArrayList<>();
      for (TrainingRow row : chats.subList(from, Math.min(chats.size(), from + IN_FLIGHT_MAX))) {
        answers.add(answer(engine, row, builder, adapters(registry)));
      }
      for (CompletableFuture<Answered> each : answers) {
        Answered answered = result(each);
        rouge.add(RougeScore.of(answered.given(), answered.wanted()));
        bleu.add(answered.given(), answered.wanted());
        progress.accept(1);
      }
    }
    String sha256 = registry == null ? "" : registry.list().getFirst().id().sha256();
    return new Line(
        name,
        sha256,
        measured.size(),
        learned,
        loss / learned,
        chats.size(),
        rouge.isEmpty() ? null : RougeScore.mean(rouge),
        bleu.score());
  }

  private static List<ScaledAdapter> adapters(@Nullable LocalAdapterRegistry registry) {
    if (registry == null) {
      return List.of();
    }
    AdapterLease lease = registry.acquire("adapter").orElseThrow();
    return List.of(new ScaledAdapter(lease, 1));
  }

  /** The summed loss over the learned tokens of one example. */
  private static CompletableFuture<Double> loss(
      LocalEngine engine, Example example, List<ScaledAdapter> adapters) {
    GenerationResult<Double> result =
        new GenerationResult<>() {
          private double loss;

          @Override
          public void onPrompt(List<List<TokenLogprob>> logprobs) {
            for (int i = 1; i < logprobs.size(); i++) {
              loss -= example.learned()[i] ? logprobs.get(i).getFirst().logprob() : 0;
            }
          }

          @Override
          public void onToken(Token token) {}

          @Override
          Double value(Finish finish) {
            return loss;
          }
        };
    return result.of(engine, new GenerationRequest("loss", example.ids(), adapters, scored()));
  }

  private CompletableFuture<Answered> answer(
      LocalEngine engine, TrainingRow row, ExampleBuilder builder, List<ScaledAdapter> adapters) {
    ExampleBuilder.Turn turn = builder.lastTurn(row, (RowContent.Chat) row.content());
    int room = engine.maxModelLength() - turn.promptIds().length;
    GenerationRequest request =
        new GenerationRequest(
            "answer",
            turn.promptIds(),
            adapters,
            SamplingParams.greedy(Math.max(0, Math.min(job.answerTokens(), room))));
    return AnswerText.ask(engine, request).thenApply(text -> new Answered(text, turn.answer()));
  }

  /** Nothing is generated; the prompt's own tokens are scored. */
  private static SamplingParams scored() {
    return new SamplingParams(
        0, 0, 1, 0, 1, 0, 0, Map.of(), null, 0, 0, List.of(), List.of(), false, false, true, -1, 0);
  }

  private static <T> T result(CompletableFuture<T> future) throws InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      throw new TuningException(
          TuningException.Kind.FAILED, "the engine: " + cause.getMessage(), cause);
    }
  }
}
