package dev.openlora.engine.training;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * How a run goes. Every field has a key, as people write it in a file or on a command line: see
 * {@link #of} and {@link #settings}.
 *
 * @param epochs ways through all examples; 0 where {@code steps} says how long
 * @param steps of the optimizer; 0 where {@code epochs} says how long
 * @param seed of the order of the examples
 */
public record TrainingConfig(
    int epochs,
    int steps,
    long seed,
    Batches batches,
    LearningRate learningRate,
    Adam adam,
    Evaluation evaluation,
    Checkpoints checkpoints) {
  /** Small LoRA runs on a small model. */
  public static final TrainingConfig DEFAULT = of(Map.of());

  /** What becomes of an example that is longer than max_length. */
  public enum Longer {
    REFUSE,
    /** Its end is left out. */
    CUT
  }

  /**
   * @param batchTokens rows of a micro-batch at most
   * @param accumulation micro-batches of a step; fewer at the end of an epoch
   * @param maxLength tokens of an example, at most batchTokens + 1, as the last predicts nothing
   */
  public record Batches(int batchTokens, int accumulation, int maxLength, Longer longer) {
    public static final int BATCH_TOKENS_MAX = 1 << 20;

    public Batches {
      check(
          batchTokens >= 1 && batchTokens <= BATCH_TOKENS_MAX,
          "batch_tokens",
          batchTokens,
          "from 1 to " + BATCH_TOKENS_MAX);
      check(
          accumulation >= 1 && accumulation <= 1 << 16,
          "accumulation",
          accumulation,
          "from 1 to " + (1 << 16));
      check(
          maxLength >= 2 && maxLength <= batchTokens + 1,
          "max_length",
          maxLength,
          "from 2 to batch_tokens + 1, " + (batchTokens + 1));
    }
  }

  /**
   * AdamW, and the clipping before it.
   *
   * @param clipNorm the global gradient norm at most; 0 does not clip
   */
  public record Adam(
      double beta1, double beta2, double epsilon, double weightDecay, double clipNorm) {
    public Adam {
      check(beta1 >= 0 && beta1 < 1, "beta1", beta1, "from 0, below 1");
      check(beta2 >= 0 && beta2 < 1, "beta2", beta2, "from 0, below 1");
      check(epsilon > 0 && epsilon <= 1, "epsilon", epsilon, "above 0, at most 1");
      check(weightDecay >= 0 && weightDecay <= 1, "weight_decay", weightDecay, "from 0 to 1");
      check(clipNorm >= 0 && clipNorm <= Float.MAX_VALUE, "clip_norm", clipNorm, "0 (off) or more");
    }
  }

  /**
   * On the held-out examples, where there are some.
   *
   * @param every steps; 0: after the last only
   * @param patience evaluations in a row without a new best one until the run stops; 0 never stops
   *     it. When it is on, the best values are what the run ends with.
   */
  public record Evaluation(int every, int patience) {
    public Evaluation {
      check(every >= 0, "evaluate_every", every, "at least 0");
      check(patience >= 0, "patience", patience, "at least 0");
      check(
          patience == 0 || every > 0,
          "patience",
          patience + " with evaluate_every 0",
          "evaluations to count");
    }
  }

  /**
   * @param every steps; 0: when the run stops only
   * @param kept newest ones; older ones are removed
   */
  public record Checkpoints(int every, int kept) {
    public Checkpoints {
      check(every >= 0, "checkpoint_every", every, "at least 0");
      check(kept >= 1, "checkpoints_kept", kept, "at least 1");
    }
  }

  public TrainingConfig {
    check(epochs >= 0 && epochs <= 1 << 20, "epochs", epochs, "from 0 to " + (1 << 20));
    check(steps >= 0, "steps", steps, "at least 0");
    check(
        (epochs > 0) != (steps > 0),
        "epochs",
        epochs + " with steps " + steps,
        "one of them above 0");
    check(
        steps == 0 || learningRate.warmupSteps() <= steps,
        "warmup_steps",
        learningRate.warmupSteps(),
        "at most steps " + steps);
  }

  /** Settings by key, defaults for what is missing; a key that is not known is refused. */
  public static TrainingConfig of(Map<String, String> settings) {
    Settings given = new Settings(settings);
    int steps = given.integer("steps", 0);
    int batchTokens = given.integer("batch_tokens", 2048);
    int warmupSteps = given.integer("warmup_steps", 0);
    TrainingConfig config =
        new TrainingConfig(
            given.integer("epochs", steps == 0 ? 3 : 0),
            steps,
            given.value("seed", 0L, Long::valueOf, "a whole number"),
            new Batches(
                batchTokens,
                given.integer("accumulation", 1),
                given.integer("max_length", (int) Math.min(1024, batchTokens + 1L)),
                given.value("longer", Longer.REFUSE, Settings::longer, "refuse or cut")),
            new LearningRate(
                given.number("learning_rate", 2e-4),
                given.number("warmup_share", warmupSteps == 0 ? 0.03 : 0),
                warmupSteps,
                given.number("final_share", 0.1)),
            new Adam(
                given.number("beta1", 0.9),
                given.number("beta2", 0.999),
                given.number("epsilon", 1e-8),
                given.number("weight_decay", 0.01),
                given.number("clip_norm", 1)),
            new Evaluation(given.integer("evaluate_every", 50), given.integer("patience", 0)),
            new Checkpoints(
                given.integer("checkpoint_every", 100), given.integer("checkpoints_kept", 2)));
    given.refuseUnknown(config.settings().keySet());
    return config;
  }

  /** This with other settings; of two keys that exclude each other, the given one stays. */
  public TrainingConfig with(Map<String, String> settings) {
    Map<String, String> all = settings();
    for (List<String> pair :
        List.of(List.of("epochs", "steps"), List.of("warmup_share", "warmup_steps"))) {
      if (pair.stream().anyMatch(settings::containsKey)) {
        pair.forEach(all::remove);
      }
    }
    all.putAll(settings);
    return of(all);
  }

  /** All settings by key, in the order of the fields. */
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("epochs", Integer.toString(epochs));
    settings.put("steps", Integer.toString(steps));
    settings.put("seed", Long.toString(seed));
    settings.put("batch_tokens", Integer.toString(batches.batchTokens()));
    settings.put("accumulation", Integer.toString(batches.accumulation()));
    settings.put("max_length", Integer.toString(batches.maxLength()));
    settings.put("longer", batches.longer().name().toLowerCase(Locale.ROOT));
    settings.put("learning_rate", Double.toString(learningRate.peak()));
    settings.put("warmup_share", Double.toString(learningRate.warmupShare()));
    settings.put("warmup_steps", Integer.toString(learningRate.warmupSteps()));
    settings.put("final_share", Double.toString(learningRate.finalShare()));
    settings.put("beta1", Double.toString(adam.beta1()));
    settings.put("beta2", Double.toString(adam.beta2()));
    settings.put("epsilon", Double.toString(adam.epsilon()));
    settings.put("weight_decay", Double.toString(adam.weightDecay()));
    settings.put("clip_norm", Double.toString(adam.clipNorm()));
    settings.put("evaluate_every", Integer.toString(evaluation.every()));
    settings.put("patience", Integer.toString(evaluation.patience()));
    settings.put("checkpoint_every", Integer.toString(checkpoints.every()));
    settings.put("checkpoints_kept", Integer.toString(checkpoints.kept()));
    return settings;
  }

  static void check(boolean right, String key, Object got, String expected) {
    if (!right) {
      throw new IllegalArgumentException(key + ": " + got + " (expected: " + expected + ")");
    }
  }

  private record Settings(Map<String, String> given) {
    int integer(String key, int otherwise) {
      return value(key, otherwise, Integer::valueOf, "a whole number");
    }

    double number(String key, double otherwise) {
      return value(key, otherwise, Double::valueOf, "a number");
    }

    <T> T value(String key, T otherwise, Function<String, T> parse, String expected) {
      String text = given.get(key);
      if (text == null) {
        return otherwise;
      }
      try {
        return parse.apply(text.strip());
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            key + ": '" + text + "' (expected: " + expected + ")", e);
      }
    }

    static Longer longer(String text) {
      return Longer.valueOf(text.toUpperCase(Locale.ROOT));
    }

    void refuseUnknown(Set<String> known) {
      Set<String> unknown = new TreeSet<>(given.keySet());
      unknown.removeAll(known);
      if (!unknown.isEmpty()) {
        throw new IllegalArgumentException(
            unknown.iterator().next() + ": unknown (expected: one of " + known + ")");
      }
    }
  }
}
