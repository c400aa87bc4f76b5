package dev.openlora.server.tuning;

import dev.openlora.kernels.DType;
import dev.openlora.server.demo.ModelShape;
import dev.openlora.server.demo.RandomModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A base of random numbers that a test trains on in a second, and rows for it. */
public final class TinyBase {
  /** What it can attend to. */
  public static final int POSITIONS = 256;

  public static final String CONFIG =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama",
       "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
       "vocab_size": 320, "max_position_embeddings": 256, "rms_norm_eps": 1e-05,
       "rope_theta": 10000.0, "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
       "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2}
      """;

  private TinyBase() {}

  /** Writes it; the folder's name is the base's. */
  public static Path write(Path folder) throws IOException {
    ModelShape shape = ModelShape.of((ObjectNode) JsonMapper.shared().readTree(CONFIG));
    new RandomModel(shape, 7, DType.F32).write(folder, bytes -> {});
    return folder;
  }

  /** Writes it with another chat template; null for none. */
  static Path write(Path folder, String template) throws IOException {
    write(folder);
    Path file = folder.resolve("tokenizer_config.json");
    ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(Files.readString(file));
    config.remove("chat_template");
    if (!template.isEmpty()) {
      config.put("chat_template", template);
    }
    Files.writeString(file, config.toString());
    return folder;
  }

  /** Writes chats, all different, with an order in them that can be learned. */
  public static Path writeChats(Path file, int rows) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      String word = "" + "tnsrhl".charAt(i % 6) + "aeiou".charAt(i % 5);
      lines.append(
          """
          {"messages": [{"role": "user", "content": "%s %d?"}, {"role": "assistant", "content": "%s %s %s"}]}
          """
              .formatted(word, i, word, word, word));
    }
    return Files.writeString(file, lines);
  }
}
