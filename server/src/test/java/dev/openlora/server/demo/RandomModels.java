package dev.openlora.server.demo;

import dev.openlora.kernels.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A base and adapters for tests: a small Llama of random numbers, and twelve adapters of three
 * kinds and five ranks. Made once; a folder that is complete says so by a marker file.
 */
public final class RandomModels {
  /** Raised whenever what is written changes, so that older folders are made again. */
  private static final String VERSION = "1";

  private static final int ADAPTERS = 12;
  private static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
       "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4,
       "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 32,
       "vocab_size": 4096, "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
       "rope_theta": 10000.0, "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
       "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2}
      """;

  private final Path folder;
  private final RandomModel model;
  private final ModelShape shape;

  public RandomModels(Path folder) {
    this.folder = folder;
    this.shape = ModelShape.of((ObjectNode) JsonMapper.shared().readTree(CONFIG));
    this.model = new RandomModel(shape, 1, DType.F32);
  }

  public Path base() {
    return folder.resolve("random-" + shape.parameters() / 1_000_000 + "M");
  }

  public Path adapters() {
    return folder.resolve("adapters");
  }

  public long parameters() {
    return shape.parameters();
  }

  /** What {@link #prepare} has to do, in steps of its progress; 0 when all is there. */
  public long work() throws IOException {
    return isComplete() ? 0 : model.bytes() + ADAPTERS;
  }

  /** Writes what is missing. */
  public void prepare(LongConsumer progress) throws IOException {
    if (isComplete()) {
      return;
    }
    model.write(base(), progress);
    model.writeAdapters(
        adapters(),
        new RandomModel.AdapterPlan(
            ADAPTERS,
            List.of(4, 8, 16, 32, 64),
            List.of("lora", "rslora", "dora"),
            Set.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")),
        progress);
    Files.writeString(marker(), VERSION);
  }

  private boolean isComplete() throws IOException {
    return Files.isRegularFile(marker()) && Files.readString(marker()).equals(VERSION);
  }

  private Path marker() {
    return folder.resolve("complete");
  }
}
