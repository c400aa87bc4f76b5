package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.adapter.AdapterId;
import dev.openlora.adapter.PeftFolder;
import dev.openlora.engine.sampling.SamplingParams;
import dev.openlora.engine.sampling.Seeds;
import dev.openlora.kernels.DType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a request gets does not depend on who else is served: the same requests one by one,
 * together, staggered, preempted, with cached prefixes, beside adapters that fail or leave.
 */
class LocalEngineTest {
  private static final int[] RANKS = {1, 4, 16};

  @TempDir static Path folder;
  private static long seed;
  private static Path model;
  private static List<String> adapters;

  /** A prompt, an adapter name ("" for the base) and how to sample. */
  private record Ask(int[] prompt, String adapter, SamplingParams sampling) {}

  @BeforeAll
  static void writeModelAndAdapters() throws Exception {
    seed = Seeds.next("LocalEngineTest", 20261120);
    model = TinyModels.write(folder.resolve("base"), TinySpec.of("llama"), seed);
    adapters = new ArrayList<>();
    try (TestEngine engine = open(EngineConfig.DEFAULT)) {
      var base = engine.engine().model();
      for (TinyAdapters.Kind kind : TinyAdapters.kinds(base)) {
        TinyAdapters.write(
            folder.resolve(TinyAdapters.name(kind)), base, kind, seed + adapters.size());
        adapters.add(TinyAdapters.name(kind));
      }
      for (int rank : RANKS) {
        new PeftFolder(seed + rank)
            .with("r", rank)
            .with("target_modules", List.of("q_proj", "v_proj", "down_proj"))
            .pairs(base, rank, "q_proj", "v_proj", "down_proj")
            .write(folder.resolve("r" + rank));
        adapters.add("r" + rank);
      }
    }
  }

  private static TestEngine open(EngineConfig config) throws Exception {
    return TestEngine.open(model, DType.F32, config, folder);
  }

  private static TestEngine openWithAdapters(EngineConfig config) throws Exception {
    TestEngine engine = open(config);
    adapters.forEach(name -> engine.load(name, folder.resolve(name)));
    return engine;
  }

  private static GenerationRequest request(TestEngine engine, Ask ask) {
    List<ScaledAdapter> with =
        ask.adapter().isEmpty()
            ? List.of()
            : List.of(new ScaledAdapter(engine.lease(ask.adapter()), 1));
    return new GenerationRequest(
        ask.adapter() + "/" + ask.prompt().length, ask.prompt(), with, ask.sampling());
  }

  /** 32 requests over the base and all kinds of adapter, half greedy and half sampled. */
  private static List<Ask> asks(Random random) {
    List<Ask> asks = new ArrayList<>();
    for (int i = 0; i < 32; i++) {
      int[] prompt = prompt(random, 1 + random.nextInt(60));
      String adapter = i % 4 == 0 ? "" : adapters.get(random.nextInt(adapters.size()));
      boolean greedy = i % 2 == 0;
      asks.add(
          new Ask(
              prompt,
              adapter,
              TestEngine.params(greedy ? 0 : 0.8, (long) i, 8 + random.nextInt(16), -1, -1)));
    }
    return asks;
  }

  private static int[] prompt(Random random, int length) {
    return random.ints(length, 0, 256).toArray();
  }

  private static List<List<Integer>> oneByOne(List<Ask> asks) throws Exception {
    List<List<Integer>> tokens = new ArrayList<>();
    EngineConfig alone = new EngineConfig(0, 512, 64, 1024, 1L << 28, 16, false, 64);
    try (TestEngine engine = openWithAdapters(alone)) {
      for (Ask ask : asks) {
        tokens.add(engine.submit(request(engine, ask)).succeeded().tokenIds);
      }
    }
    return tokens;
  }

  private static List<List<Integer>> together(TestEngine engine, List<Ask> asks, boolean staggered)
      throws Exception {
    List<Collected> answers = new ArrayList<>();
    for (int i = 0; i < asks.size(); i++) {
      answers.add(engine.submit(request(engine, asks.get(i))));
      if (staggered && i % 5 == 4) {
        answers.get(i - 2).firstToken.await();
      }
    }
    List<List<Integer>> tokens = new ArrayList<>();
    for (Collected answer : answers) {
      tokens.add(answer.succeeded().tokenIds);
    }
    return tokens;
  }

