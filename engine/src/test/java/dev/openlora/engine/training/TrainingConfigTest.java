package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingConfigTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          epochs           | -1     | epochs: -1 (expected: from 0 to 1048576)
          epochs           | 0      | epochs: 0 with steps 0 (expected: one of them above 0)
          epochs           | three  | epochs: 'three' (expected: a whole number)
          steps            | -1     | steps: -1 (expected: at least 0)
          seed             | 1.5    | seed: '1.5' (expected: a whole number)
          batch_tokens     | 0      | batch_tokens: 0 (expected: from 1 to 1048576)
          batch_tokens     | 2147483647 | batch_tokens: 2147483647 (expected: from 1 to 1048576)
          accumulation     | 0      | accumulation: 0 (expected: from 1 to 65536)
          max_length       | 1      | max_length: 1 (expected: from 2 to batch_tokens + 1, 2049)
          max_length       | 2050   | max_length: 2050 (expected: from 2 to batch_tokens + 1, 2049)
          longer           | drop   | longer: 'drop' (expected: refuse or cut)
          learning_rate    | 0      | learning_rate: 0.0 (expected: above 0, at most 10)
          learning_rate    | NaN    | learning_rate: NaN (expected: above 0, at most 10)
          learning_rate    | fast   | learning_rate: 'fast' (expected: a number)
          warmup_share     | 1.1    | warmup_share: 1.1 (expected: from 0 to 1)
          warmup_steps     | -5     | warmup_steps: -5 (expected: at least 0)
          final_share      | -0.1   | final_share: -0.1 (expected: from 0 to 1)
          beta1            | 1      | beta1: 1.0 (expected: from 0, below 1)
          beta2            | -0.5   | beta2: -0.5 (expected: from 0, below 1)
          epsilon          | 0      | epsilon: 0.0 (expected: above 0, at most 1)
          weight_decay     | 2      | weight_decay: 2.0 (expected: from 0 to 1)
          clip_norm        | Infinity | clip_norm: Infinity (expected: 0 (off) or more)
          evaluate_every   | -1     | evaluate_every: -1 (expected: at least 0)
          patience         | -1     | patience: -1 (expected: at least 0)
          checkpoint_every | -1     | checkpoint_every: -1 (expected: at least 0)
          checkpoints_kept | 0      | checkpoints_kept: 0 (expected: at least 1)
          """)
  void refusesAValueByItsKey(String key, String value, String message) {
    assertThatThrownBy(() -> TrainingConfig.of(Map.of(key, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void refusesKeysThatDoNotGoTogetherOrAreNotKnown() {
    assertThatThrownBy(() -> TrainingConfig.of(Map.of("epochs", "1", "steps", "2")))
        .hasMessage("epochs: 1 with steps 2 (expected: one of them above 0)");
    assertThatThrownBy(() -> TrainingConfig.of(Map.of("warmup_steps", "1", "warmup_share", "0.5")))
        .hasMessage("warmup_steps: 1 with warmup_share 0.5 (expected: one of them)");
    assertThatThrownBy(() -> TrainingConfig.of(Map.of("steps", "10", "warmup_steps", "11")))
        .hasMessage("warmup_steps: 11 (expected: at most steps 10)");
    assertThatThrownBy(() -> TrainingConfig.of(Map.of("patience", "1", "evaluate_every", "0")))
        .hasMessage("patience: 1 with evaluate_every 0 (expected: evaluations to count)");
    assertThatThrownBy(() -> TrainingConfig.of(Map.of("lr", "1")))
        .hasMessageStartingWith("lr: unknown (expected: one of [epochs, steps, seed, ");
  }

  @Test
  void readsBackWhatItWrites() {
    Map<String, String> settings = new HashMap<>();
    settings.put("steps", "7");
    settings.put("seed", "-3");
    settings.put("batch_tokens", "100");
    settings.put("accumulation", "2");
    settings.put("max_length", "50");
    settings.put("longer", "cut");
    settings.put("learning_rate", "1.0E-5");
    settings.put("warmup_steps", "4");
    settings.put("final_share", "0.25");
    settings.put("beta1", "0.8");
    settings.put("beta2", "0.95");
    settings.put("epsilon", "1.0E-6");
    settings.put("weight_decay", "0.5");
    settings.put("clip_norm", "0.0");
    settings.put("evaluate_every", "5");
    settings.put("patience", "6");
    settings.put("checkpoint_every", "8");
    settings.put("checkpoints_kept", "9");
    TrainingConfig config = TrainingConfig.of(settings);
    assertThat(config.settings()).containsAllEntriesOf(settings);
    assertThat(TrainingConfig.of(config.settings())).isEqualTo(config);
    assertThat(TrainingConfig.of(TrainingConfig.DEFAULT.settings()))
        .isEqualTo(TrainingConfig.DEFAULT);
    assertThat(config.with(Map.of("patience", "0")).evaluation().patience()).isZero();
  }

  @Test
  void ofTwoKeysThatExcludeEachOtherTheGivenOneStays() {
    TrainingConfig steps = TrainingConfig.DEFAULT.with(Map.of("steps", "9", "warmup_steps", "2"));
    assertThat(steps.epochs()).isZero();
    assertThat(steps.learningRate().warmupShare()).isZero();
    TrainingConfig epochs = steps.with(Map.of("epochs", "2", "warmup_share", "0.5"));
    assertThat(epochs.steps()).isZero();
    assertThat(epochs.learningRate().warmupSteps()).isZero();
    assertThatThrownBy(() -> steps.with(Map.of("epochs", "2", "steps", "3")))
        .hasMessage("epochs: 2 with steps 3 (expected: one of them above 0)");
  }

  @Test
  void keepsTheDefaultLengthWithinASmallBatch() {
    assertThat(TrainingConfig.of(Map.of("batch_tokens", "64")).batches().maxLength()).isEqualTo(65);
  }

  /** The schedule once more, as two straight formulas over the 0-based step. */
  @Test
  void theRateFollowsItsFormula() {
    for (int steps : new int[] {1, 2, 10, 333}) {
      for (double share : new double[] {0, 0.03, 0.5, 1}) {
        LearningRate rate = new LearningRate(0.002, share, 0, 0.1);
        int warmup = (int) Math.ceil(steps * share);
        for (int k = 0; k < steps; k++) {
          double expected =
              k < warmup
                  ? 0.002 * ((k + 1.0) / warmup)
                  : 0.0002 + 0.0009 * (1 + Math.cos(Math.PI * (k - warmup) / (steps - warmup)));
          assertThat(rate.at(k + 1, steps))
              .as("step %d of %d, warm-up %d", k + 1, steps, warmup)
              .isCloseTo(expected, within(1e-15));
        }
      }
    }
  }

  @Test
  void theRateRisesToItsPeakAndEndsAboveZero() {
    LearningRate rate = new LearningRate(1, 0, 4, 0);
    assertThat(new double[] {rate.at(1, 100), rate.at(2, 100), rate.at(4, 100), rate.at(5, 100)})
        .containsExactly(0.25, 0.5, 1, 1);
    assertThat(rate.at(100, 100)).isBetween(1e-4, 1e-3);
    assertThat(new LearningRate(1, 0, 0, 1).at(100, 100)).isEqualTo(1);
  }
}
