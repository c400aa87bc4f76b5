package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PopularityTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "zipf", "zipf:", "zipf:-1", "zipf:NaN", "Uniform", "all"})
  void refusesAnotherLaw(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Popularity.parse("--popularity", text))
        .withMessage("--popularity: '" + text + "' (expected: " + Popularity.FORMS + ")");
  }

  @Test
  void refusesToChooseAmongNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> law("uniform").draw(1, 0, new Random(1)))
        .withMessage("adapters: 0 (expected: at least 1)");
    assertThat(law("base").draw(2, 0, new Random(1))).containsExactly(Ask.BASE, Ask.BASE);
  }

  @Test
  void choosesOneOrEachInTurn() {
    assertThat(law("identical").draw(4, 3, new Random(1))).containsExactly(0, 0, 0, 0);
    assertThat(law("distinct").draw(5, 3, new Random(1))).containsExactly(0, 1, 2, 0, 1);
  }

  @Test
  void drawsZipfAsOftenAsTheLawSays() {
    Random random = new Random(Seeds.next("drawsZipfAsOftenAsTheLawSays"));
    for (double exponent : new double[] {0, 0.7, 1.1, 2}) {
      double[] weights =
          IntStream.rangeClosed(1, 32).mapToDouble(i -> Math.pow(i, -exponent)).toArray();
      checkFrequencies(law("zipf:" + exponent), weights, random);
    }
  }

  @Test
  void drawsUniformlyAndEveryOne() {
    Random random = new Random(Seeds.next("drawsUniformlyAndEveryOne"));
    double[] weights = new double[10];
    Arrays.fill(weights, 1);
    checkFrequencies(law("uniform"), weights, random);
  }

  /** Each count within six standard deviations of its expectation. */
  private static void checkFrequencies(Popularity law, double[] weights, Random random) {
    int draws = 200_000;
    int[] counts = new int[weights.length];
    for (int place : law.draw(draws, weights.length, random)) {
      counts[place]++;
    }
    double sum = Arrays.stream(weights).sum();
    for (int i = 0; i < weights.length; i++) {
      double share = weights[i] / sum;
      assertThat((double) counts[i])
          .as("%s, place %d", law, i)
          .isCloseTo(draws * share, within(6 * Math.sqrt(draws * share * (1 - share))));
    }
  }

  private static Popularity law(String text) {
    return Popularity.parse("--popularity", text);
  }
}
