package dev.openlora.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Adapters with one fault each: every refusal names the fault, and leaves nothing on the device.
 */
class BrokenAdaptersTest {
  private static final String Q0 = "model.layers.0.self_attn.q_proj";
  private static final String E = "model.embed_tokens";

  @TempDir Path folder;

  private final int arenas = TensorArena.openArenas();
  private final ReferenceOps ops = new ReferenceOps();
  private final TinyBase small = new TinyBase(TinyBase.Shape.SMALL, ops);

  @AfterEach
  void leavesNothingOpen() {
    small.close();
    ops.close();
    assertThat(TensorArena.openArenas()).isEqualTo(arenas);
  }

  private static void assertRefused(Throwable thrown, Reason reason, String... parts) {
    assertThat(thrown)
        .isInstanceOf(AdapterException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    assertThat(((AdapterException) thrown).reason()).isEqualTo(reason);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "config_alpha_missing~INVALID~lora_alpha~null",
        "config_r_wrong~INVALID~lora_A~rank 16 (expected: 8",
        "dora~INVALID~lora_magnitude_vector~missing",
        "inf~INVALID~Infinity~finite",
        "lfs_pointer~INVALID~adapter_model.safetensors~Git LFS pointer",
        "missing_pair~INVALID~q_proj.lora_B.weight~missing",
        "modules_to_save~INVALID~lm_head.weight~missing",
        "nan~INVALID~NaN~finite",
        "peft_type_ia3~UNSUPPORTED~peft_type~IA3",
        "rank_mismatch~INVALID~q_proj.lora_A~rank 8 (expected: 16",
        "rank_pattern~INVALID~q_proj.lora_A~rank 16 (expected: 8",
        "st_empty~INVALID~adapter_model.safetensors~",
        "st_header_len_huge~INVALID~adapter_model.safetensors~header",
        "st_header_notjson~INVALID~adapter_model.safetensors~header",
        "st_truncated~INVALID~adapter_model.safetensors~",
        "unknown_layer~INVALID~has no module~model.layers.99",
        "wrong_shape~INVALID~[16, 128]~[any, 64]",
      })
  void refusesTheSharedFaults(String name, Reason reason, String one, String other) {
    Path path = SharedFiles.folder("adapters/broken").resolve(name);
    try (TinyBase stories = new TinyBase(TinyBase.Shape.STORIES, ops)) {
      Throwable thrown = catchThrowable(() -> AdapterLoader.load("a", path, stories, ops).close());
      assertRefused(thrown, reason, one, other == null ? "" : other);
      assertThat(thrown.getMessage()).doesNotContain(path.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({"rslora", "bias_all", "huge"})
  void servesTheSharedOnesThatAreSound(String name) throws AdapterException {
    Path path = SharedFiles.folder("adapters/broken").resolve(name);
    try (TinyBase stories = new TinyBase(TinyBase.Shape.STORIES, ops);
        LoadedAdapter loaded = AdapterLoader.load("a", path, stories, ops)) {
      assertThat(loaded.rank()).isEqualTo(16);
      assertThat(loaded.scalable()).isTrue();
    }
  }

  private record Fault(String name, Reason reason, List<String> says, Consumer<PeftFolder> make) {}

  private static Fault fault(
      String name, Reason reason, Consumer<PeftFolder> make, String... says) {
    return new Fault(name, reason, List.of(says), make);
  }

  private static float[] zeros(int n, int at, float value) {
    float[] values = new float[n];
    values[at] = value;
    return values;
  }

  private static Stream<Arguments> faults() {
    String a = Q0 + ".lora_A.weight";
    String b = Q0 + ".lora_B.weight";
    String full = "base_model.model." + Q0;
    return Stream.of(
            fault("A missing", Reason.INVALID, p -> p.remove(a), a, "missing"),
            fault("B missing", Reason.INVALID, p -> p.remove(b), b, "missing"),
            fault("whole layer missing", Reason.INVALID, p -> p.remove(a).remove(b), a, "missing"),
            fault(
                "pair beyond targets",
                Reason.INVALID,
                p -> p.pair("model.layers.0.mlp.up_proj", 4, 8, 12),
                "up_proj.lora_A",
                "target_modules"),
            fault(
                "half beyond targets",
                Reason.INVALID,
                p -> p.tensor("lm_head.lora_A.weight", 4, 8),
                "lm_head.lora_A",
                "target_modules"),
            fault(
                "pair of an excluded module",
                Reason.INVALID,
                p -> p.with("exclude_modules", List.of("0.self_attn.q_proj")),
                a,
                "exclude_modules"),
            fault(
                "pair of an unchosen layer",
                Reason.INVALID,
                p -> p.with("layers_to_transform", List.of(1)),
                a,
                "layers_to_transform"),
            fault(
                "layer beyond the base",
                Reason.INVALID,
                p -> p.with("layers_to_transform", List.of(7)),
                "layers_to_transform",
                "7",
                "0 to 1"),
            fault(
                "another base's width",
                Reason.INVALID,
                p -> p.tensor(a, 4, 64),
                a,
                "[4, 64]",
                "[any, 8]"),
            fault("transposed A", Reason.INVALID, p -> p.tensor(a, 8, 4), a, "[8, 4]"),
            fault("transposed B", Reason.INVALID, p -> p.tensor(b, 4, 16), b, "[4, 16]"),
            fault(
                "A of three dimensions", Reason.INVALID, p -> p.tensor(a, 4, 8, 1), a, "[4, 8, 1]"),
            fault("A of one dimension", Reason.INVALID, p -> p.tensor(a, 32), a, "[32]"),
            fault(
                "rank zero", Reason.INVALID, p -> p.tensor(a, 0, 8).tensor(b, 16, 0), a, "rank 0"),
            fault(
                "A and B of different ranks", Reason.INVALID, p -> p.tensor(b, 16, 3), b, "rank 3"),
            fault("r disagrees", Reason.INVALID, p -> p.with("r", 8), "rank 4", "8"),
            fault(
                "rank_pattern disagrees",
                Reason.INVALID,
                p -> p.with("rank_pattern", Map.of("q_proj", 2)),
                "rank 4",
                "rank_pattern"),
            fault(
                "NaN",
                Reason.INVALID,
                p -> p.tensor(a, zeros(32, 5, Float.NaN), 4, 8),
                a,
                "NaN",
                "element 5"),
            fault(
                "infinity",
                Reason.INVALID,
                p -> p.tensor(b, zeros(64, 63, Float.NEGATIVE_INFINITY), 16, 4),
                b,
                "-Infinity"),
            fault(
                "F16 infinity",
                Reason.INVALID,
                p ->
                    p.stored(
                        full + ".lora_A.weight",
                        "F16",
                        zeros(32, 1, Float.POSITIVE_INFINITY),
                        4,
                        8),
                a,
                "Infinity"),
            fault(
                "integers",
                Reason.UNSUPPORTED,
                p -> p.stored(full + ".lora_A.weight", "I16", new float[32], 4, 8),
                a,
                "I16"),
            fault(
                "unknown dtype",
                Reason.INVALID,
                p -> p.stored(full + ".lora_A.weight", "F4", new float[32], 4, 8),
                "F4"),
            fault(
                "no prefix",
                Reason.INVALID,
                p -> p.stored(a, "F32", new float[32], 4, 8),
                "base_model.model."),
            fault(
                "adapter's name in the tensor's",
                Reason.INVALID,
                p -> p.tensor(Q0 + ".lora_A.default.weight", 4, 8),
                "lora_A.default"),
            fault(
                "unknown tensor",
                Reason.UNSUPPORTED,
                p -> p.tensor(Q0 + ".lora_C", 4, 8),
                "lora_C"),
            fault("unknown part", Reason.UNSUPPORTED, p -> p.tensor(Q0 + ".ia3_l", 4), "ia3_l"),
            fault(
                "modules_to_save in the name",
                Reason.INVALID,
                p -> p.tensor("lm_head.modules_to_save.weight", 10, 8),
                "lm_head.modules_to_save"),
            fault(
                "layer the base lacks",
                Reason.INVALID,
                p -> p.pair("model.layers.2.self_attn.q_proj", 4, 8, 16),
                "model.layers.2",
                "2 layers"),
            fault(
                "module of another family",
                Reason.INVALID,
                p -> p.pair("transformer.h.0.attn.c_attn", 4, 8, 16),
                "transformer.h.0.attn.c_attn"),
            fault(
                "magnitude without use_dora",
                Reason.INVALID,
                p -> p.tensor(Q0 + ".lora_magnitude_vector", 16),
                "lora_magnitude_vector",
                "use_dora"),
            fault(
                "use_dora without magnitudes",
                Reason.INVALID,
                p -> p.with("use_dora", true),
                "lora_magnitude_vector",
                "missing"),
            fault(
                "magnitude twice",
                Reason.INVALID,
                p ->
                    p.with("use_dora", true)
                        .tensor(Q0 + ".lora_magnitude_vector", 16)
                        .tensor(Q0 + ".lora_magnitude_vector.weight", 16),
                "lora_magnitude_vector",
                "same part"),
            fault(
                "short magnitude",
                Reason.INVALID,
                p -> p.with("use_dora", true).tensor(Q0 + ".lora_magnitude_vector", 15),
                "lora_magnitude_vector",
                "[15]",
                "[16]"),
            fault(
                "bias of B without lora_bias",
                Reason.INVALID,
                p -> p.tensor(Q0 + ".lora_B.bias", 16),
                "lora_B.bias",
                "lora_bias"),
            fault(
                "lora_bias without biases",
                Reason.INVALID,
                p -> p.with("lora_bias", true),
                "lora_B.bias",
                "missing"),
            fault(
                "bias the base lacks",
                Reason.INVALID,
                p -> p.with("bias", "all").tensor(Q0 + ".base_layer.bias", 16),
                "base_layer.bias",
                "no bias in this base"),
            fault(
                "saved weight not in the config",
                Reason.INVALID,
                p -> p.tensor("model.norm.weight", 8),
                "model.norm.weight",
                "modules_to_save"),
            fault(
                "saved linear not in the config",
                Reason.INVALID,
                p -> p.tensor("model.layers.0.mlp.up_proj.weight", 12, 8),
                "up_proj.weight",
                "modules_to_save"),
            fault(
                "base weight of an inner layer",
                Reason.INVALID,
                p -> p.tensor(Q0 + ".base_layer.weight", 16, 8),
                "base_layer.weight"),
            fault(
                "saved module missing",
                Reason.INVALID,
                p -> p.with("modules_to_save", List.of("lm_head")),
                "lm_head.weight",
                "missing"),
            fault(
                "saved module the base lacks",
                Reason.INVALID,
                p -> p.with("modules_to_save", List.of("value_head")),
                "modules_to_save",
                "value_head"),
            fault(
                "saved module of another shape",
                Reason.INVALID,
                p ->
                    p.with("modules_to_save", List.of("model.norm")).tensor("model.norm.weight", 9),
                "model.norm.weight",
                "[9]"),
            fault(
                "saved and adapted",
                Reason.INVALID,
                p ->
                    p.with("modules_to_save", List.of("0.self_attn.q_proj"))
                        .tensor(Q0 + ".weight", 16, 8),
                a,
                "modules_to_save"),
            fault(
                "saved by its end and adapted",
                Reason.UNSUPPORTED,
                p -> p.with("modules_to_save", List.of("_proj")),
                "modules_to_save",
                "target_modules"),
            fault(
                "resized embedding",
                Reason.UNSUPPORTED,
                p ->
                    p.with("modules_to_save", List.of("embed_tokens")).tensor(E + ".weight", 11, 8),
                E,
                "vocabulary of 11"),
            fault(
                "resized head",
                Reason.UNSUPPORTED,
                p -> p.tensor("lm_head.weight", 16, 8),
                "lm_head.weight",
                "vocabulary of 16"),
            fault(
                "two heads",
                Reason.INVALID,
                p -> p.tensor("lm_head.weight", 10, 8).tensor("lm_head.base_layer.weight", 10, 8),
                "lm_head.base_layer.weight",
                "second"),
            fault(
                "embedding of other width",
                Reason.INVALID,
                p -> p.tensor(E + ".weight", 10, 9),
                E,
                "[10, 9]"),
            fault(
                "embedding LoRA of another vocabulary",
                Reason.INVALID,
                p ->
                    p.with("target_modules", List.of("q_proj", "embed_tokens"))
                        .tensor(E + ".lora_embedding_A", 4, 12)
                        .tensor(E + ".lora_embedding_B", 8, 4),
                "lora_embedding_A",
                "[4, 12]",
                "10"),
            fault(
                "embedding LoRA stored as linear",
                Reason.INVALID,
                p ->
                    p.with("target_modules", List.of("q_proj", "embed_tokens"))
                        .tensor(E + ".lora_A.weight", 4, 10)
                        .tensor(E + ".lora_B.weight", 8, 4),
                "lora_embedding_A",
                "missing"),
            fault(
                "half an embedding LoRA",
                Reason.INVALID,
                p ->
                    p.with("target_modules", List.of("q_proj", "embed_tokens"))
                        .tensor(E + ".lora_embedding_A", 4, 10),
                "lora_embedding_B",
                "missing"),
            fault(
                "embedding DoRA",
                Reason.UNSUPPORTED,
                p -> p.with("use_dora", true).with("target_modules", List.of("embed_tokens")),
                "use_dora",
                "embed_tokens"),
            fault(
                "target that is a norm",
                Reason.UNSUPPORTED,
                p -> p.with("target_modules", List.of("q_proj", "norm")),
                "target_modules",
                "model.norm"),
            fault(
                "target nobody has",
                Reason.INVALID,
                p -> p.with("target_modules", List.of("c_attn")),
                "target_modules",
                "llama"),
            fault(
                "regex nobody matches",
                Reason.INVALID,
                p -> p.with("target_modules", "q_proj"),
                "target_modules"),
            fault(
                "regex bomb",
                Reason.INVALID,
                p -> p.with("target_modules", "(.*.*.*.*)*x"),
                "target_modules"),
            fault(
                "regex of unknown meaning",
                Reason.UNSUPPORTED,
                p -> p.with("target_modules", ".*(?<=q)_proj"),
                "target_modules",
                "regular expression"),
            fault(
                "token rows without ids",
                Reason.INVALID,
                p -> p.tensor(E + ".token_adapter.trainable_tokens_delta", 1, 8),
                "trainable_tokens_delta",
                "trainable_token_indices"),
            fault(
                "ids without token rows",
                Reason.INVALID,
                p -> p.with("trainable_token_indices", List.of(1)),
                "trainable_tokens_delta",
                "missing"),
            fault(
                "token ids beyond the vocabulary",
                Reason.INVALID,
                p ->
                    p.with("trainable_token_indices", List.of(10))
                        .tensor(E + ".token_adapter.trainable_tokens_delta", 1, 8),
                "trainable_token_indices",
                "10"),
            fault(
                "token rows and a saved embedding",
                Reason.UNSUPPORTED,
                p ->
                    p.with("trainable_token_indices", List.of(1))
                        .with("modules_to_save", List.of("embed_tokens")),
                "trainable_token_indices"),
            fault(
                "classifier",
                Reason.UNSUPPORTED,
                p ->
                    p.with("task_type", "SEQ_CLS")
                        .with("modules_to_save", List.of("classifier", "score"))
                        .tensor("score.weight", 2, 8),
                "score.weight",
                "SEQ_CLS"),
            fault(
                "aLoRA with replaced rows",
                Reason.UNSUPPORTED,
                p -> p.with("alora_invocation_tokens", List.of(1)).tensor(E + ".weight", 10, 8),
                "alora_invocation_tokens"),
            fault(
                "no tensors",
                Reason.INVALID,
                p ->
                    p.with("target_modules", List.of("q_proj"))
                        .remove(a)
                        .remove(b)
                        .remove(a.replace(".0.", ".1."))
                        .remove(b.replace(".0.", ".1.")),
                "0 tensors"),
            fault(
                "a name that hides",
                Reason.INVALID,
                p -> p.tensor("a\u0000b\u202e\n.lora_A.weight", 4, 8),
                "a?b??"),
            fault(
                "a very long name",
                Reason.INVALID,
                p -> p.tensor("x".repeat(5_000) + ".lora_A.weight", 4, 8),
                "xxx…"))
        .map(fault -> Arguments.of(fault.name(), fault));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("faults")
  void refusesOneFault(String name, Fault fault) {
    PeftFolder peft = new PeftFolder(3).pairs(small, 4, "q_proj");
    fault.make().accept(peft);
    Path path = peft.write(folder);
    Throwable thrown = catchThrowable(() -> AdapterLoader.load("a", path, small, ops).close());
    assertRefused(thrown, fault.reason(), fault.says().toArray(String[]::new));
    assertThat(thrown.getMessage()).doesNotContain(folder.toString()).hasSizeLessThan(1_500);
  }

  private static String header(String entries) {
    return "{" + entries + "}";
  }

  private static Stream<Arguments> files() {
    String a = "\"base_model.model." + Q0 + ".lora_A.weight\":";
    String other = "\"base_model.model." + Q0 + ".lora_B.weight\":";
    String at = "{\"dtype\":\"F32\",\"shape\":[4,8],\"data_offsets\":";
    byte[] data = new byte[384];
    return Stream.of(
        Arguments.of(
            "overlapping",
            PeftFolder.file(header(a + at + "[0,128]}," + other + at + "[64,192]}"), data),
            "overlap"),
        Arguments.of(
            "gap",
            PeftFolder.file(header(a + at + "[0,128]}," + other + at + "[256,384]}"), data),
            "gap"),
        Arguments.of(
            "beyond the file", PeftFolder.file(header(a + at + "[0,1280]}"), data), "1280"),
        Arguments.of(
            "negative offset", PeftFolder.file(header(a + at + "[-128,0]}"), data), "-128"),
        Arguments.of(
            "falling offsets", PeftFolder.file(header(a + at + "[128,0]}"), data), "data_offsets"),
        Arguments.of("bytes too many", PeftFolder.file(header(a + at + "[0,128]}"), data), "384"),
        Arguments.of(
            "negative shape",
            PeftFolder.file(
                header(a + "{\"dtype\":\"F32\",\"shape\":[-4,-8],\"data_offsets\":[0,384]}"), data),
            "shape"),
        Arguments.of(
            "overflowing shape",
            PeftFolder.file(
                header(
                    a
                        + "{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,384]}"),
                data),
            "shape"),
        Arguments.of(
            "shape that is no list",
            PeftFolder.file(
                header(a + "{\"dtype\":\"F32\",\"shape\":32,\"data_offsets\":[0,384]}"), data),
            "shape"),
        Arguments.of(
            "no dtype",
            PeftFolder.file(header(a + "{\"shape\":[4,8],\"data_offsets\":[0,128]}"), data),
            "dtype"),
        Arguments.of(
            "name twice",
            PeftFolder.file(header(a + at + "[0,128]}," + a + at + "[128,256]}"), data),
            "lora_A"),
        Arguments.of("header that is a list", PeftFolder.file("[1,2]", data), "header"),
        Arguments.of("header longer than the limit", hugeHeader(), "header"),
        Arguments.of(
            "pickle under the right name",
            new byte[] {(byte) 0x80, 2, '}', 'q', 0, '.', 0, 0, 0, 0},
            "ickle"),
        Arguments.of(
            "zip under the right name",
            "PK\u0003\u0004zzzzzzzzzzzz".getBytes(StandardCharsets.ISO_8859_1),
            "zip"),
        Arguments.of("seven bytes", new byte[7], "adapter_model.safetensors"));
  }

  private static byte[] hugeHeader() {
    byte[] bytes =
        PeftFolder.file("{\"__metadata__\":{\"a\":\"" + "x".repeat(17 << 20) + "\"}}", new byte[0]);
    return bytes;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("files")
  void refusesADamagedFile(String name, byte[] bytes, String says) {
    Path path = PeftFolder.write(folder, new PeftFolder(3).configJson(), bytes);
    Throwable thrown = catchThrowable(() -> AdapterLoader.load("a", path, small, ops).close());
    assertRefused(thrown, Reason.INVALID, "adapter_model.safetensors", says);
    assertThat(thrown.getMessage()).doesNotContain(folder.toString());
  }

  @Test
  void survivesEveryTruncationAndManyFlippedBytes() throws IOException {
    PeftFolder peft = new PeftFolder(3).pairs(small, 4, "q_proj");
    byte[] whole = peft.weights();
    for (int length = 0; length < whole.length; length += 37) {
      Path path = PeftFolder.write(folder, peft.configJson(), Arrays.copyOf(whole, length));
      assertThat(catchThrowable(() -> AdapterLoader.load("a", path, small, ops).close()))
          .isInstanceOf(AdapterException.class);
    }
    for (int at = 0; at < 1_000; at += 7) {
      byte[] flipped = whole.clone();
      flipped[at % whole.length] ^= (byte) (1 << (at % 8));
      Path path = PeftFolder.write(folder, peft.configJson(), flipped);
      Throwable thrown = catchThrowable(() -> AdapterLoader.load("a", path, small, ops).close());
      assertThat(thrown == null || thrown instanceof AdapterException).as("byte %s", at).isTrue();
    }
    assertThat(Files.exists(folder)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "adapter_model.pkl"})
  void refusesAPickle(String name) throws IOException {
    Files.writeString(folder.resolve("adapter_config.json"), new PeftFolder(3).configJson());
    Files.write(folder.resolve(name), new byte[] {(byte) 0x80, 2});
    Throwable thrown = catchThrowable(() -> AdapterLoader.load("a", folder, small, ops));
    assertRefused(thrown, Reason.UNSUPPORTED, name, "pickle", "adapter_model.safetensors");
  }

  @Test
  void refusesFoldersWithoutTheirFiles() throws IOException {
    assertRefused(
        catchThrowable(() -> AdapterLoader.load("a", folder.resolve("none"), small, ops)),
        Reason.NOT_FOUND,
        "No adapter found for");
    assertRefused(
        catchThrowable(() -> AdapterLoader.load("a", folder, small, ops)),
        Reason.NOT_FOUND,
        "No adapter found for");
    Files.writeString(folder.resolve("adapter_config.json"), new PeftFolder(3).configJson());
    assertRefused(
        catchThrowable(() -> AdapterLoader.load("a", folder, small, ops)),
        Reason.INVALID,
        "adapter_model.safetensors",
        "not in the folder");
    Files.createDirectory(folder.resolve("adapter_model.safetensors"));
    assertRefused(
        catchThrowable(() -> AdapterLoader.load("a", folder, small, ops)),
        Reason.INVALID,
        "adapter_model.safetensors",
        "not a regular file");
  }

  @Test
  void refusesAConfigPointer() {
    Path path =
        PeftFolder.write(
            folder,
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            new PeftFolder(3).pairs(small, 4, "q_proj").weights());
    assertRefused(
        catchThrowable(() -> AdapterLoader.load("a", path, small, ops)),
        Reason.INVALID,
        "adapter_config.json",
        "Git LFS pointer");
  }
}
