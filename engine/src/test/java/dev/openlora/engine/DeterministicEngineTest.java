package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.TorchOps;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Deterministic kernels in BF16: every score of a prompt and of an answer has the same bits alone
 * and in company, whatever the chunks of its prompt, the threads, and the cached prefixes. Adapters
 * of every kind, and the base.
 */
class DeterministicEngineTest {
  private static final int REQUESTS = 24;

  @TempDir static Path folder;
  private static long seed;
  private static Path model;
  private static List<String> names;

  /** Scores as bits: prompt, then answer. */
  private record Bits(List<Integer> tokens, List<Integer> scores) {}

  private record Ask(int[] prompt, String adapter) {}

  @BeforeAll
  static void writeModelAndAdapters() throws Exception {
    seed = Seeds.next("DeterministicEngineTest", 20261121);
    model =
        TinyModels.write(folder.resolve("base"), TinySpec.of("llama").withDtype(DType.BF16), seed);
    names = new ArrayList<>(List.of(""));
    try (TestEngine engine = open(1, EngineConfig.DEFAULT)) {
      var base = engine.engine().model();
      for (TinyAdapters.Kind kind : TinyAdapters.kinds(base)) {
        TinyAdapters.write(folder.resolve(TinyAdapters.name(kind)), base, kind, seed);
        names.add(TinyAdapters.name(kind));
      }
    }
  }

  private static TestEngine open(int threads, EngineConfig config) throws Exception {
    return TestEngine.open(
        () ->
            CpuOps.open(TorchOps.openDefault(), CpuOps.Options.of(threads).withDeterministic(true)),
        model,
        DType.BF16,
        config,
        folder);
  }

  private static EngineConfig config(int batchTokens, boolean prefixCache) {
    EngineConfig d = EngineConfig.DEFAULT;
    return new EngineConfig(
        0, batchTokens, 8, d.waiting(), d.kvBytes(), d.pageSize(), prefixCache, d.logitsRows());
  }

  private static List<Ask> asks() {
    Random random = new Random(seed);
    List<Ask> asks = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      int[] prompt = random.ints(1 + random.nextInt(90), 5, 290).toArray();
      asks.add(new Ask(prompt, names.get(i % names.size())));
    }
    return asks;
  }

  private static GenerationRequest request(TestEngine engine, Ask ask) {
    List<ScaledAdapter> with =
        ask.adapter().isEmpty()
            ? List.of()
            : List.of(new ScaledAdapter(engine.lease(ask.adapter()), 1));
    return new GenerationRequest(ask.adapter(), ask.prompt(), with, TestEngine.greedy(12, 3, 3));
  }

  private static Bits bits(Collected answer) {
    answer.succeeded();
    List<Integer> scores = new ArrayList<>();
    for (List<List<TokenLogprob>> part : List.of(answer.promptLogprobs, answer.logprobs)) {
      for (List<TokenLogprob> position : part) {
        position.forEach(score -> scores.add(Float.floatToRawIntBits((float) score.logprob())));
      }
    }
    return new Bits(List.copyOf(answer.tokenIds), scores);
  }

  /** All at once, or one after the other. */
  private static List<Bits> answers(int threads, EngineConfig config, boolean together)
      throws Exception {
    List<Bits> answers = new ArrayList<>();
    try (TestEngine engine = open(threads, config)) {
      names.stream()
          .filter(name -> !name.isEmpty())
          .forEach(name -> engine.load(name, folder.resolve(name)));
      List<Collected> running = new ArrayList<>();
      for (Ask ask : asks()) {
        Collected answer = engine.submit(request(engine, ask));
        if (together) {
          running.add(answer);
        } else {
          answers.add(bits(answer));
        }
      }
      running.forEach(answer -> answers.add(bits(answer)));
    }
    return answers;
  }

  @Test
  void aRequestHasTheSameBitsInEveryBatch() throws Exception {
    List<Bits> alone = answers(1, config(512, false), false);
    assertThat(alone).allSatisfy(bits -> assertThat(bits.tokens()).hasSize(12));
    for (int threads = 1; threads <= 3; threads++) {
      for (int chunk : new int[] {8, 23, 512}) {
        assertThat(answers(threads, config(chunk, threads == 2), true))
            .as(threads + " threads, steps of " + chunk + " tokens")
            .isEqualTo(alone);
      }
    }
  }
}
