package dev.openlora.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenLogprobsTest {
  @Test
  void listsTheChosenOneAndThenTheBest() {
    float[] logits = {0, 2, 2, 1};
    List<TokenLogprob> entries = TokenLogprobs.of(logits, 0, 3);
    assertThat(entries).extracting(TokenLogprob::tokenId).containsExactly(0, 1, 2, 3);
    assertThat(entries).extracting(TokenLogprob::rank).containsExactly(4, 1, 1, 3);
  }

  @Test
  void agreesWithAFullSort() {
    long seed = Seeds.next("agreesWithAFullSort");
    Random random = new Random(seed);
    for (int run = 0; run < 500; run++) {
      int n = 1 + random.nextInt(80);
      float[] logits = new float[n];
      for (int i = 0; i < n; i++) {
        logits[i] = random.nextInt(9) == 0 ? Float.NEGATIVE_INFINITY : random.nextInt(30) - 15;
      }
      logits[random.nextInt(n)] = 3;
      int chosen = random.nextInt(n);
      int k = random.nextInt(21);
      assertThat(TokenLogprobs.of(logits, chosen, k))
          .as("seed %s, run %s", seed, run)
          .usingElementComparator(
              Comparator.comparingInt(TokenLogprob::tokenId)
                  .thenComparingInt(TokenLogprob::rank)
                  .thenComparing((a, b) -> near(a.logprob(), b.logprob()) ? 0 : 1))
          .containsExactlyElementsOf(sorted(logits, chosen, k));
    }
  }

  @Test
  void sumsToOneAtAnyMagnitude() {
    for (float shift : new float[] {0, 1e4f, -1e4f}) {
      float[] logits = {shift, shift + 1, shift - 2};
      assertThat(
              TokenLogprobs.of(logits, 0, 3).stream()
                  .skip(1)
                  .mapToDouble(entry -> Math.exp(entry.logprob()))
                  .sum())
          .isEqualTo(1, within(1e-6));
    }
  }

  private static boolean near(float a, float b) {
    return a == b || Math.abs(a - b) < 1e-5;
  }

  private static List<TokenLogprob> sorted(float[] logits, int chosen, int k) {
    double sum = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).sum();
    List<TokenLogprob> entries = new ArrayList<>();
    entries.add(entry(logits, chosen, sum));
    IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -logits[i]))
        .limit(k)
        .forEach(i -> entries.add(entry(logits, i, sum)));
    return entries;
  }

  private static TokenLogprob entry(float[] logits, int id, double sum) {
    int above = (int) IntStream.range(0, logits.length).filter(i -> logits[i] > logits[id]).count();
    return new TokenLogprob(id, (float) (logits[id] - Math.log(sum)), above + 1);
  }
}
