package dev.openlora.engine;

import dev.openlora.engine.model.RopeSettings;
import dev.openlora.kernels.DType;
import java.util.Random;

/**
 * What a model of {@link TinyModels} looks like. What a family has by nature (the biases of Qwen2,
 * the head norms of Qwen3) is not said here.
 *
 * @param biases wherever the family knows them, in attention and MLP
 * @param window of the layers that slide, 0 for none; Mistral slides everywhere, Qwen from layer 1
 * @param dtype of the file
 * @param oldConfig {@code rope_theta} and {@code torch_dtype} rather than {@code rope_parameters}
 *     and {@code dtype}
 */
public record TinySpec(
    String family,
    int layers,
    int hidden,
    int intermediate,
    int heads,
    int kvHeads,
    int headSize,
    int vocabulary,
    int maxPositions,
    boolean tied,
    boolean biases,
    int window,
    RopeSettings rope,
    DType dtype,
    boolean oldConfig) {

  /** A plain one of a family: two layers, grouped heads, float32. */
  public static TinySpec of(String family) {
    RopeSettings rope = new RopeSettings.Default(10_000);
    return new TinySpec(
        family, 2, 32, 48, 4, 2, 16, 300, 256, false, false, 0, rope, DType.F32, false);
  }

  /** Any that is served, of odd sizes too. */
  public static TinySpec random(Random random) {
    String family = pick(random, "llama", "mistral", "qwen2", "qwen3");
    int kvHeads = 1 + random.nextInt(3);
    boolean slides = !family.equals("llama") && random.nextBoolean();
    return new TinySpec(
        family,
        1 + random.nextInt(3),
        2 * (8 + random.nextInt(33)),
        1 + random.nextInt(80),
        kvHeads * (1 + random.nextInt(3)),
        kvHeads,
        2 * (2 + random.nextInt(19)),
        TinyModels.VOCABULARY_MIN + random.nextInt(60),
        256,
        random.nextBoolean(),
        random.nextBoolean(),
        slides ? 1 + random.nextInt(24) : 0,
        rope(random),
        DType.F32,
        random.nextBoolean());
  }

  private static RopeSettings rope(Random random) {
    double theta = random.nextBoolean() ? 10_000 : 500_000;
    double factor = 2 + random.nextInt(7);
    int original = 16 << random.nextInt(4);
    return switch (random.nextInt(4)) {
      case 0 -> new RopeSettings.Default(theta);
      case 1 -> new RopeSettings.Linear(theta, factor);
      case 2 -> new RopeSettings.Llama3(theta, factor, 1, 4, original);
      default ->
          new RopeSettings.Yarn(
              theta, factor, 0.1 * Math.log(factor) + 1, 32, 1, random.nextBoolean(), original);
    };
  }

  private static String pick(Random random, String... choices) {
    return choices[random.nextInt(choices.length)];
  }

  public TinySpec withDtype(DType dtype) {
    return new TinySpec(
        family,
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headSize,
        vocabulary,
        maxPositions,
        tied,
        biases,
        window,
        rope,
        dtype,
        oldConfig);
  }

  public TinySpec withTied(boolean tied) {
    return new TinySpec(
        family,
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headSize,
        vocabulary,
        maxPositions,
        tied,
        biases,
        window,
        rope,
        dtype,
        oldConfig);
  }

  public TinySpec withBiases(boolean biases) {
    return new TinySpec(
        family,
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headSize,
        vocabulary,
        maxPositions,
        tied,
        biases,
        window,
        rope,
        dtype,
        oldConfig);
  }

  public TinySpec withWindow(int window) {
    return new TinySpec(
        family,
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headSize,
        vocabulary,
        maxPositions,
        tied,
        biases,
        window,
        rope,
        dtype,
        oldConfig);
  }

  public TinySpec withRope(RopeSettings rope) {
    return new TinySpec(
        family,
        layers,
        hidden,
        intermediate,
        heads,
        kvHeads,
        headSize,
        vocabulary,
        maxPositions,
        tied,
        biases,
        window,
        rope,
        dtype,
        oldConfig);
  }

  boolean attentionBias() {
    return biases && !family.equals("mistral") || family.equals("qwen2");
  }

  boolean outputBias() {
    return biases && (family.equals("llama") || family.equals("qwen3"));
  }

  boolean mlpBias() {
    return biases && family.equals("llama");
  }

  boolean headNorms() {
    return family.equals("qwen3");
  }
}
