package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.adapter.AdapterShape;
import dev.openlora.engine.TinyModels;
import dev.openlora.engine.TinySpec;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.engine.sampling.Seeds;
import dev.openlora.engine.training.TrainingFixture.Operations;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TorchTrainingOps;
import dev.openlora.kernels.TrainingOps;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds for any training of a decoder, whatever part of it is trained. */
class DecoderTrainingTest {
  private static final TinySpec SPEC = TinySpec.of("qwen3").withWindow(4).withTied(true);

  @TempDir private Path folder;

  private final Random random = new Random(Seeds.next("DecoderTrainingTest"));
  private int arenas;
  private Ops serving;
  private TrainingOps ops;
  private HuggingFaceModel model;

  @BeforeEach
  void open() throws IOException {
    arenas = TensorArena.openArenas();
    TinyModels.write(folder, SPEC, random.nextLong());
    serving = new ReferenceOps();
    ops = Operations.REFERENCE.open();
    model = HuggingFaceModel.open("tiny", folder, serving, DType.F32);
  }

  @AfterEach
  void close() {
    model.close();
    ops.close();
    serving.close();
    assertThat(TensorArena.openArenas()).as("arenas left open").isEqualTo(arenas);
  }

  private DecoderTraining adapter(AdapterKinds kind, long seed) throws Exception {
    return DecoderTraining.adapter(model, ops, kind.shape(model), seed);
  }

  private TrainingBatch batch(int sequences) {
    return TrainingFixture.batch(random, SPEC.vocabulary(), sequences);
  }

  @Test
  void refusesABatchThatDoesNotFit() throws Exception {
    int[] one = {0};
    int[] starts = {0, 1};
    try (DecoderTraining training = adapter(AdapterKinds.LORA, 1)) {
      assertThatThrownBy(() -> training.loss(new TrainingBatch(one, new int[] {0, 1}, starts, one)))
          .hasMessage("batch: 1 ids, 2 positions, 1 targets (expected: the same number)");
      assertThatThrownBy(() -> training.loss(new TrainingBatch(new int[] {300}, one, starts, one)))
          .hasMessageContaining("300 (expected: 0 to 299)");
      assertThatThrownBy(() -> training.loss(new TrainingBatch(one, one, starts, new int[] {300})))
          .hasMessageContaining("300 (expected: 0 to 299)");
      assertThatThrownBy(() -> training.loss(new TrainingBatch(one, new int[] {256}, starts, one)))
          .hasMessage("positions: 256 (expected: below max_position_embeddings 256)");
      assertThatThrownBy(() -> training.loss(new TrainingBatch(one, one, new int[] {0, 2}, one)))
          .hasMessageContaining("starts: [0, 2] (expected: rising from 0 to 1)");
      assertThat(training.loss(new TrainingBatch(one, one, starts, one))).isPositive();
    }
  }

