package dev.openlora.server.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class RandomModelTest {
  private static final String CONFIG =
      """
      {"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "vocab_size": 300,
       "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
       "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2}
      """;

  @TempDir private Path folder = Path.of("");

  @Test
  void theSameSeedGivesTheSameBytesAndAnotherSeedOthers() throws IOException {
    byte[] first = weights("first", 7);

    assertThat(weights("second", 7)).isEqualTo(first);
    assertThat(weights("third", 8)).isNotEqualTo(first);
  }

  @Test
  void progressEndsAtTheBytesThatWereAnnounced() throws IOException {
    RandomModel model = new RandomModel(shape(CONFIG), 1, DType.F32);
    AtomicLong written = new AtomicLong();

    model.write(folder, written::addAndGet);

    assertThat(written.get()).isEqualTo(model.bytes());
    assertThat(model.bytes()).isEqualTo(4 * shape(CONFIG).parameters());
  }

  @Test
  void weightsLoadBackWithSaneValues() throws IOException {
    new RandomModel(shape(CONFIG), 1, DType.BF16).write(folder, bytes -> {});

    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
      assertThat(file.names()).containsExactlyInAnyOrderElementsOf(names(CONFIG));
      float[] norm = file.floats("model.norm.weight");
      assertThat(norm).hasSize(32);
      for (float value : norm) {
        assertThat(value).isBetween(0.85f, 1.15f);
      }
      double squares = 0;
      float[] gate = file.floats("model.layers.0.mlp.gate_proj.weight");
      for (float value : gate) {
        squares += value * (double) value;
      }
      assertThat(Math.sqrt(squares / gate.length)).isCloseTo(0.02, within(0.002));
    }
  }

  @Test
  void configSaysTheDtypeThatWasWritten() throws IOException {
    new RandomModel(shape(CONFIG), 1, DType.BF16).write(folder, bytes -> {});

    JsonNode config = JsonMapper.shared().readTree(Files.readString(folder.resolve("config.json")));
    assertThat(config.path("torch_dtype").asString()).isEqualTo("bfloat16");
    assertThat(Files.exists(folder.resolve("tokenizer.json"))).isTrue();
    assertThat(Files.readString(folder.resolve("tokenizer_config.json"))).contains("chat_template");
  }

  @Test
  void everyFamilyHasItsOwnBiasesAndNorms() {
    assertThat(names(CONFIG.replace("llama", "qwen2")))
        .contains("model.layers.1.self_attn.k_proj.bias")
        .doesNotContain("model.layers.1.self_attn.o_proj.bias");
    assertThat(names(CONFIG.replace("llama", "qwen3")))
        .contains("model.layers.0.self_attn.q_norm.weight");
    assertThat(names(CONFIG)).doesNotContain("lm_head.weight");
    assertThat(names(CONFIG.replace("\"tie_word_embeddings\": true", "\"x\": 1")))
        .contains("lm_head.weight");
  }

  @Test
  void anUnknownFamilyIsRefusedByName() {
    assertThatThrownBy(() -> shape(CONFIG.replace("llama", "mamba")))
        .hasMessageContaining("model_type: 'mamba'")
        .hasMessageContaining("qwen3");
    assertThatThrownBy(() -> shape(CONFIG.replace("\"hidden_size\": 32", "\"hidden_size\": 0")))
        .hasMessageContaining("hidden_size");
  }

  @Test
  void adaptersTakeRanksAndKindsInTurn() throws IOException {
    RandomModel model = new RandomModel(shape(CONFIG), 1, DType.F32);

    List<String> names =
        model.writeAdapters(
            folder,
            new RandomModel.AdapterPlan(
                4,
                List.of(2, 8, 4),
                List.of("lora", "dora", "rslora"),
                Set.of("q_proj", "up_proj")),
            done -> {});

    assertThat(names).containsExactly("lora-r2-000", "dora-r8-001", "rslora-r4-002", "lora-r2-003");
    assertThat(Files.readString(folder.resolve("dora-r8-001/adapter_config.json")))
        .contains("\"use_dora\" : true", "\"r\" : 8", "\"q_proj\"", "\"up_proj\"");
    try (SafetensorsFile file =
        SafetensorsFile.open(folder.resolve("dora-r8-001/adapter_model.safetensors"))) {
      assertThat(file.names())
          .contains("base_model.model.model.layers.1.mlp.up_proj.lora_magnitude_vector")
          .hasSize(2 * 2 * 3);
      assertThat(file.entry("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight").shape())
          .containsExactly(8, 32);
    }
    assertThat(Files.readAllBytes(folder.resolve("lora-r2-000/adapter_model.safetensors")))
        .isNotEqualTo(Files.readAllBytes(folder.resolve("lora-r2-003/adapter_model.safetensors")));
  }

  @Test
  void targetsThatTheModelLacksAreRefused() {
    RandomModel model = new RandomModel(shape(CONFIG), 1, DType.F32);

    assertThatThrownBy(() ->
            model.writeAdapters(
                folder,
                new RandomModel.AdapterPlan(1, List.of(2), List.of("lora"), Set.of("c_attn")),
                done -> {}))
        .hasMessageContaining("c_attn");
  }

  @Test
  void normalNumbersAreNormal() {
    NormalNumbers numbers = new NormalNumbers(3, "x");
    double sum = 0;
    double squares = 0;
    int count = 200_000;
    for (int i = 0; i < count; i++) {
      float value = numbers.next();
      sum += value;
      squares += value * (double) value;
    }

    assertThat(sum / count).isCloseTo(0, within(0.02));
    assertThat(squares / count).isCloseTo(1, within(0.02));
  }

  private byte[] weights(String name, long seed) throws IOException {
    Path out = folder.resolve(name);
    new RandomModel(shape(CONFIG), seed, DType.BF16).write(out, bytes -> {});
    return Files.readAllBytes(out.resolve("model.safetensors"));
  }

  private static List<String> names(String config) {
    return shape(config).weights().stream().map(ModelShape.Weight::name).toList();
  }

  private static ModelShape shape(String config) {
    return ModelShape.of((ObjectNode) JsonMapper.shared().readTree(config));
  }
}