  @Test
  void givesTheSameTokensOneByOneAndInEveryMixture() throws Exception {
    List<Ask> asks = asks(new Random(seed));
    List<List<Integer>> alone = oneByOne(asks);
    try (TestEngine engine =
        openWithAdapters(new EngineConfig(0, 512, 64, 1024, 1L << 28, 16, false, 64))) {
      assertThat(together(engine, asks, false)).as("in one mixed batch").isEqualTo(alone);
      assertThat(engine.steps().stream().mapToInt(StepRecord::distinctAdapters).max().orElse(0))
          .as("different adapters in one forward pass")
          .isGreaterThanOrEqualTo(8);
    }
    try (TestEngine engine =
        openWithAdapters(new EngineConfig(0, 24, 12, 1024, 1L << 28, 16, false, 3))) {
      assertThat(together(engine, asks, true)).as("staggered, in small chunks").isEqualTo(alone);
    }
    // Room for a few sequences only: 2 layers x 2 heads x 16 floats x 2 x 16 positions = 8 KiB a
    // page.
    try (TestEngine engine =
        openWithAdapters(new EngineConfig(90, 64, 16, 1024, 12 * 8192, 16, false, 64))) {
      assertThat(together(engine, asks, false)).as("with preemption").isEqualTo(alone);
      assertThat(engine.engine().stats().preemptionsTotal()).as("preemptions").isPositive();
    }
    try (TestEngine engine =
        openWithAdapters(new EngineConfig(0, 512, 64, 1024, 1L << 28, 16, true, 64))) {
      assertThat(together(engine, asks, false)).as("filling the prefix cache").isEqualTo(alone);
      assertThat(together(engine, asks, true)).as("from the prefix cache").isEqualTo(alone);
      assertThat(engine.engine().stats().cachedPromptTokensTotal())
          .as("cached tokens")
          .isPositive();
    }
  }

  @Test
  void sharesAPrefixOnlyWithinTheSameAdapterVersion() throws Exception {
    int[] prompt = prompt(new Random(seed), 40);
    SamplingParams greedy = TestEngine.greedy(4, -1, -1);
    try (TestEngine engine = openWithAdapters(EngineConfig.DEFAULT)) {
      assertThat(cached(engine, new Ask(prompt, "r4", greedy))).isZero();
      assertThat(cached(engine, new Ask(prompt, "", greedy))).isZero();
      assertThat(cached(engine, new Ask(prompt, "r16", greedy))).isZero();
      assertThat(cached(engine, new Ask(prompt, "r4", greedy))).isEqualTo(32);
      assertThat(cached(engine, new Ask(prompt, "", greedy))).isEqualTo(32);
    }
  }

  private static int cached(TestEngine engine, Ask ask) throws Exception {
    return engine.submit(request(engine, ask)).end().cachedPromptTokens();
  }

  @Test
  void leavesNothingOfAnUnloadedAdapter() throws Exception {
    int[] prompt = prompt(new Random(seed), 40);
    Ask ask = new Ask(prompt, "r4", TestEngine.greedy(4, -1, -1));
    try (TestEngine engine = openWithAdapters(EngineConfig.DEFAULT)) {
      long before = engine.registry().heldBytes();
      List<Integer> first = engine.submit(request(engine, ask)).succeeded().tokenIds;
      int cachedBefore = engine.engine().stats().kvPagesCached();
      long freed = engine.registry().unload("r4");
      assertThat(freed).isPositive();
      assertThat(engine.registry().heldBytes()).isEqualTo(before - freed);
      assertThat(engine.registry().acquire("r4")).isEmpty();
      engine
          .submit(
              request(engine, new Ask(prompt(new Random(1), 2), "", TestEngine.greedy(1, -1, -1))))
          .succeeded();
      assertThat(engine.engine().stats().kvPagesCached()).isLessThan(cachedBefore);
      engine.load("r4", folder.resolve("r16"));
      assertThat(cached(engine, ask)).as("prefix of another version under the same name").isZero();
      engine.registry().unload("r4");
      engine.load("r4", folder.resolve("r4"));
      assertThat(cached(engine, ask)).as("prefix from before the unload").isZero();
      assertThat(engine.submit(request(engine, ask)).succeeded().tokenIds).isEqualTo(first);
    }
  }

