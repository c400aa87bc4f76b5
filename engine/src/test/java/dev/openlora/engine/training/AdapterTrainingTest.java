package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.reference.NamedArrays;
import dev.openlora.engine.reference.ReferenceAdapter;
import dev.openlora.engine.reference.ReferenceModel;
import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.training.TrainingFixture.Operations;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Training of adapters of every kind against the reference's autograd. The trained adapter is saved
 * and loaded first, so that the reference knows it as it would be served.
 */
class AdapterTrainingTest {
  private static final double TOLERANCE = 5e-5;

  /** lora_alpha / r of {@link AdapterKinds#LORA_BIAS}. */
  private static final float LORA_BIAS_SCALE = 8f / 3;

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "llama, false, true, 0, REFERENCE",
    "llama, true, true, 0, TORCH",
    "mistral, true, false, 3, TORCH",
    "qwen2, true, false, 0, REFERENCE",
    "qwen2, false, false, 0, TORCH",
    "qwen3, false, true, 4, REFERENCE"
  })
  void hasTheReferencesLossAndGradients(
      String family, boolean tied, boolean biases, int window, Operations operations)
      throws Exception {
    Random random = new Random(Seeds.next("AdapterTrainingTest"));
    int arenas = TensorArena.openArenas();
    TinySpec spec = TinySpec.of(family).withTied(tied).withBiases(biases).withWindow(window);
    TinyModels.write(folder, spec, random.nextLong());
    try (Ops serving = new ReferenceOps();
        TrainingOps ops = operations.open();
        HuggingFaceModel model = HuggingFaceModel.open("tiny", folder, serving, DType.F32);
        ReferenceModel reference = ReferenceModel.of(model)) {
      for (AdapterKinds kind : AdapterKinds.of(model)) {
        Path saved = folder.resolve(kind.name());
        TrainingBatch batch = TrainingFixture.batch(random, spec.vocabulary(), 3);
        for (int i = 0; i < batch.rows(); i += 2) {
          batch.ids()[i] = random.nextBoolean() ? 7 : 3; // ids whose rows some kinds replace
        }
        try (DecoderTraining training =
            DecoderTraining.adapter(model, ops, kind.shape(model), random.nextLong())) {
          TrainingFixture.disturb(training, random);
          training.save(saved, SafetensorsType.F32);
          double loss = training.accumulate(batch, 1);
          try (LoadedAdapter loaded = AdapterLoader.load("saved", saved, model, serving);
              ReferenceAdapter adapter = ReferenceAdapter.of(loaded, model)) {
            Expected expected = new Expected(model, reference, adapter, batch);
            assertThat(loss).as("%s", kind).isCloseTo(expected.loss, within(1e-5 * loss));
            for (Parameter parameter : training.parameters()) {
              assertThat(
                      TrainingFixture.relativeDifference(
                          parameter.gradient().toFloats(), expected.gradient(parameter, kind)))
                  .as("%s of %s: %s", kind, spec, parameter.name())
                  .isLessThan(TOLERANCE);
            }
          }
        }
      }
    }
    assertThat(TensorArena.openArenas()).as("arenas left open").isEqualTo(arenas);
  }

  /** The forward pass of training is that of serving, token by token. */
  private static void checkLogProbs(
      AdapterKinds kind,
      DecoderTraining training,
      ReferenceModel reference,
      ReferenceAdapter adapter,
      Random random) {
    TrainingBatch batch = TrainingFixture.batch(random, 300, 1);
    float[][] served =
        reference.logProbs(batch.ids(), List.of(new ReferenceModel.Applied(adapter, 1, 0)));
    for (int row = 0; row < batch.rows(); row++) {
      int target = batch.targets()[row];
      if (target != TrainingBatch.NOT_LEARNED) {
        assertThat(-training.loss(TrainingFixture.only(batch, row)))
            .as("%s, id %d after row %d", kind, target, row)
            .isCloseTo(served[row][target], within(1e-4));
      }
    }
  }

  /** Gradients of what the file holds, from those of what serving makes of it. */
  private static final class Expected {
    private static final String PREFIX = "base_model.model.";

    private final HuggingFaceModel model;
    private final NamedArrays arrays;
    private final double loss;

    Expected(
        HuggingFaceModel model,
        ReferenceModel reference,
        ReferenceAdapter adapter,
        TrainingBatch batch) {
      this.model = model;
      arrays = adapter.arrays();
      List<NDArray> leaves = new ArrayList<>();
      for (String module : modules()) {
        for (String part : PARTS) {
          NDArray array = arrays.find(module + part);
          if (array != null) {
            leaves.add(array);
          }
        }
      }
      loss =
          ReferenceGradients.loss(
              reference, List.of(new ReferenceModel.Applied(adapter, 1, 0)), batch, leaves);
    }

    private static final List<String> PARTS =
        List.of(
            ".weight",
            ".rows",
            ".lora_A.weight",
            ".lora_B.weight",
            ".lora_embedding_A",
            ".lora_embedding_B",
            ".gain",
            ".shift");

    private List<String> modules() {
      List<String> names = new ArrayList<>(List.of("model.embed_tokens"));
      model.linears().forEach(module -> names.add(module.name()));
      model.norms().forEach(module -> names.add(module.name()));
      return names;
    }

    float[] gradient(Parameter parameter, AdapterKinds kind) {
      String name = parameter.name().substring(PREFIX.length());
      if (name.endsWith(".lora_magnitude_vector")) {
        String module = name.substring(0, name.length() - ".lora_magnitude_vector".length());
        return magnitude(module, parameter);
      }
      if (name.endsWith(".lora_B.bias")) {
        String module = name.substring(0, name.length() - ".lora_B.bias".length());
        return times(gradient(module + ".shift"), LORA_BIAS_SCALE);
      }
      if (name.endsWith(".bias")) {
        return gradient(name.replace(".base_layer", "").replace(".bias", ".shift"));
      }
      if (name.endsWith(".token_adapter.trainable_tokens_delta")) {
        String module = name.substring(0, name.indexOf(".token_adapter"));
        float[] rows = gradient(module + ".rows");
        return module.equals("lm_head") || !model.tiedEmbeddings()
            ? rows
            : sum(rows, gradient("lm_head.rows"));
      }
      if (kind == AdapterKinds.SAVED_TIED && model.tiedEmbeddings() && name.contains("embed")) {
        return sum(gradient(name), gradient("lm_head.weight"));
      }
      return gradient(name);
    }

    private float[] gradient(String array) {
      return arrays.get(array).getGradient().toFloatArray();
    }

    /** gain = m / n with n constant; serving's gain acts on the base's bias too, ours does not. */
    private float[] magnitude(String module, Parameter parameter) {
      float[] gradient = gradient(module + ".gain");
      float[] gains = arrays.get(module + ".gain").toFloatArray();
      NDArray shift = arrays.find(module + ".shift");
      float[] dShift = shift == null ? null : shift.getGradient().toFloatArray();
      float[] bias = bias(module);
      float[] magnitudes = parameter.value().toFloats();
      for (int i = 0; i < gradient.length; i++) {
        float ofBias = dShift == null ? 0 : bias[i] * dShift[i];
        gradient[i] = (gradient[i] - ofBias) * gains[i] / magnitudes[i];
      }
      return gradient;
    }

    private float[] bias(String module) {
      return model.linears().stream()
          .filter(linear -> linear.name().equals(module) && linear.bias() != null)
          .map(linear -> linear.bias().toFloats())
          .findAny()
          .orElse(new float[0]);
    }

    private static float[] times(float[] values, float factor) {
      float[] all = values.clone();
      for (int i = 0; i < all.length; i++) {
        all[i] *= factor;
      }
      return all;
    }

    private static float[] sum(float[] some, float[] others) {
      float[] all = some.clone();
      for (int i = 0; i < all.length; i++) {
        all[i] += others[i];
      }
      return all;
    }
  }
}