  @Test
  void refusesToWriteOverTheModelInTraining() {
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      assertThatThrownBy(() -> training.save(folder, SafetensorsType.F32))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected: another than that of the model in training");
      assertThatThrownBy(() -> training.save(folder.resolve("new"), SafetensorsType.I8))
          .hasMessage("type: I8 (expected: F32, F16 or BF16)");
    }
  }

  @Test
  void refusesDoraOnARowOfZeros() throws Exception {
    Path zeroed = folder.resolve("zeroed");
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      for (Parameter parameter : training.parameters()) {
        if (parameter.name().equals("model.layers.0.mlp.up_proj.weight")) {
          ops.fill(parameter.value().rows(5, 6), 0);
        }
      }
      training.save(zeroed, SafetensorsType.F32);
    }
    int before = TensorArena.openArenas();
    try (HuggingFaceModel with = HuggingFaceModel.open("zeroed", zeroed, serving, null)) {
      AdapterShape dora = AdapterKinds.DORA.shape(with);
      assertThatThrownBy(() -> DecoderTraining.adapter(with, ops, dora, 1))
          .hasMessage(
              "use_dora: row 5 of model.layers.0.mlp.up_proj has the norm 0.0"
                  + " (expected: above 0)");
    }
    assertThat(TensorArena.openArenas()).isEqualTo(before);
  }

  @Test
  void learnsNothingFromWhatIsMasked() {
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      TrainingBatch batch = batch(2);
      int[] nothing = new int[batch.rows()];
      Arrays.fill(nothing, TrainingBatch.NOT_LEARNED);
      TrainingBatch masked =
          new TrainingBatch(batch.ids(), batch.positions(), batch.starts(), nothing);
      assertThat(training.accumulate(masked, 1)).isZero();
      assertThat(training.loss(masked)).isZero();
      assertThat(TrainingFixture.gradients(training))
          .allMatch(gradient -> TrainingFixture.squares(gradient) == 0);
      double sum = 0;
      for (int row = 0; row < batch.rows(); row++) {
        if (batch.targets()[row] != TrainingBatch.NOT_LEARNED) {
          sum += training.accumulate(TrainingFixture.only(batch, row), 1);
        }
      }
      List<float[]> single = TrainingFixture.gradients(training);
      TrainingFixture.zeroGradients(training);
      assertThat(training.accumulate(batch, 1)).isCloseTo(sum, within(1e-5 * sum));
      same(training, single, 1e-5);
    }
  }

  @Test
  void addsUpTwoSequencesAsTwoBatches() throws Exception {
    for (AdapterKinds kind : AdapterKinds.of(model)) {
      try (DecoderTraining training = adapter(kind, 3)) {
        TrainingFixture.disturb(training, random);
        TrainingBatch first = batch(1);
        TrainingBatch second = batch(1);
        double apart = training.accumulate(first, 2) + training.accumulate(second, 2);
        List<float[]> gradients = TrainingFixture.gradients(training);
        TrainingFixture.zeroGradients(training);
        double together = training.accumulate(TrainingFixture.join(List.of(first, second)), 2);
        assertThat(together).as("%s", kind).isCloseTo(apart, within(1e-5 * apart));
        same(training, gradients, 1e-5);
      }
    }
  }

  private static void same(DecoderTraining training, List<float[]> expected, double tolerance) {
    for (int i = 0; i < expected.size(); i++) {
      Parameter parameter = training.parameters().get(i);
      assertThat(
              TrainingFixture.relativeDifference(parameter.gradient().toFloats(), expected.get(i)))
          .as(parameter.name())
          .isLessThan(tolerance);
    }
  }

  @Test
  void leavesTheBaseAsItIs() throws Exception {
    List<float[]> before = baseValues();
    for (AdapterKinds kind : AdapterKinds.of(model)) {
      try (DecoderTraining training = adapter(kind, 3)) {
        TrainingFixture.disturb(training, random);
        training.accumulate(batch(2), 1);
      }
    }
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      TrainingFixture.disturb(training, random);
      training.accumulate(batch(2), 1);
    }
    List<float[]> after = baseValues();
    for (int i = 0; i < before.size(); i++) {
      assertThat(Arrays.mismatch(before.get(i), after.get(i))).isEqualTo(-1);
    }
  }

  private List<float[]> baseValues() {
    List<float[]> all = new ArrayList<>();
    all.add(model.embedding().toFloats());
    model.linears().forEach(linear -> all.add(linear.weight().toFloats()));
    model.norms().forEach(norm -> all.add(norm.weight().toFloats()));
    return all;
  }

  @Test
  void startsAsTheBaseAndTheSameForASeed() throws Exception {
    TrainingBatch batch = batch(2);
    double base;
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      base = training.loss(batch);
    }
    for (AdapterKinds kind : AdapterKinds.of(model)) {
      try (DecoderTraining one = adapter(kind, 5);
          DecoderTraining again = adapter(kind, 5);
          DecoderTraining other = adapter(kind, 6)) {
        assertThat(one.loss(batch)).as("%s", kind).isCloseTo(base, within(1e-5 * base));
        boolean differs = false;
        for (int i = 0; i < one.parameters().size(); i++) {
          float[] values = one.parameters().get(i).value().toFloats();
          assertThat(again.parameters().get(i).value().toFloats()).containsExactly(values);
          differs |= !Arrays.equals(values, other.parameters().get(i).value().toFloats());
        }
        boolean random = one.parameters().stream().anyMatch(p -> p.name().contains("lora_A"));
        assertThat(differs).as("%s hangs on the seed", kind).isEqualTo(random);
      }
    }
  }

  @Test
  void givesAMatrixTheSameStartWhateverElseIsTrained() throws Exception {
    String name = "base_model.model.model.layers.1.self_attn.o_proj.lora_A.weight";
    try (DecoderTraining some = adapter(AdapterKinds.SOME_LAYERS, 5);
        DecoderTraining more = DecoderTraining.adapter(model, ops, everyLinear(), 5)) {
      float[] values = value(some, name);
      assertThat(value(more, name)).containsExactly(values);
      double bound = 1 / Math.sqrt(SPEC.heads() * SPEC.headSize());
      double spread = Math.sqrt(TrainingFixture.squares(values) / values.length);
      for (float value : values) {
        assertThat((double) value).isBetween(-bound, bound);
      }
      assertThat(spread).isCloseTo(bound / Math.sqrt(3), within(0.1 * bound));
    }
  }

  private AdapterShape everyLinear() throws Exception {
    String config = "{\"peft_type\": \"LORA\", \"target_modules\": \"all-linear\"}";
    return AdapterShape.of(config.getBytes(StandardCharsets.UTF_8), model);
  }

  private static float[] value(DecoderTraining training, String name) {
    return training.parameters().stream()
        .filter(parameter -> parameter.name().equals(name))
        .findAny()
        .orElseThrow()
        .value()
        .toFloats();
  }

  @Test
  void goesOnFromValuesThatAreWrittenOver() throws Exception {
    for (AdapterKinds kind : AdapterKinds.of(model)) {
      try (DecoderTraining one = adapter(kind, 5);
          DecoderTraining other = adapter(kind, 6)) {
        TrainingBatch batch = batch(2);
        other.accumulate(batch, 1);
        TrainingFixture.disturb(one, random);
        for (int i = 0; i < one.parameters().size(); i++) {
          other.parameters().get(i).value().write(one.parameters().get(i).value().toFloats());
        }
        TrainingFixture.zeroGradients(other);
        assertThat(other.accumulate(batch, 1)).as("%s", kind).isEqualTo(one.accumulate(batch, 1));
        same(other, TrainingFixture.gradients(one), 1e-9);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void takesNoMoreMemoryFromBatchToBatch(Operations operations) throws Exception {
    try (TrainingOps own = operations.open();
        DecoderTraining training =
            DecoderTraining.adapter(model, own, AdapterKinds.DORA_HEAD.shape(model), 1)) {
      TrainingBatch batch = batch(3);
      training.accumulate(batch, 1);
      long bytes = TensorArena.openBytes();
      for (int i = 0; i < 3; i++) {
        training.accumulate(batch, 1);
        assertThat(TensorArena.openBytes()).isEqualTo(bytes);
      }
    }
  }

  @Test
  void writesAModelThatOpensAgain() throws Exception {
    try (DecoderTraining training = DecoderTraining.full(model, ops)) {
      TrainingFixture.disturb(training, random);
      TrainingBatch batch = batch(2);
      double loss = training.loss(batch);
      for (SafetensorsType type : List.of(SafetensorsType.F32, SafetensorsType.BF16)) {
        Path saved = folder.resolve(type.name());
        training.save(saved, type);
        assertThat(
                Files.mismatch(folder.resolve("tokenizer.json"), saved.resolve("tokenizer.json")))
            .isEqualTo(-1);
        try (HuggingFaceModel again = HuggingFaceModel.open("again", saved, serving, null);
            DecoderTraining more = DecoderTraining.full(again, ops)) {
          assertThat(again.dtype().name()).isEqualTo(type.name());
          assertThat(more.loss(batch))
              .isCloseTo(loss, within(type == SafetensorsType.F32 ? 0 : 0.05 * loss));
        }
      }
    }
  }

  @Test
  void isNearlyTheSameInBfloat16() throws Exception {
    TrainingBatch batch = batch(3);
    try (TrainingOps narrow = TorchTrainingOps.openDefault(TrainingOps.Precision.BF16);
        HuggingFaceModel half = HuggingFaceModel.open("half", folder, serving, DType.BF16)) {
      for (AdapterKinds kind : AdapterKinds.of(model)) {
        try (DecoderTraining exact = adapter(kind, 1);
            DecoderTraining rounded = DecoderTraining.adapter(half, narrow, kind.shape(half), 1)) {
          double loss = exact.accumulate(batch, 1);
          assertThat(rounded.accumulate(batch, 1))
              .as("%s", kind)
              .isCloseTo(loss, within(0.02 * loss));
          same(rounded, TrainingFixture.gradients(exact), 0.25);
        }
      }
    }
  }
}
