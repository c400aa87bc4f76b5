package dev.openlora.adapter;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each kind of tensor that PEFT saves, and what becomes of it. */
class AdapterLoaderTest {
  private static final String Q0 = "model.layers.0.self_attn.q_proj";
  private static final String E = "model.embed_tokens";

  @TempDir Path folder;

  private final int arenas = TensorArena.openArenas();
  private final ReferenceOps ops = new ReferenceOps();
  private @Nullable TinyBase base;
  private @Nullable LoadedAdapter adapter;

  @AfterEach
  void leavesNothingOpen() {
    if (adapter != null) {
      adapter.close();
    }
    if (base != null) {
      base.close();
    }
    ops.close();
    assertThat(TensorArena.openArenas()).isEqualTo(arenas);
  }

  private TinyBase base(TinyBase.Shape shape) {
    if (base == null) {
      base = new TinyBase(shape, ops);
    }
    return base;
  }

  private LoadedAdapter load(PeftFolder peft) throws AdapterException {
    base(TinyBase.Shape.SMALL);
    if (adapter != null) {
      adapter.close();
    }
    adapter = AdapterLoader.load("a", peft.write(folder), requireNonNull(base), ops);
    return adapter;
  }

  private PeftFolder queries() {
    return new PeftFolder(1).pairs(base(TinyBase.Shape.SMALL), 4, "q_proj");
  }

  private LinearEdit edit(LoadedAdapter loaded, String module) {
    return requireNonNull(loaded.linear(requireNonNull(base).linear(module)), module);
  }

  private static float[] floats(@Nullable Tensor tensor) {
    return requireNonNull(tensor).toFloats();
  }

