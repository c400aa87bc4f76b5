package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.reference.NamedArrays;
import dev.openlora.engine.reference.ReferenceModel;
import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.training.TrainingFixture.Operations;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Training of a whole model against the reference's autograd and the loss's own differences. */
class FullTrainingTest {
  /** Both sides round to float32 after each of some twenty sums a layer. */
  private static final double AUTOGRAD_TOLERANCE = 2e-5;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama, false, false, 0, REFERENCE",
    "llama, true, true, 0, TORCH",
    "mistral, false, false, 3, REFERENCE",
    "mistral, false, false, 3, TORCH",
    "qwen2, true, false, 0, REFERENCE",
    "qwen2, true, false, 0, TORCH",
    "qwen3, false, false, 4, TORCH",
    "qwen3, true, true, 0, REFERENCE"
  })
  void hasTheReferencesLossAndGradients(
      String family, boolean tied, boolean biases, int window, Operations operations)
      throws IOException {
    TinySpec spec = TinySpec.of(family).withTied(tied).withBiases(biases).withWindow(window);
    check(spec, operations, Seeds.next("FullTrainingTest"));
  }

  @ParameterizedTest
  @EnumSource
  void hasThemForAnyShape(Operations operations) throws IOException {
    long seed = Seeds.next("FullTrainingTest");
    Random random = new Random(seed);
    for (int round = 0; round < 4; round++) {
      check(TinySpec.random(random), operations, random.nextLong());
    }
  }

  private void check(TinySpec spec, Operations operations, long seed) throws IOException {
    Random random = new Random(seed);
    int arenas = TensorArena.openArenas();
    Path path = folder.resolve("model-" + random.nextInt(1_000_000));
    TinyModels.write(path, spec, random.nextLong());
    try (Ops serving = new ReferenceOps();
        TrainingOps ops = operations.open();
        HuggingFaceModel model = HuggingFaceModel.open("tiny", path, serving, DType.F32);
        DecoderTraining training = DecoderTraining.full(model, ops);
        NamedArrays arrays = arrays(training, model);
        ReferenceModel reference = new ReferenceModel(model.architecture(), arrays)) {
      TrainingBatch batch = TrainingFixture.batch(random, spec.vocabulary(), 3);
      List<NDArray> leaves = training.parameters().stream().map(p -> arrays.get(p.name())).toList();
      double expected = ReferenceGradients.loss(reference, List.of(), batch, leaves);
      assertThat(training.loss(batch)).as("%s", spec).isCloseTo(expected, within(1e-4 * expected));
      assertThat(training.accumulate(batch, 0.5)).isEqualTo(training.loss(batch));
      training.accumulate(batch, 0.5);
      for (Parameter parameter : training.parameters()) {
        float[] gradient = arrays.get(parameter.name()).getGradient().toFloatArray();
        assertThat(TrainingFixture.relativeDifference(parameter.gradient().toFloats(), gradient))
            .as("seed %d, %s, %s, %s", seed, operations, spec, parameter.name())
            .isLessThan(AUTOGRAD_TOLERANCE);
      }
    }
    assertThat(TensorArena.openArenas()).as("arenas left open").isEqualTo(arenas);
  }

  private static NamedArrays arrays(DecoderTraining training, HuggingFaceModel model) {
    NamedArrays arrays = new NamedArrays();
    for (Parameter parameter : training.parameters()) {
      arrays.put(parameter.name(), parameter.value().toFloats(), parameter.value().shape());
    }
    if (model.tiedEmbeddings()) {
      arrays.alias("lm_head.weight", "model.embed_tokens.weight");
    }
    return arrays;
  }
}
