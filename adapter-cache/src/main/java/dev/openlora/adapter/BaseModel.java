package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter has to fit: the modules of a base model under their Hugging Face names. The
 * position of a module in {@link #linears} or {@link #norms} is the index under which an {@link
 * Adapter} keeps its change. The engine implements this; immutable, any thread.
 */
public interface BaseModel {
  /** The model's id as requests name it. */
  String id();

  /** {@code model_type} of config.json, for messages. */
  String family();

  /** SHA-256 over the weights and the config, hexadecimal. */
  String contentHash();

  int hiddenSize();

  int vocabularySize();

  int layers();

  /** Whether {@code lm_head} uses the matrix of {@code model.embed_tokens}. */
  boolean tiedEmbeddings();

  /**
   * All linear modules in order, {@code lm_head} last, e.g. {@code
   * model.layers.0.self_attn.q_proj}.
   */
  List<LinearModule> linears();

  /** All norm modules in order, e.g. {@code model.layers.0.input_layernorm}, {@code model.norm}. */
  List<NormModule> norms();

  /** A linear layer of the base: weight [out, in] and bias [out], on the device. */
  record LinearModule(String name, int in, int out, Tensor weight, @Nullable Tensor bias) {}

  /** A norm of the base: weight [width], on the device. */
  record NormModule(String name, int width, Tensor weight) {}

  /** The embedding matrix [vocabulary, hidden] of {@code model.embed_tokens}, on the device. */
  Tensor embedding();
}