  @Test
  void keepsTheVersionThatARequestBeganWith() throws Exception {
    Ask ask = new Ask(prompt(new Random(seed), 10), "r4", TestEngine.greedy(60, -1, -1));
    try (TestEngine engine = openWithAdapters(EngineConfig.DEFAULT)) {
      List<Integer> undisturbed = engine.submit(request(engine, ask)).succeeded().tokenIds;
      Collected running = engine.submit(request(engine, ask));
      running.firstToken.await();
      engine.registry().load("r4", folder.resolve("r16"), true);
      assertThat(running.succeeded().tokenIds).isEqualTo(undisturbed);
    }
  }

  @Test
  void endsOnlyTheRequestWhoseAdapterOverflows() throws Exception {
    List<Ask> asks = asks(new Random(seed));
    List<List<Integer>> alone = oneByOne(asks);
    try (TestEngine engine =
        openWithAdapters(new EngineConfig(0, 512, 64, 1024, 1L << 28, 16, true, 64))) {
      var base = engine.engine().model();
      var huge = new PeftFolder(seed);
      for (String suffix : List.of("q_proj", "v_proj", "down_proj")) {
        for (var module : base.linears()) {
          if (module.name().endsWith(suffix)) {
            float[] a = new float[4 * module.in()];
            float[] b = new float[4 * module.out()];
            Arrays.fill(a, 1e30f);
            Arrays.fill(b, 1e30f);
            String prefix = module.name();
            huge.tensor(prefix + ".lora_A.weight", a, 4, module.in());
            huge.tensor(prefix + ".lora_B.weight", b, module.out(), 4);
          }
        }
      }
      huge.with("r", 4)
          .with("lora_alpha", 4)
          .with("target_modules", List.of("q_proj", "v_proj", "down_proj"));
      engine.load("huge", huge.write(folder.resolve("huge")));
      List<Collected> bad = new ArrayList<>();
      List<Collected> good = new ArrayList<>();
      for (Ask ask : asks) {
        bad.add(engine.submit(request(engine, new Ask(ask.prompt(), "huge", ask.sampling()))));
        good.add(engine.submit(request(engine, ask)));
      }
      for (int i = 0; i < asks.size(); i++) {
        assertThat(good.get(i).succeeded().tokenIds).isEqualTo(alone.get(i));
        GenerationException error = bad.get(i).failure();
        assertThat(error).hasMessageContaining("huge").hasMessageContaining("not numbers");
        assertThat(error.kind()).isEqualTo(GenerationException.Kind.ADAPTER_FAILED);
      }
      assertThat(together(engine, asks, false))
          .as("afterwards, in the pages that held NaN")
          .isEqualTo(alone);
    }
  }

  @Test
  void freesEverythingWhenCancelled() throws Exception {
    try (TestEngine engine = openWithAdapters(EngineConfig.DEFAULT)) {
      Collected answer = new Collected();
      Ask ask = new Ask(prompt(new Random(seed), 10), "r4", TestEngine.greedy(200, -1, -1));
      Generation generation = engine.engine().submit(request(engine, ask), answer);
      answer.firstToken.await();
      generation.cancel();
      assertThat(answer.failure().kind()).isEqualTo(GenerationException.Kind.CANCELLED);
      generation.cancel();
      assertThat(engine.registry().openLeases()).isZero();
    }
  }