  private static void refused(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(AdapterException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @Test
  void loadsPairs() throws AdapterException {
    float[] a = new PeftFolder(7).values(4, 8);
    LoadedAdapter loaded = load(queries().tensor(Q0 + ".lora_A.weight", a, 4, 8));
    LinearEdit edit = edit(loaded, Q0);
    assertThat(floats(edit.a())).containsExactly(a);
    assertThat(requireNonNull(edit.b()).shape()).containsExactly(16, 4);
    assertThat(edit.scale()).isEqualTo(2f);
    assertThat(edit.gain()).isNull();
    assertThat(edit.shift()).isNull();
    assertThat(edit.weight()).isNull();
    assertThat(loaded.linear(requireNonNull(base).linear("model.layers.0.mlp.up_proj"))).isNull();
    assertThat(loaded.rank()).isEqualTo(4);
    assertThat(loaded.description()).isEqualTo("LoRA r4");
    assertThat(loaded.scalable()).isTrue();
    assertThat(loaded.replacesWeights()).isFalse();
    assertThat(loaded.id().name()).isEqualTo("a");
    assertThat(loaded.id().sha256()).matches("[0-9a-f]{64}");
    assertThat(loaded.bytes()).isGreaterThanOrEqualTo(2 * (4 * 8 + 16 * 4) * 4);
  }

  @Test
  void convertsStoredDtypesToTheModels() throws AdapterException {
    base(TinyBase.Shape.SMALL.withDtype(DType.BF16));
    float[] a = new PeftFolder(7).values(4, 8);
    String name = "base_model.model." + Q0 + ".lora_A.weight";
    LinearEdit half = edit(load(queries().stored(name, "F16", a, 4, 8)), Q0);
    assertThat(requireNonNull(half.a()).dtype()).isEqualTo(DType.BF16);
    for (int i = 0; i < a.length; i++) {
      assertThat(floats(half.a())[i]).isCloseTo(a[i], within(0.01f));
    }
    LinearEdit brain = edit(load(queries().stored(name, "BF16", a, 4, 8)), Q0);
    for (int i = 0; i < a.length; i++) {
      assertThat(floats(brain.a())[i]).isCloseTo(a[i], within(0.01f));
    }
  }

  @Test
  void refusesWhatOverflowsTheModelsDtype() {
    base(TinyBase.Shape.SMALL.withDtype(DType.BF16));
    float[] a = new float[32];
    a[3] = Float.MAX_VALUE;
    refused(() -> load(queries().tensor(Q0 + ".lora_A.weight", a, 4, 8)), "lora_A", "bfloat16");
  }

  @Test
  void acceptsHugeButFiniteValues() throws AdapterException {
    float[] a = new float[32];
    a[3] = 1e30f;
    assertThat(floats(edit(load(queries().tensor(Q0 + ".lora_A.weight", a, 4, 8)), Q0).a())[3])
        .isEqualTo(1e30f);
  }

  @Test
  void turnsMagnitudesIntoGains() throws AdapterException {
    base(TinyBase.Shape.SMALL.withBiases("qkv"));
    PeftFolder peft = queries().with("use_dora", true);
    float[] m = peft.values(16);
    peft.tensor(Q0 + ".lora_magnitude_vector", m, 16)
        .tensor("model.layers.1.self_attn.q_proj.lora_magnitude_vector.weight", m, 16);
    LoadedAdapter loaded = load(peft);
    LinearEdit edit = edit(loaded, Q0);
    BaseModel.LinearModule module = requireNonNull(base).linears().get(0);
    float[] w = module.weight().toFloats();
    float[] bias = floats(module.bias());
    float[] a = floats(edit.a());
    float[] b = floats(edit.b());
    for (int row = 0; row < 16; row++) {
      double square = 0;
      for (int c = 0; c < 8; c++) {
        double value = w[row * 8 + c];
        for (int r = 0; r < 4; r++) {
          value += 2.0 * b[row * 4 + r] * a[r * 8 + c];
        }
        square += value * value;
      }
      float gain = (float) (m[row] / Math.sqrt(square));
      assertThat(floats(edit.gain())[row]).isCloseTo(gain, within(1e-4f));
      assertThat(floats(edit.shift())[row]).isCloseTo(bias[row] * (1 - gain), within(1e-4f));
    }
    assertThat(loaded.description()).isEqualTo("LoRA r4, DoRA");
    assertThat(loaded.scalable()).isFalse();
    assertThat(loaded.replacesWeights()).isFalse();
  }

  @Test
  void refusesADoraRowWithoutNorm() {
    PeftFolder peft = queries().with("use_dora", true).with("lora_alpha", 0);
    TinyBase tiny = base(TinyBase.Shape.SMALL);
    tiny.linears().get(0).weight().write(new float[16 * 8]);
    peft.tensor(Q0 + ".lora_magnitude_vector", 16)
        .tensor("model.layers.1.self_attn.q_proj.lora_magnitude_vector", 16);
    refused(() -> load(peft), "lora_magnitude_vector", "finite");
  }

  @Test
  void addsTheScaledBiasOfB() throws AdapterException {
    PeftFolder peft = queries().with("lora_bias", true);
    float[] bias = peft.values(16);
    peft.tensor(Q0 + ".lora_B.bias", bias, 16)
        .tensor("model.layers.1.self_attn.q_proj.lora_B.bias", 16);
    LoadedAdapter loaded = load(peft);
    for (int i = 0; i < 16; i++) {
      assertThat(floats(edit(loaded, Q0).shift())[i]).isCloseTo(2 * bias[i], within(1e-6f));
    }
    assertThat(loaded.scalable()).isFalse();
    assertThat(loaded.replacesWeights()).isFalse();
  }

  @Test
  void replacesBiases() throws AdapterException {
    base(TinyBase.Shape.SMALL.withBiases("qkv"));
    PeftFolder only = queries().with("bias", "lora_only");
    float[] now = only.values(16);
    only.tensor(Q0 + ".base_layer.bias", now, 16)
        .tensor("model.layers.1.self_attn.q_proj.bias", 16);
    LoadedAdapter loaded = load(only);
    float[] old = floats(requireNonNull(base).linears().get(0).bias());
    for (int i = 0; i < 16; i++) {
      assertThat(floats(edit(loaded, Q0).shift())[i]).isCloseTo(now[i] - old[i], within(1e-6f));
    }
    assertThat(loaded.replacesWeights()).isTrue();
    assertThat(loaded.description()).contains("bias");

    PeftFolder all = queries().with("bias", "all");
    for (int layer = 0; layer < 2; layer++) {
      String attention = "model.layers." + layer + ".self_attn.";
      all.tensor(attention + "q_proj.base_layer.bias", 16)
          .tensor(attention + "k_proj.bias", 8)
          .tensor(attention + "v_proj.bias", 8);
    }
    LinearEdit keys = edit(load(all), "model.layers.1.self_attn.k_proj");
    assertThat(keys.a()).isNull();
    assertThat(keys.shift()).isNotNull();
    refused(
        () -> load(all.remove("model.layers.1.self_attn.k_proj.bias")),
        "model.layers.1.self_attn.k_proj.bias",
        "missing");
  }

  @Test
  void combinesDoraWithReplacedBiases() throws AdapterException {
    base(TinyBase.Shape.SMALL.withBiases("qkv"));
    PeftFolder peft = queries().with("use_dora", true).with("bias", "lora_only");
    float[] now = peft.values(16);
    for (int layer = 0; layer < 2; layer++) {
      String q = "model.layers." + layer + ".self_attn.q_proj";
      peft.tensor(q + ".lora_magnitude_vector", 16).tensor(q + ".base_layer.bias", now, 16);
    }
    LinearEdit edit = edit(load(peft), Q0);
    float[] old = floats(requireNonNull(base).linears().get(0).bias());
    for (int i = 0; i < 16; i++) {
      assertThat(floats(edit.shift())[i])
          .isCloseTo(now[i] - floats(edit.gain())[i] * old[i], within(1e-5f));
    }
  }

  @Test
  void replacesSavedModules() throws AdapterException {
    PeftFolder peft =
        queries().with("modules_to_save", List.of("norm", "lm_head", "layers.1.mlp.down_proj"));
    for (BaseModel.NormModule norm : base(TinyBase.Shape.SMALL).norms()) {
      peft.tensor(norm.name() + ".weight", 8);
    }
    peft.tensor("lm_head.weight", 10, 8).tensor("model.layers.1.mlp.down_proj.weight", 8, 12);
    LoadedAdapter loaded = load(peft);
    for (int i = 0; i < 5; i++) {
      assertThat(requireNonNull(loaded.norm(i)).shape()).containsExactly(8);
    }
    assertThat(edit(loaded, "lm_head").weight()).isNotNull();
    assertThat(edit(loaded, "model.layers.1.mlp.down_proj").weight()).isNotNull();
    assertThat(loaded.embedding()).isNull();
    assertThat(loaded.replacesWeights()).isTrue();
    assertThat(loaded.scalable()).isFalse();
    assertThat(loaded.description()).contains("saved: layers.1.mlp.down_proj lm_head norm");
    refused(() -> load(peft.remove("model.norm.weight")), "model.norm.weight", "missing");
  }

  @Test
  void savesALinearLayerWithItsBias() throws AdapterException {
    base(TinyBase.Shape.SMALL.withBiases("qkv"));
    PeftFolder peft =
        queries()
            .with("modules_to_save", List.of("0.self_attn.k_proj"))
            .tensor("model.layers.0.self_attn.k_proj.weight", 8, 8);
    refused(() -> load(peft), "model.layers.0.self_attn.k_proj.bias", "missing");
    LinearEdit edit =
        edit(
            load(peft.tensor("model.layers.0.self_attn.k_proj.bias", 8)),
            "model.layers.0.self_attn.k_proj");
    assertThat(edit.weight()).isNotNull();
    assertThat(edit.shift()).isNotNull();
  }

  @Test
  void replacesTheEmbeddingAndLeavesATiedHeadUnlessItIsEnsured() throws AdapterException {
    base(TinyBase.Shape.SMALL.withTied(true));
    PeftFolder peft = queries().with("modules_to_save", List.of("embed_tokens"));
    float[] table = peft.values(10, 8);
    peft.tensor(E + ".weight", table, 10, 8);
    LoadedAdapter loaded = load(peft);
    assertThat(floats(requireNonNull(loaded.embedding()).table())).containsExactly(table);
    assertThat(loaded.linear(14)).isNull();

    loaded = load(peft.with("ensure_weight_tying", true));
    assertThat(requireNonNull(edit(loaded, "lm_head").weight()).address())
        .isEqualTo(requireNonNull(requireNonNull(loaded.embedding()).table()).address());

    loaded = load(peft.tensor("lm_head.weight", table, 10, 8));
    assertThat(edit(loaded, "lm_head").weight()).isNotNull();

    refused(() -> load(peft.tensor("lm_head.weight", 10, 8)), "lm_head.weight", "equal");
  }

  @Test
  void unTiesASavedHead() throws AdapterException {
    base(TinyBase.Shape.SMALL.withTied(true));
    LoadedAdapter loaded =
        load(queries().with("modules_to_save", List.of("lm_head")).tensor("lm_head.weight", 10, 8));
    assertThat(edit(loaded, "lm_head").weight()).isNotNull();
    assertThat(loaded.embedding()).isNull();
  }

  @Test
  void loadsEmbeddingLoraTransposed() throws AdapterException {
    base(TinyBase.Shape.SMALL);
    PeftFolder peft = new PeftFolder(1).with("target_modules", List.of("embed_tokens"));
    float[] a = peft.values(4, 10);
    peft.tensor(E + ".lora_embedding_A", a, 4, 10)
        .tensor(E + ".lora_embedding_B", 8, 4)
        .tensor(E + ".base_layer.weight", requireNonNull(base).embedding().toFloats(), 10, 8);
    LoadedAdapter loaded = load(peft);
    EmbeddingEdit edit = requireNonNull(loaded.embedding());
    assertThat(requireNonNull(edit.a()).shape()).containsExactly(10, 4);
    assertThat(floats(edit.a())[3 * 4 + 2]).isEqualTo(a[2 * 10 + 3]);
    assertThat(requireNonNull(edit.b()).shape()).containsExactly(8, 4);
    assertThat(edit.scale()).isEqualTo(2f);
    assertThat(edit.table()).as("equal to the base's").isNull();
    assertThat(loaded.scalable()).isTrue();
    assertThat(loaded.rank()).isEqualTo(4);
  }

  @Test
  void usesTheSavedBaseRowsBesideEmbeddingLora() throws AdapterException {
    PeftFolder peft = new PeftFolder(1).with("target_modules", List.of("embed_tokens"));
    peft.tensor(E + ".lora_embedding_A", 4, 10)
        .tensor(E + ".lora_embedding_B", 8, 4)
        .tensor(E + ".base_layer.weight", 10, 8);
    LoadedAdapter loaded = load(peft);
    assertThat(requireNonNull(loaded.embedding()).table()).isNotNull();
    assertThat(loaded.linear(14)).isNull();
    assertThat(loaded.replacesWeights()).isTrue();
    refused(
        () -> load(peft.tensor(E + ".base_layer.weight", 12, 8)),
        E + ".base_layer.weight",
        "vocabulary of 12",
        "10");
  }

  @Test
  void carriesChangedBaseRowsToATiedHead() throws AdapterException {
    base(TinyBase.Shape.SMALL.withTied(true));
    PeftFolder peft =
        new PeftFolder(1)
            .with("target_modules", List.of("lm_head"))
            .pair("lm_head", 4, 8, 10)
            .tensor("lm_head.base_layer.weight", 10, 8);
    LoadedAdapter loaded = load(peft);
    assertThat(requireNonNull(requireNonNull(loaded.embedding()).table()).address())
        .isEqualTo(requireNonNull(edit(loaded, "lm_head").weight()).address());
    assertThat(edit(loaded, "lm_head").a()).isNotNull();
    refused(() -> load(peft.tensor(E + ".weight", 10, 8)), "lm_head.base_layer.weight", "tied");
  }

  @Test
  void loadsHeadLora() throws AdapterException {
    LoadedAdapter loaded =
        load(
            new PeftFolder(1)
                .with("target_modules", List.of("lm_head"))
                .pair("lm_head", 4, 8, 10)
                .tensor(
                    "lm_head.base_layer.weight",
                    requireNonNull(base(TinyBase.Shape.SMALL))
                        .linears()
                        .get(14)
                        .weight()
                        .toFloats(),
                    10,
                    8));
    assertThat(edit(loaded, "lm_head").a()).isNotNull();
    assertThat(edit(loaded, "lm_head").weight()).isNull();
    assertThat(loaded.scalable()).isTrue();
  }

  @Test
  void replacesTokenRows() throws AdapterException {
    PeftFolder peft = queries().with("trainable_token_indices", List.of(1, 7, 3));
    float[] rows = peft.values(3, 8);
    peft.tensor(E + ".token_adapter.trainable_tokens_delta", rows, 3, 8);
    LoadedAdapter loaded = load(peft);
    EmbeddingEdit edit = requireNonNull(loaded.embedding());
    assertThat(edit.tokenIds()).containsExactly(1, 7, 3);
    assertThat(floats(edit.tokenRows())).containsExactly(rows);
    assertThat(loaded.headRows()).isNull();
    assertThat(loaded.description()).contains("token rows: 3");
    refused(
        () -> load(peft.with("trainable_token_indices", List.of(1, 7))),
        "trainable_tokens_delta",
        "[3, 8]",
        "[2, 8]");
    refused(
        () -> load(peft.with("trainable_token_indices", List.of(1, 7, 10))),
        "trainable_token_indices",
        "10");
    refused(
        () -> load(peft.with("trainable_token_indices", Map.of("layers", List.of(1)))),
        "trainable_token_indices",
        "layers");
  }

  @Test
  void replacesTokenRowsOfATiedHeadToo() throws AdapterException {
    base(TinyBase.Shape.SMALL.withTied(true));
    LoadedAdapter loaded =
        load(
            queries()
                .with("trainable_token_indices", Map.of("embed_tokens", List.of(4)))
                .tensor(E + ".token_adapter.trainable_tokens_delta", 1, 8));
    HeadRows rows = requireNonNull(loaded.headRows());
    assertThat(rows.tokenIds()).containsExactly(4);
    assertThat(rows.rows().shape()).containsExactly(1, 8);
  }

  @Test
  void replacesTokenRowsOfAnUntiedHead() throws AdapterException {
    LoadedAdapter loaded =
        load(
            queries()
                .with("trainable_token_indices", Map.of("lm_head", List.of(4, 5)))
                .tensor("lm_head.token_adapter.trainable_tokens_delta", 2, 8));
    assertThat(requireNonNull(loaded.headRows()).tokenIds()).containsExactly(4, 5);
    assertThat(loaded.embedding()).isNull();
  }

  @Test
  void carriesInvocationTokens() throws AdapterException {
    PeftFolder peft = queries().with("alora_invocation_tokens", List.of(4, 5));
    LoadedAdapter loaded = load(peft);
    assertThat(loaded.invocationTokens()).containsExactly(4, 5);
    assertThat(loaded.description()).isEqualTo("aLoRA r4");
    refused(
        () -> load(peft.with("alora_invocation_tokens", List.of(4, 10))),
        "alora_invocation_tokens",
        "10");
  }

  @Test
  void dependsOnEveryByteOfBothFiles() throws AdapterException {
    String first = load(queries()).id().sha256();
    assertThat(load(queries()).id().sha256()).isEqualTo(first);
    assertThat(load(queries().with("inference_mode", false)).id().sha256()).isNotEqualTo(first);
    assertThat(load(queries().tensor(Q0 + ".lora_A.weight", 4, 8)).id().sha256())
        .isNotEqualTo(first);
  }

  @Test
  void freesItsMemoryWhenTheLastTensorIsBad() {
    float[] bad = new float[64];
    bad[63] = Float.NaN;
    PeftFolder peft = queries();
    peft.tensor("model.layers.1.self_attn.q_proj.lora_B.weight", bad, 16, 4);
    long before = TensorArena.openBytes();
    int open = TensorArena.openArenas();
    refused(() -> load(peft), "layers.1.self_attn.q_proj.lora_B", "NaN", "element 63");
    assertThat(TensorArena.openBytes()).isEqualTo(before);
    assertThat(TensorArena.openArenas()).isEqualTo(open);
  }
}
