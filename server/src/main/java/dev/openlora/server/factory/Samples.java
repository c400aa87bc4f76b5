package dev.openlora.server.factory;

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
import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.TorchOps;
import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.demo.Voice;
import dev.openlora.server.tuning.AnswerText;
import dev.openlora.server.tuning.ExampleBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Twenty answers of every adapter in a file that a person can judge, and twenty of the base. */
final class Samples {
  private static final int COUNT = 20;
  private static final int TOKENS_MAX = 260;
  private static final double TEMPERATURE = 0.7;
  private static final long SEED = 2026;

  private final DemoFolder folder;

  Samples(DemoFolder folder) {
    this.folder = folder;
  }

  void write(Path file) throws IOException, InterruptedException {
    StringBuilder text = new StringBuilder();
    text.append("# Twenty answers of each\n\n");
    text.append(
        "Drawn at temperature 0.7, none left out. The questions are ones that the Datanets ask in"
            + " other words too; the base answers them in its own voice.\n");
    try (HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.load(folder.base());
        TorchOps ops = TorchOps.openDefault();
        LocalEngine engine =
            LocalEngine.open(
                "tiny",
                folder.base(),
                TorchOps.openDefault(),
                DType.BF16,
                EngineConfig.DEFAULT,
                List.of());
        LocalAdapterRegistry registry =
            new LocalAdapterRegistry(
                engine.model(),
                ops,
                AdapterRoots.of(List.of(folder.adapters().toAbsolutePath())),
                Long.MAX_VALUE,
                engine::forget)) {
      ExampleBuilder prompts =
          new ExampleBuilder(
              tokenizer,
              LocalDate.now(Clock.systemUTC()).atStartOfDay(),
              engine.maxModelLength(),
              false);
      section(text, "tiny, the base", Voice.ALL.getFirst(), prompts, engine, registry, false);
      for (Voice voice : Voice.ALL) {
        registry.load(
            voice.name(), folder.adapters().resolve(voice.name()).toAbsolutePath(), false);
        section(
            text,
            voice.name() + ", " + voice.shape() + ": " + voice.domain().description(),
            voice,
            prompts,
            engine,
            registry,
            true);
      }
    } catch (AdapterException e) {
      throw new IOException(e);
    }
    Files.writeString(file, text);
  }

  private static void section(
      StringBuilder text,
      String title,
      Voice voice,
      ExampleBuilder prompts,
      LocalEngine engine,
      LocalAdapterRegistry registry,
      boolean adapted)
      throws InterruptedException {
    SplittableRandom random = new SplittableRandom(SEED);
    List<String> questions = new ArrayList<>();
    List<CompletableFuture<String>> answers = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      String question = voice.domain().passage(random).prompt();
      questions.add(question);
      List<ScaledAdapter> adapters = List.of();
      if (adapted) {
        AdapterLease lease = registry.acquire(voice.name()).orElseThrow();
        adapters = List.of(new ScaledAdapter(lease, 1));
      }
      answers.add(answer(engine, prompts, question, adapters, SEED + i));
    }
    text.append("\n## ").append(title).append('\n');
    for (int i = 0; i < COUNT; i++) {
      text.append("\n**").append(questions.get(i)).append("**\n\n");
      try {
        text.append(answers.get(i).get().strip().replace("\n", "  \n")).append('\n');
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      }
    }
  }

  private static CompletableFuture<String> answer(
      LocalEngine engine,
      ExampleBuilder prompts,
      String question,
      List<ScaledAdapter> adapters,
      long seed) {
    int[] promptIds =
        prompts.promptIds(List.of(new RowContent.Message(RowContent.Message.USER, question)));
    return AnswerText.ask(
        engine, new GenerationRequest("sample", promptIds, adapters, sampling(seed)));
  }

  private static SamplingParams sampling(long seed) {
    return new SamplingParams(
        TEMPERATURE,
        0,
        1,
        0,
        1,
        0,
        0,
        Map.of(),
        seed,
        0,
        TOKENS_MAX,
        List.of(),
        List.of(),
        false,
        false,
        true,
        -1,
        -1);
  }
}
