package dev.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.engine.text.SharedFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class SamplerTest {
  private final Sampler sampler = new Sampler();

  @Test
  void givesTheProbabilitiesOfEveryGoldenCase() {
    JsonNode golden =
        JsonMapper.shared().readTree(SharedFiles.require("golden/sampling.json").toFile());
    int cases = 0;
    for (JsonNode entry : golden.get("cases")) {
      float[] logits = floats(entry.get("logits"));
      SamplingState state =
          state(
              goldenParams(entry.get("params")),
              ints(entry.get("prompt_ids")),
              ints(entry.get("output_ids")));
      double[] got = sampler.probabilities(logits, logits.length, state);
      for (int i = 0; i < logits.length; i++) {
        double wanted = entry.get("probs").get(i).asDouble();
        assertThat(got[i] > 0).as("case %s: token %s possible", cases, i).isEqualTo(wanted > 0);
        assertThat(got[i]).as("case %s: token %s", cases, i).isEqualTo(wanted, within(1e-6));
      }
      cases++;
    }
    assertThat(cases).isGreaterThanOrEqualTo(80);
  }

  @Test
  void agreesWithTheFormulaOnRandomCases() {
    long seed = Seeds.next("agreesWithTheFormulaOnRandomCases");
    Random random = new Random(seed);
    for (int run = 0; run < 3000; run++) {
      int n = 1 + random.nextInt(60);
      float[] logits = new float[n];
      for (int i = 0; i < n; i++) {
        logits[i] = (float) (random.nextGaussian() * 3);
        if (random.nextInt(12) == 0) {
          logits[i] = Float.NEGATIVE_INFINITY;
        }
      }
      logits[random.nextInt(n)] = 2.5f;
      SamplingParams params = randomParams(random, n);
      int[] prompt = random.ints(1 + random.nextInt(6), 0, n).toArray();
      int[] output = random.ints(random.nextInt(8), 0, n).toArray();
      int[] eos = {random.nextInt(n)};
      SamplingState state = new SamplingState(params, prompt, boxed(eos));
      IntStream.of(output).forEach(state::append);
      double[] wanted =
          ReferenceSampler.probabilities(logits, params, boxed(prompt), boxed(output), eos);
      if (Double.isNaN(wanted[0])) {
        assertThatThrownBy(() -> sampler.probabilities(logits, n, state))
            .isInstanceOf(NonFiniteLogits.class);
        continue;
      }
      assertThat(sampler.probabilities(logits, n, state))
          .as("seed %s, run %s, %s", seed, run, params)
          .containsExactly(wanted, within(1e-9));
      int drawn = sampler.sample(logits, n, state);
      assertThat(wanted[drawn]).as("seed %s, run %s", seed, run).isPositive();
    }
  }

  @Test
  void drawsAsOftenAsTheDistributionSays() {
    float[] logits = {1.2f, -0.3f, 0.8f, 2.1f, Float.NEGATIVE_INFINITY, 0f, -4f};
    SamplingParams params = new ParamsBuilder().temperature(1.3).seed(42L).build();
    SamplingState state = state(params, new int[] {0}, new int[0]);
    double[] wanted = sampler.probabilities(logits, logits.length, state);
    int draws = 200_000;
    int[] counts = new int[logits.length];
    for (int i = 0; i < draws; i++) {
      int id = sampler.sample(logits, logits.length, state);
      counts[id]++;
      state.append(id);
    }
    double chiSquare = 0;
    for (int i = 0; i < logits.length; i++) {
      double expected = wanted[i] * draws;
      chiSquare += expected > 0 ? Math.pow(counts[i] - expected, 2) / expected : counts[i];
    }
    // 5 degrees of freedom: above 20.5 once in a thousand.
    assertThat(chiSquare).isLessThan(20.5);
  }

  @Test
  void seedsAndPositionsAreIndependent() {
    double mean = 0;
    double product = 0;
    int n = 20_000;
    for (int i = 0; i < n; i++) {
      double u = CounterRandom.uniform(i, 0);
      assertThat(u).isGreaterThanOrEqualTo(0).isLessThan(1);
      mean += u / n;
      product += (u - 0.5) * (CounterRandom.uniform(i, 1) - 0.5) / n;
      product += (u - 0.5) * (CounterRandom.uniform(i + 1L, 0) - 0.5) / n;
    }
    assertThat(mean).isEqualTo(0.5, within(0.01));
    assertThat(product).isEqualTo(0, within(0.005));
  }

  @Test
  void drawsTheSameTokensAgainAfterARestartAndInOtherCompany() {
    SamplingParams params = new ParamsBuilder().temperature(0.9).topP(0.95).seed(7L).build();
    List<Integer> alone = generate(params, sampler, false);
    assertThat(generate(params, new Sampler(), true)).isEqualTo(alone);
    assertThat(generate(with(params, 8L), sampler, false)).isNotEqualTo(alone);
  }

  @Test
  void drawsASeedWhenNoneIsGiven() {
    SamplingParams params = new ParamsBuilder().temperature(1).build();
    SamplingState first = state(params, new int[] {0}, new int[0]);
    SamplingState second = state(params, new int[] {0}, new int[0]);
    assertThat(first.seed()).isNotEqualTo(second.seed());
  }

  @Test
  void greedyTakesTheLowestIdAmongEquals() {
    float[] logits = {1, 5, 5, Float.NEGATIVE_INFINITY};
    assertThat(
            sampler.sample(logits, 4, state(SamplingParams.greedy(8), new int[] {1}, new int[0])))
        .isEqualTo(1);
  }

  @Test
  void topKKeepsTokensThatEqualTheLast() {
    float[] logits = {3, 2, 2, 2, 1};
    SamplingParams params = new ParamsBuilder().temperature(1).topK(2).build();
    assertThat(sampler.probabilities(logits, 5, state(params, new int[] {0}, new int[0])))
        .satisfies(shares -> {
          assertThat(shares[1]).isPositive().isEqualTo(shares[3]);
          assertThat(shares[4]).isZero();
        });
  }

  @Test
  void topPDropsTheLowerIdAmongEqualsAndNeverTheLast() {
    float[] logits = {1, 1, 1, 1};
    SamplingParams half = new ParamsBuilder().temperature(1).topP(0.5).build();
    assertThat(sampler.probabilities(logits, 4, state(half, new int[] {0}, new int[0])))
        .containsExactly(0, 0, 0.5, 0.5);
    SamplingParams nothing = new ParamsBuilder().temperature(1).topP(1e-9).build();
    assertThat(sampler.probabilities(logits, 4, state(nothing, new int[] {0}, new int[0])))
        .containsExactly(0, 0, 0, 1);
  }

  @Test
  void masksTheEndUntilMinTokensAreOutEvenUnderIgnoreEos() {
    float[] logits = {0, 9, 1, 8};
    SamplingParams params =
        new ParamsBuilder().minTokens(2).stopTokenIds(List.of(3)).ignoreEos(true).build();
    SamplingState state = new SamplingState(params, new int[] {0}, List.of(1));
    List<Integer> out = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      out.add(sampler.sample(logits, 4, state));
      state.append(out.getLast());
    }
    assertThat(out).containsExactly(2, 2, 1);
  }

  @Test
  void temperaturesNearZeroStayNumbers() {
    SamplingParams params = new ParamsBuilder().temperature(Double.MIN_NORMAL).topP(0.9).build();
    float[] logits = {1, 3e38f, -3e38f};
    assertThat(sampler.probabilities(logits, 3, state(params, new int[] {0}, new int[0])))
        .containsExactly(0, 1, 0);
  }

  @Test
  void refusesRowsThatAreNoDistribution() {
    float inf = Float.POSITIVE_INFINITY;
    for (float[] row : new float[][] {{1, Float.NaN}, {inf, 1}, {-inf, -inf}, {Float.NaN, 1}}) {
      for (double temperature : new double[] {0, 1}) {
        SamplingParams params = new ParamsBuilder().temperature(temperature).build();
        SamplingState state = state(params, new int[] {0}, new int[0]);
        assertThatThrownBy(() -> sampler.sample(row, 2, state))
            .isInstanceOf(NonFiniteLogits.class)
            .hasMessageStartingWith("logits: ");
        assertThatThrownBy(() -> TokenLogprobs.of(row, 0, 1)).isInstanceOf(NonFiniteLogits.class);
      }
    }
  }

  @Test
  void leavesTheLogitsAloneAndIgnoresWhatLiesBehindTheVocabulary() {
    float[] logits = {1, 2, 3, 100};
    SamplingParams params =
        new ParamsBuilder().temperature(1).topP(0.9).logitBias(Map.of(0, 5f)).build();
    SamplingState state = state(params, new int[] {3, 900}, new int[] {2});
    assertThat(sampler.sample(logits, 3, state)).isLessThan(3);
    assertThat(logits).containsExactly(1, 2, 3, 100);
  }

  @Test
  void sortsALargeFlatRow() {
    long seed = Seeds.next("sortsALargeFlatRow");
    Random random = new Random(seed);
    float[] logits = new float[30_000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = random.nextFloat();
    }
    SamplingParams params = new ParamsBuilder().temperature(1).topP(0.7).topK(9000).build();
    double[] wanted =
        ReferenceSampler.probabilities(logits, params, List.of(), List.of(), new int[0]);
    SamplingState state = state(params, new int[] {0}, new int[0]);
    assertThat(sampler.probabilities(logits, logits.length, state))
        .as("seed %s", seed)
        .containsExactly(wanted, within(1e-9));
  }

  private static List<Integer> generate(SamplingParams params, Sampler sampler, boolean company) {
    SamplingState state = state(params, new int[] {1}, new int[0]);
    SamplingState other = state(with(params, 99L), new int[] {1}, new int[0]);
    List<Integer> out = new ArrayList<>();
    for (int step = 0; step < 40; step++) {
      Random row = new Random(step);
      float[] logits = new float[50];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) row.nextGaussian();
      }
      if (company) {
        other.append(sampler.sample(logits, 50, other));
      }
      int id = sampler.sample(logits, 50, state);
      state.append(id);
      out.add(id);
    }
    return out;
  }

  private static SamplingParams with(SamplingParams params, long seed) {
    return new ParamsBuilder()
        .temperature(params.temperature())
        .topP(params.topP())
        .seed(seed)
        .build();
  }

  private static SamplingState state(SamplingParams params, int[] prompt, int[] output) {
    SamplingState state = new SamplingState(params, prompt, List.of());
    IntStream.of(output).forEach(state::append);
    return state;
  }

  private static SamplingParams goldenParams(JsonNode node) {
    ParamsBuilder params =
        new ParamsBuilder()
            .temperature(node.path("temperature").asDouble(1.0))
            .topK(node.path("top_k").asInt(0))
            .topP(node.path("top_p").asDouble(1.0))
            .minP(node.path("min_p").asDouble(0.0))
            .repetitionPenalty(node.path("repetition_penalty").asDouble(1.0))
            .frequencyPenalty(node.path("frequency_penalty").asDouble(0.0))
            .presencePenalty(node.path("presence_penalty").asDouble(0.0))
            .minTokens(node.path("min_tokens").asInt(0));
    Map<Integer, Float> bias = new TreeMap<>();
    node.path("logit_bias")
        .properties()
        .forEach(e -> bias.put(Integer.parseInt(e.getKey()), (float) e.getValue().asDouble()));
    if (node.has("stop_token_ids")) {
      params.stopTokenIds(boxed(ints(node.get("stop_token_ids"))));
    }
    return params.logitBias(bias).build();
  }

  private static SamplingParams randomParams(Random random, int n) {
    ParamsBuilder params = new ParamsBuilder().temperature(pick(random, 1, 0, 0.2, 0.7, 1.8));
    params.topK((int) pick(random, 0, 1, 3, n, 1000)).topP(pick(random, 1, 0.03, 0.4, 0.95));
    params.minP(pick(random, 0, 0.05, 0.3, 1)).repetitionPenalty(pick(random, 1, 0.7, 1.4));
    params.frequencyPenalty(pick(random, 0, -1.1, 0.9));
    params.presencePenalty(pick(random, 0, -0.8, 1.7));
    if (random.nextInt(3) == 0) {
      params.logitBias(Map.of(random.nextInt(n), random.nextBoolean() ? -100f : 4f));
    }
    if (random.nextInt(3) == 0) {
      params.minTokens(random.nextInt(8)).stopTokenIds(List.of(random.nextInt(n)));
    }
    return params.build();
  }

  private static double pick(Random random, double usual, double... others) {
    return random.nextBoolean() ? usual : others[random.nextInt(others.length)];
  }

  private static List<Integer> boxed(int[] ids) {
    return IntStream.of(ids).boxed().toList();
  }

  private static int[] ints(JsonNode node) {
    return IntStream.range(0, node.size()).map(i -> node.get(i).asInt()).toArray();
  }

  private static float[] floats(JsonNode node) {
    float[] values = new float[node.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) node.get(i).asDouble();
    }
    return values;
  }
}
