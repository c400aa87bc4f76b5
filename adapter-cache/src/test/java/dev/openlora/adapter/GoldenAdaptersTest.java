package dev.openlora.adapter;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.ReferenceOps;
import dev.openlora.kernels.SafetensorsFile;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every adapter that PEFT saved for the golden outputs, on the base it was saved for. */
class GoldenAdaptersTest {
  private static final Map<String, String> REFUSED =
      Map.of(
          "init-pissa", "init_lora_weights: \"pissa\"",
          "init-olora", "init_lora_weights: \"olora\"",
          "qwen3-moe-experts", "target_parameters",
          "gpt2-conv1d", "");

  private final ReferenceOps ops = new ReferenceOps();

  private static Stream<Arguments> adapters() throws IOException {
    Path golden = SharedFiles.folder("golden");
    JsonNode cases =
        new JsonMapper().readTree(Files.readAllBytes(golden.resolve("cases.json"))).get("cases");
    Map<String, Arguments> all = new TreeMap<>();
    for (JsonNode one : cases.values()) {
      for (JsonNode adapter : one.get("adapters").values()) {
        String path = adapter.get("path").stringValue();
        all.put(path, Arguments.of(path, one.get("base").stringValue()));
      }
    }
    return all.values().stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("adapters")
  void loadsOrIsRefusedByName(String adapter, String baseFolder) throws Exception {
    Path golden = SharedFiles.folder("golden");
    String name = Path.of(adapter).getFileName().toString();
    try (Checkpoint base = new Checkpoint(golden.resolve(baseFolder).normalize(), ops)) {
      String says = REFUSED.get(name);
      if (says != null) {
        assertThat(
                catchThrowable(
                    () -> AdapterLoader.load("g", golden.resolve(adapter), base, ops).close()))
            .isInstanceOf(AdapterException.class)
            .hasMessageContaining(says);
        return;
      }
      try (LoadedAdapter loaded = AdapterLoader.load("g", golden.resolve(adapter), base, ops)) {
        assertThat(loaded.rank()).isPositive();
        assertThat(loaded.description()).contains(kind(name));
        assertThat(loaded.replacesWeights())
            .isEqualTo(
                name.startsWith("save-") || name.startsWith("bias-") || name.startsWith("token-"));
      }
    }
  }

  private static String kind(String name) {
    return name.contains("dora") || name.equals("mix-d")
        ? "DoRA"
        : name.contains("rslora") || name.equals("trained-sea")
            ? "rsLoRA"
            : name.startsWith("save-")
                ? "saved: "
                : name.startsWith("token-")
                    ? "token rows: "
                    : name.startsWith("bias-")
                        ? "bias"
                        : name.startsWith("embedding") ? "embedding" : "oRA r";
  }

  /** A checkpoint's tensors as modules: matrices are linear layers, vectors are norms. */
  private static final class Checkpoint implements BaseModel, AutoCloseable {
    private final JsonNode config;
    private final TensorArena arena;
    private final Map<String, Tensor> tensors = new TreeMap<>();
    private final List<LinearModule> linears = new ArrayList<>();
    private final List<NormModule> norms = new ArrayList<>();
    private final Tensor embedding;

    Checkpoint(Path folder, ReferenceOps ops) throws IOException {
      config = new JsonMapper().readTree(Files.readAllBytes(folder.resolve("config.json")));
      arena = ops.newArena("checkpoint");
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.safetensors")) {
        for (Path file : files) {
          try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            for (String name : opened.names()) {
              tensors.put(name, opened.load(name, DType.F32, arena));
            }
          }
        }
      }
      Tensor table = tensors.get("model.embed_tokens.weight");
      embedding = table == null ? requireNonNull(tensors.get("transformer.wte.weight")) : table;
      for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
        String name = entry.getKey().replaceAll("\\.weight$", "");
        if (!entry.getKey().endsWith(".weight")
            || entry.getValue() == embedding
            || name.equals("lm_head")) {
          continue;
        }
        Tensor weight = entry.getValue();
        if (weight.rank() == 2) {
          linears.add(linear(name, weight));
        } else {
          norms.add(new NormModule(name, (int) weight.size(0), weight));
        }
      }
      Tensor head = tensors.get("lm_head.weight");
      linears.add(linear("lm_head", head == null ? embedding : head));
    }

    private LinearModule linear(String name, Tensor weight) {
      @Nullable Tensor bias = tensors.get(name + ".bias");
      return new LinearModule(name, (int) weight.size(1), (int) weight.size(0), weight, bias);
    }

    @Override
    public String id() {
      return "golden";
    }

    @Override
    public String family() {
      return config.get("model_type").stringValue();
    }

    @Override
    public String contentHash() {
      return "0".repeat(64);
    }

    @Override
    public int hiddenSize() {
      return (int) embedding.size(1);
    }

    @Override
    public int vocabularySize() {
      return (int) embedding.size(0);
    }

    @Override
    public int layers() {
      JsonNode layers = config.get("num_hidden_layers");
      return layers == null ? config.get("n_layer").intValue() : layers.intValue();
    }

    @Override
    public boolean tiedEmbeddings() {
      return !tensors.containsKey("lm_head.weight");
    }

    @Override
    public List<LinearModule> linears() {
      return linears;
    }

    @Override
    public List<NormModule> norms() {
      return norms;
    }

    @Override
    public Tensor embedding() {
      return embedding;
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
