package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * One adapter version, checked and on the device: its change to each module of the base. Immutable;
 * any thread.
 */
public interface Adapter {
  AdapterId id();

  Path source();

  /** The largest true rank of its pairs; 0 when it has none. */
  int rank();

  /** Device bytes. */
  long bytes();

  /**
   * What kinds of change it holds, for people: {@code LoRA r16, rsLoRA, DoRA, bias, saved:
   * lm_head}.
   */
  String description();

  /** By the module's position in {@link BaseModel#linears}; null where it changes nothing. */
  @Nullable LinearEdit linear(int module);

  /** Replacement weight [width] by the module's position in {@link BaseModel#norms}, or null. */
  @Nullable Tensor norm(int module);

  @Nullable EmbeddingEdit embedding();

  /** Replaced rows of a tied head ({@code trainable_token_indices}), or null. */
  @Nullable HeadRows headRows();

  /**
   * aLoRA: active from the first token of this sequence's last occurrence in the prompt; empty:
   * always active.
   */
  int[] invocationTokens();

  /**
   * Whether a request may give it a scale other than 1: true when it is only LoRA pairs. Also
   * whether it may stand beside others in one request without being named in the refusal.
   */
  boolean scalable();

  /**
   * Whether it replaces weights (saved modules, token rows, biases), so that only one such adapter
   * fits a request.
   */
  boolean replacesWeights();
}
