package dev.openlora.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.training.GradientCollector;
import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.engine.TinyAdapters;
import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gradients through the whole reference, against the loss's own differences. */
class ReferenceModelGradientTest {
  private static final int[] IDS = {256, 104, 101, 7, 8, 31, 258, 90, 104, 12};

  @TempDir private Path folder;

  @Test
  void theGradientOfALoraMatrixIsTheSlopeOfTheLoss() throws Exception {
    TinyModels.write(folder, TinySpec.of("qwen3"), 1);
    try (Ops ops = new ReferenceOps();
        HuggingFaceModel base = HuggingFaceModel.open("tiny", folder, ops, DType.F32);
        ReferenceModel model = ReferenceModel.of(base);
        ReferenceAdapter adapter = adapter(base, ops)) {
      ReferenceModel.Applied applied = new ReferenceModel.Applied(adapter, 1, 2);
      for (String name :
          List.of(
              "model.layers.0.self_attn.q_proj.lora_A.weight",
              "model.layers.0.mlp.down_proj.lora_B.weight",
              "model.layers.1.self_attn.o_proj.lora_A.weight")) {
        checkSlope(model, applied, adapter.arrays().get(name));
      }
    }
  }

  private ReferenceAdapter adapter(HuggingFaceModel base, Ops ops) throws Exception {
    Path path = TinyAdapters.write(folder.resolve("adapter"), base, TinyAdapters.Kind.PATTERNS, 2);
    try (LoadedAdapter loaded = AdapterLoader.load("patterns", path, base, ops)) {
      return ReferenceAdapter.of(loaded, base);
    }
  }

  /** Along the gradient g, of length 1, the loss rises by the gradient's length per step. */
  private static void checkSlope(
      ReferenceModel model, ReferenceModel.Applied applied, NDArray matrix) {
    matrix.setRequiresGradient(true);
    try (NDManager step = model.newStep();
        GradientCollector collector = Engine.getEngine("PyTorch").newGradientCollector()) {
      collector.backward(loss(model, step, applied));
    }
    try (GradientMode off = GradientMode.off();
        NDManager step = model.newStep()) {
      NDArray gradient = matrix.getGradient().duplicate();
      gradient.attach(step);
      float length = gradient.norm().getFloat();
      NDArray small = gradient.div(length / 1e-2f);
      matrix.setRequiresGradient(false);
      matrix.addi(small);
      float above = loss(model, step, applied).getFloat();
      matrix.subi(small).subi(small);
      float below = loss(model, step, applied).getFloat();
      matrix.addi(small);
      assertThat(length).isGreaterThan(1e-3f);
      assertThat((above - below) / 2e-2f)
          .as(matrix.getName())
          .isCloseTo(length, within(length / 20));
    }
  }

  private static NDArray loss(
      ReferenceModel model, NDManager step, ReferenceModel.Applied applied) {
    NDArray logProbs = model.logits(step, IDS, List.of(applied)).logSoftmax(1);
    int[] next = new int[IDS.length];
    System.arraycopy(IDS, 1, next, 0, IDS.length - 1);
    return logProbs
        .gather(
            step.create(next).reshape(-1, 1).toType(ai.djl.ndarray.types.DataType.INT64, false), 1)
        .mean()
        .neg();
  }
}
