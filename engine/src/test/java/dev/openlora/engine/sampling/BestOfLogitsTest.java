package dev.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.engine.model.TensorLogits;
import dev.openlora.kernels.CpuIsa;
import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TorchOps;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The best of a row give the token and the log-probs that the whole row gives. */
class BestOfLogitsTest {
  private final Sampler sampler = new Sampler();
  private final Sampler wholeRows = new Sampler();

  @Test
  void aListTellsTheTokenOfTheWholeRow() {
    long seed = Seeds.next("aListTellsTheTokenOfTheWholeRow");
    Random random = new Random(seed);
    for (int run = 0; run < 20_000; run++) {
      float[] values = row(random, 1 + random.nextInt(200));
      double error = Logits.SUM_TOLERANCE * pick(random, 0, -1, 1, 0.5);
      ListedLogits logits = new ListedLogits(values, 1 + random.nextInt(70), error);
      String what = "seed " + seed + ", run " + run;
      compare(what, logits, values, state(random, values.length), random);
    }
  }

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void theKernelsTellTheTokenOfTheWholeRow(CpuIsa isa) throws Exception {
    long seed = Seeds.next("theKernelsTellTheTokenOfTheWholeRow " + isa);
    try (Ops ops = CpuOps.open(TorchOps.openDefault(), new CpuOps.Options(2, isa, 5_000))) {
      tensorsTellTheTokenOfTheWholeRow(ops, seed);
    }
  }

  @Test
  void thePortableOperationsTellTheTokenOfTheWholeRow() throws Exception {
    long seed = Seeds.next("thePortableOperationsTellTheTokenOfTheWholeRow");
    try (Ops ops = TorchOps.openDefault()) {
      tensorsTellTheTokenOfTheWholeRow(ops, seed);
    }
  }

  private void tensorsTellTheTokenOfTheWholeRow(Ops ops, long seed) {
    Random random = new Random(seed);
    try (TensorArena arena = ops.newArena("logits")) {
      for (int vocabulary : new int[] {1, 5, 63, 64, 65, 300, 5003, 32_000}) {
        TensorLogits logits = new TensorLogits(ops, arena, vocabulary);
        for (int round = 0; round < 12; round++) {
          arena.reset();
          int rows = 1 + random.nextInt(9);
          DType dtype = random.nextBoolean() ? DType.BF16 : DType.F32;
          Tensor tensor = arena.allocate(dtype, rows, vocabulary);
          for (int row = 0; row < rows; row++) {
            tensor.rows(row, row + 1).write(row(random, vocabulary));
          }
          logits.take(tensor);
          for (int turn = 0; turn < 2 * rows; turn++) {
            int row = random.nextInt(rows);
            float[] values = tensor.rows(row, row + 1).toFloats();
            String what = "seed " + seed + ", vocabulary " + vocabulary + ", round " + round;
            compare(what, logits.at(row), values, state(random, vocabulary), random);
          }
        }
      }
    }
  }

  private void compare(
      String what, Logits logits, float[] values, SamplingState state, Random random) {
    String asked = what + ", " + state.params() + ", of " + values.length;
    int token;
    try {
      token = wholeRows.sample(values, values.length, state);
    } catch (NonFiniteLogits e) {
      assertThat(refusal(logits, state)).as(asked).isEqualTo(e.getMessage());
      return;
    }
    assertThat(sampler.sample(logits, state)).as(asked).isEqualTo(token);
    int chosen = random.nextInt(3) > 0 ? token : random.nextInt(values.length);
    int k = random.nextInt(25);
    List<TokenLogprob> scores = TokenLogprobs.of(logits, chosen, k);
    List<TokenLogprob> wanted = TokenLogprobs.of(values, chosen, k);
    assertThat(scores).as(asked).hasSameSizeAs(wanted);
    for (int i = 0; i < scores.size(); i++) {
      assertThat(scores.get(i).tokenId()).as(asked).isEqualTo(wanted.get(i).tokenId());
      assertThat(scores.get(i).rank()).as(asked).isEqualTo(wanted.get(i).rank());
      float logprob = wanted.get(i).logprob();
      if (Float.isInfinite(logprob)) {
        assertThat(scores.get(i).logprob()).as(asked).isEqualTo(logprob);
      } else {
        float near = (float) (1.01 * Logits.SUM_TOLERANCE) + 2 * Math.ulp(logprob);
        assertThat(scores.get(i).logprob()).as(asked).isCloseTo(logprob, within(near));
      }
    }
  }

