package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FairnessTest {
  @Test
  void isOneForEqualSharesAndOneNthForASingleOwner() {
    assertThat(Fairness.jain(new double[] {3, 3, 3, 3})).isEqualTo(1);
    assertThat(Fairness.jain(new double[] {0, 0, 5, 0})).isEqualTo(0.25);
    // (1 + 2 + 3)² / (3 · (1 + 4 + 9))
    assertThat(Fairness.jain(new double[] {1, 2, 3})).isCloseTo(36.0 / 42, within(1e-15));
  }

  @Test
  void isOneWhereNobodyGotAnything() {
    assertThat(Fairness.jain(new double[] {})).isEqualTo(1);
    assertThat(Fairness.jain(new double[] {0, 0})).isEqualTo(1);
  }

  @Test
  void doesNotDependOnTheUnitAndStaysWithinItsBounds() {
    Random random = new Random(Seeds.next("doesNotDependOnTheUnit"));
    for (int n = 1; n < 50; n++) {
      double[] shares = random.doubles(n, 0.01, 10).toArray();
      double[] scaled = java.util.Arrays.stream(shares).map(x -> 1000 * x).toArray();
      double jain = Fairness.jain(shares);
      assertThat(jain).isBetween(1.0 / n - 1e-12, 1 + 1e-12);
      assertThat(Fairness.jain(scaled)).isCloseTo(jain, within(1e-12));
    }
  }
}