  @Test
  void refusesWhatCanNeverRunAndWhatTheQueueCannotHold() throws Exception {
    try (TestEngine engine = open(new EngineConfig(64, 16, 1, 1, 1L << 24, 16, true, 64))) {
      assertThatThrownBy(() ->
              engine.submit(
                  new GenerationRequest("long", new int[60], List.of(), SamplingParams.greedy(10))))
          .isInstanceOf(GenerationException.class)
          .hasMessageContaining("at most 64");
      assertThatThrownBy(() ->
              engine.submit(
                  new GenerationRequest(
                      "id", new int[] {300}, List.of(), SamplingParams.greedy(1))))
          .hasMessageContaining("out of vocabulary");
      GenerationRequest slow =
          new GenerationRequest("slow", new int[] {1, 2}, List.of(), TestEngine.greedy(60, -1, -1));
      List<Collected> taken = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 1000; i++) {
                  taken.add(engine.submit(slow));
                }
              })
          .isInstanceOfSatisfying(
              GenerationException.class,
              e -> assertThat(e.kind()).isEqualTo(GenerationException.Kind.OVERLOADED));
      taken.forEach(Collected::succeeded);
    }
  }

  @Test
  void stopsAtStringsTokensAndLengths() throws Exception {
    try (TestEngine engine = open(EngineConfig.DEFAULT)) {
      int[] prompt = prompt(new Random(seed), 12);
      Collected free =
          engine
              .submit(
                  new GenerationRequest("free", prompt, List.of(), TestEngine.greedy(24, -1, -1)))
              .succeeded();
      assertThat(free.tokenIds).hasSize(24);
      int stopId = free.tokenIds.get(5);
      int first = free.tokenIds.indexOf(stopId);
      SamplingParams byToken =
          new SamplingParams(
              0,
              0,
              1,
              0,
              1,
              0,
              0,
              Map.of(),
              null,
              0,
              24,
              List.of(stopId),
              List.of(),
              false,
              true,
              true,
              -1,
              -1);
      Collected stopped =
          engine.submit(new GenerationRequest("token", prompt, List.of(), byToken)).succeeded();
      assertThat(stopped.tokenIds).isEqualTo(free.tokenIds.subList(0, first + 1));
      assertThat(stopped.end().stop()).isEqualTo(stopId);
      String text = free.text.toString();
      if (text.length() > 8) {
        String stop = text.substring(4, 6);
        SamplingParams byText =
            new SamplingParams(
                0,
                0,
                1,
                0,
                1,
                0,
                0,
                Map.of(),
                null,
                0,
                24,
                List.of(),
                List.of(stop),
                false,
                true,
                true,
                -1,
                -1);
        Collected cut =
            engine.submit(new GenerationRequest("text", prompt, List.of(), byText)).succeeded();
        assertThat(cut.text.toString()).isEqualTo(text.substring(0, text.indexOf(stop)));
      }
    }
  }

  @Test
  void scoresAPromptWithoutGenerating() throws Exception {
    try (TestEngine engine = open(new EngineConfig(0, 7, 4, 16, 1L << 26, 16, true, 3))) {
      int[] prompt = prompt(new Random(seed), 30);
      Collected answer =
          engine
              .submit(
                  new GenerationRequest("score", prompt, List.of(), TestEngine.greedy(0, -1, 2)))
              .succeeded();
      assertThat(answer.tokenIds).isEmpty();
      assertThat(answer.promptLogprobs).hasSize(30);
      assertThat(answer.promptLogprobs.getFirst()).isEmpty();
      for (int i = 1; i < 30; i++) {
        assertThat(answer.promptLogprobs.get(i).getFirst().tokenId()).isEqualTo(prompt[i]);
        assertThat(answer.promptLogprobs.get(i)).hasSize(3);
      }
    }
  }

  @Test
  void recordsWhichRequestsAndAdaptersEachStepHeld() throws Exception {
    try (TestEngine engine = openWithAdapters(EngineConfig.DEFAULT)) {
      List<Ask> asks = asks(new Random(seed));
      together(engine, asks, false);
      Set<AdapterId> seen = new HashSet<>();
      long expected = 0;
      for (StepRecord step : engine.steps()) {
        assertThat(step.step()).isEqualTo(expected++);
        step.parts().forEach(part -> seen.addAll(part.adapters()));
      }
      Set<String> asked = new HashSet<>();
      asks.stream()
          .filter(ask -> !ask.adapter().isEmpty())
          .forEach(ask -> asked.add(ask.adapter()));
      assertThat(seen.stream().map(AdapterId::name)).containsExactlyInAnyOrderElementsOf(asked);
    }
  }
}