  private String refusal(Logits logits, SamplingState state) {
    try {
      return "token " + sampler.sample(logits, state);
    } catch (NonFiniteLogits e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Test
  void asksForNoMoreWhereTheBestTell() {
    float[] values = thousand(i -> (i * 37) % 1000 * 0.05);
    ListedLogits logits = new ListedLogits(values, 64, 0);
    for (ParamsBuilder params :
        List.of(
            new ParamsBuilder(),
            new ParamsBuilder().temperature(0.8).topK(40),
            new ParamsBuilder().temperature(0.8).topP(0.9),
            new ParamsBuilder().temperature(1.1).minP(0.1),
            new ParamsBuilder().temperature(0.7).topK(50).topP(0.8).minP(0.05),
            new ParamsBuilder().repetitionPenalty(1.1).presencePenalty(0.5),
            new ParamsBuilder().temperature(0.7).topK(20).frequencyPenalty(0.3),
            new ParamsBuilder().minTokens(3).logitBias(Map.of(27, -100f)))) {
      SamplingState state = new SamplingState(params.build(), new int[] {3, 27}, List.of(27));
      int token = sampler.sample(logits, state);
      TokenLogprobs.of(logits, token, 20);
      assertThat(logits.wholeRows).as("%s", params.build()).isZero();
    }
  }

  @Test
  void asksForTheWholeRowWhereTheBestDoNotTell() {
    float[] values = thousand(i -> i % 7);
    int asked = 0;
    ListedLogits logits = new ListedLogits(values, 64, 0);
    for (ParamsBuilder params :
        List.of(
            new ParamsBuilder().temperature(1),
            new ParamsBuilder().temperature(1).topK(10),
            new ParamsBuilder().temperature(1).topK(100),
            new ParamsBuilder().temperature(1).topP(0.9),
            new ParamsBuilder().temperature(1).minP(1),
            new ParamsBuilder().logitBias(Map.of(5, 1f)),
            new ParamsBuilder().repetitionPenalty(0.9))) {
      SamplingState state = new SamplingState(params.build(), new int[] {3}, List.of());
      sampler.sample(logits, state);
      assertThat(logits.wholeRows).as("%s", params.build()).isEqualTo(++asked);
    }
  }

  @Test
  void aTieWithWhatIsNotListedGoesToTheLowerId() {
    ListedLogits logits = new ListedLogits(new float[] {0, 4, 0, 4, 5}, 2, 0);
    SamplingParams params = new ParamsBuilder().presencePenalty(1).build();
    SamplingState state = new SamplingState(params, new int[] {0}, List.of());
    state.append(4);
    state.append(1);
    assertThat(sampler.sample(logits, state)).isEqualTo(3);
  }

  @Test
  void aCutTooNearToBeSureIsLeftToTheWholeRow() {
    float[] values = {10, 10, 10, 10, -1000, -1000, -1000};
    for (double error : new double[] {0, -Logits.SUM_TOLERANCE, Logits.SUM_TOLERANCE}) {
      for (double topP : new double[] {0.6, 0.4, 0.500005, 0.499995}) {
        ListedLogits logits = new ListedLogits(values, 6, error);
        SamplingParams params = new ParamsBuilder().temperature(1).topP(topP).seed(5L).build();
        SamplingState state = new SamplingState(params, new int[] {0}, List.of());
        String what = "top_p " + topP + ", error " + error;
        assertThat(sampler.sample(logits, state))
            .as(what)
            .isEqualTo(wholeRows.sample(values, values.length, state));
        if (error == 0) {
          int asks = topP == 0.6 || topP == 0.4 ? 0 : 1;
          assertThat(logits.wholeRows).as(what).isEqualTo(asks);
        }
      }
    }
  }

  private static float[] thousand(IntToDoubleFunction logit) {
    float[] values = new float[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) logit.applyAsDouble(i);
    }
    return values;
  }

  /** Normal numbers, few distinct ones, or rounded; some with infinities, NaN or the extremes. */
  private static float[] row(Random random, int n) {
    float[] values = new float[n];
    double deviation = pick(random, 4, 0.3, 1, 12);
    int distinct = random.nextInt(3) == 0 ? 1 + random.nextInt(12) : 0;
    boolean narrow = random.nextBoolean();
    for (int i = 0; i < n; i++) {
      float value =
          distinct > 0
              ? random.nextInt(distinct) - distinct / 2
              : (float) (deviation * random.nextGaussian());
      values[i] = narrow ? Float.intBitsToFloat(Float.floatToIntBits(value) & 0xFFFF0000) : value;
    }
    float odd =
        (float)
            pick(
                random,
                Double.NEGATIVE_INFINITY,
                -0.0,
                3e38,
                -3e38,
                random.nextInt(4) == 0 ? Double.NaN : 0,
                random.nextInt(4) == 0 ? Double.POSITIVE_INFINITY : 1);
    int oneIn = 1 + random.nextInt(random.nextBoolean() ? 3 : 3 * n);
    boolean plain = random.nextBoolean();
    for (int i = 0; !plain && i < n; i++) {
      values[i] = random.nextInt(oneIn) == 0 ? odd : values[i];
    }
    return values;
  }

  private static SamplingState state(Random random, int n) {
    ParamsBuilder params = new ParamsBuilder().seed(random.nextLong());
    params.temperature(pick(random, 1, 0, 0.2, 0.7, 1.8, 1e-3, 1e-300));
    params.topK((int) pick(random, 0, 1, 3, 20, 50, n, 1000));
    params.topP(pick(random, 1, 0.03, 0.25, 0.5, 0.75, 0.95, 1e-9));
    params.minP(pick(random, 0, 0.01, 0.05, 0.3, 1));
    if (random.nextInt(3) == 0) {
      params.repetitionPenalty(pick(random, 1.2, 1, 0.7, 1.4));
      params.frequencyPenalty(pick(random, 0, -1.1, 0.9));
      params.presencePenalty(pick(random, 0, -0.8, 1, 1.7));
    }
    if (random.nextInt(4) == 0) {
      params.logitBias(Map.of(random.nextInt(n), (float) pick(random, -100, -1, 4)));
    }
    if (random.nextInt(4) == 0) {
      params.minTokens(random.nextInt(8)).stopTokenIds(List.of(random.nextInt(n)));
    }
    int[] prompt = random.ints(1 + random.nextInt(6), 0, n).toArray();
    SamplingState state = new SamplingState(params.build(), prompt, List.of(random.nextInt(n)));
    random.ints(random.nextInt(8), 0, n).forEach(state::append);
    return state;
  }

  private static double pick(Random random, double usual, double... others) {
    return random.nextBoolean() ? usual : others[random.nextInt(others.length)];
  }
}
