package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.training.TrainingFixture.Operations;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.TrainingOps;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gradients against the loss's own differences, with no other implementation between. Central
 * differences of three step lengths, extrapolated twice (Romberg), are off by the sixth power of
 * the step, a third of a percent of every value. What remains is noise: a loss of some 150 nats of
 * float32 logits comes out 1e-6 to 1e-5 different after any change, over two steps of 1e-2 up to
 * 3e-4 whatever the slope. What a slope is like is told by the gradient's length along the
 * direction, as the slope itself may be near zero by chance.
 */
class LossSlopeTest {
  private static final double STEP = 1e-2;
  private static final double RELATIVE_TOLERANCE = 3e-4;
  private static final double NOISE = 3e-4;
  private static final int DIRECTIONS = 3;

  @TempDir private Path folder;

  @Test
  void isTheGradientForAWholeModel() throws Exception {
    Random random = new Random(Seeds.next("LossSlopeTest"));
    for (String family : List.of("llama", "mistral", "qwen2", "qwen3")) {
      TinySpec spec = TinySpec.of(family).withWindow(3).withTied(random.nextBoolean());
      try (Opened opened = new Opened(folder.resolve(family), spec, random);
          DecoderTraining training = DecoderTraining.full(opened.model, opened.ops)) {
        check(training, random, family, "nothing is constant");
      }
    }
  }

  @Test
  void isTheGradientForEveryKindOfAdapter() throws Exception {
    Random random = new Random(Seeds.next("LossSlopeTest"));
    TinySpec spec = TinySpec.of("qwen2").withTied(true);
    try (Opened opened = new Opened(folder, spec, random)) {
      for (AdapterKinds kind : AdapterKinds.of(opened.model)) {
        try (DecoderTraining training =
            DecoderTraining.adapter(opened.model, opened.ops, kind.shape(opened.model), 1)) {
          TrainingFixture.disturb(training, random);
          // DoRA's norm hangs on A and B, but is a constant for the gradient
          check(training, random, kind.name(), kind.config().contains("dora") ? "lora_" : "none");
        }
      }
    }
  }

  /** Random directions over all parameters but those whose name has {@code constant} in it. */
  private static void check(DecoderTraining training, Random random, String what, String constant) {
    TrainingBatch batch = TrainingFixture.batch(random, 300, 3);
    training.accumulate(batch, 1);
    List<Parameter> moved =
        training.parameters().stream()
            .filter(p -> !p.name().contains(constant) || p.name().contains("magnitude"))
            .toList();
    for (int i = 0; i < DIRECTIONS; i++) {
      List<float[]> start = moved.stream().map(p -> p.value().toFloats()).toList();
      List<float[]> direction = moved.stream().map(p -> direction(p, random)).toList();
      double slope = 0;
      double typical = 0;
      for (int p = 0; p < moved.size(); p++) {
        float[] gradient = moved.get(p).gradient().toFloats();
        for (int j = 0; j < gradient.length; j++) {
          double part = (double) gradient[j] * direction.get(p)[j];
          slope += part;
          typical += part * part;
        }
      }
      double once = difference(training, batch, moved, start, direction, STEP);
      double twice = difference(training, batch, moved, start, direction, 2 * STEP);
      double fourTimes = difference(training, batch, moved, start, direction, 4 * STEP);
      double fine = (4 * once - twice) / 3;
      double coarse = (4 * twice - fourTimes) / 3;
      assertThat((16 * fine - coarse) / 15)
          .as("%s, direction %d", what, i)
          .isCloseTo(slope, within(RELATIVE_TOLERANCE * Math.sqrt(typical) + NOISE));
      move(moved, start, direction, 0);
    }
  }

  /** Each value by about a third of the parameter's typical one, at a step of 1. */
  private static float[] direction(Parameter parameter, Random random) {
    float[] direction = parameter.value().toFloats();
    double size = Math.sqrt(TrainingFixture.squares(direction) / direction.length) / 3;
    for (int i = 0; i < direction.length; i++) {
      direction[i] = (float) (size * random.nextGaussian());
    }
    return direction;
  }

  private static double difference(
      DecoderTraining training,
      TrainingBatch batch,
      List<Parameter> moved,
      List<float[]> start,
      List<float[]> direction,
      double step) {
    move(moved, start, direction, step);
    double above = training.loss(batch);
    move(moved, start, direction, -step);
    double below = training.loss(batch);
    return (above - below) / (2 * step);
  }

  private static void move(
      List<Parameter> moved, List<float[]> start, List<float[]> direction, double step) {
    for (int p = 0; p < moved.size(); p++) {
      float[] values = start.get(p).clone();
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) (step * direction.get(p)[i]);
      }
      moved.get(p).value().write(values);
    }
  }

  private static final class Opened implements AutoCloseable {
    private final Ops serving = new ReferenceOps();
    private final TrainingOps ops;
    private final HuggingFaceModel model;

    Opened(Path folder, TinySpec spec, Random random) throws Exception {
      TinyModels.write(folder, spec, random.nextLong());
      ops = Operations.REFERENCE.open();
      model = HuggingFaceModel.open("tiny", folder, serving, DType.F32);
    }

    @Override
    public void close() {
      model.close();
      ops.close();
      serving.close();
    }
  }
}
