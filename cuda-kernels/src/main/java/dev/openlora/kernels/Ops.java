package dev.openlora.kernels;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a forward pass on one device. Outputs are preallocated by the caller and never
 * alias an input unless the operation says "in place". Activations are F32 or BF16 as the model's
 * dtype says; sums inside an operation are F32. A shape that does not fit is an
 * IllegalArgumentException that names it. An F32 input may have a BF16 output, rounded once. One
 * thread at a time: the engine thread, or a loader before the engine has started.
 */
public interface Ops extends AutoCloseable {
  Device device();

  /** What runs these operations, for the log: {@code torch 2.7.1 (cpu, 2 threads)}. */
  String description();

  /** Opens an arena for tensors that these operations can read and write. */
  TensorArena newArena(String name);

  /** Opens an arena in host memory, for tensors that {@link #copy} brings back from the device. */
  default TensorArena newHostArena(String name) {
    if (device().kind() != Device.Kind.CPU) {
      throw new UnsupportedOperationException(
          "host arena: " + description() + " (expected: operations that can copy to the host)");
    }
    return newArena(name);
  }

  /**
   * dst = src, converting dtype and moving between host and device where they differ; same shape.
   */
  void copy(Tensor dst, Tensor src);

  /**
   * Makes a weight [out, in] ready for many {@link #linear} calls, where that pays: its values may
   * be copied in another order into {@code arena}, and must not change while that is open. A
   * loader's thread may call it before the engine has started.
   */
  default void prepare(Tensor weight, TensorArena arena) {}

  /** out[i] = table[ids[i]] out: [rows, width], table: [vocabulary, width], ids: [rows] I32 */
  void embedding(Tensor out, Tensor table, Tensor ids);

  /**
   * out = x · weightᵀ + bias out: [rows, out], x: [rows, in], weight: [out, in], bias: [out]. With
   * an F32 out and BF16 x the result is widened.
   */
  void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias);

  /**
   * {@link #linear(Tensor, Tensor, Tensor, Tensor)} and then {@link #addLora}; where both are one
   * operation, a sum is rounded to out's type once.
   */
  default void linear(Tensor out, Tensor x, AdaptedLinear layer) {
    linear(out, x, layer.weight(), layer.bias());
    if (!layer.segments().isEmpty()) {
      addLora(out, x, layer.segments());
    }
  }

  /** Several layers over the same x, one out each; by default one after the other. */
  default void linear(List<Tensor> outs, Tensor x, List<AdaptedLinear> layers) {
    for (int i = 0; i < layers.size(); i++) {
      linear(outs.get(i), x, layers.get(i));
    }
  }

  /** y = y + x, elementwise, in place; same shape and dtype, or an F32 y and a BF16 x. */
  void add(Tensor y, Tensor x);

  /**
   * out = x / √(mean(x²) + epsilon) · weight x, out: [rows, width], weight: [width]; sums in F32.
   */
  void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon);

  /**
   * Rotates in place, as Hugging Face Llama does (halves, not pairs): x: [rows, heads, headSize];
   * cos, sin: [positions, headSize / 2] F32, already scaled; positions: [rows] I32.
   */
  void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions);

  /** Makes the pages of a KV cache: zeroed, in {@code arena}. */
  KvPages newKvPages(TensorArena arena, KvPages.Shape shape);

  /** Prepares what {@link #writeKv} and {@link #attention} need of a batch, once for all layers. */
  AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch);

  /** Writes k, v: [rows, kvHeads, headSize] into the pages where the plan's rows belong. */
  void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v);

  /**
   * Causal grouped-query attention of each row over its own sequence, keys and values up to and
   * including its own position, at most the last {@code window} of them (0: all). out, q: [rows,
   * heads, headSize]. The rows' own keys and values have been written by {@link #writeKv}.
   */
  void attention(AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window);

  /** out = silu(gate) · up all: [rows, width] */
  void siluMul(Tensor out, Tensor gate, Tensor up);

  /**
   * The first half of a gated MLP: out = silu(gate(x)) · up(x), by default in three operations.
   * out: [rows, width], x: [rows, in], weights: [width, in]
   *
   * @param gated F32 [rows, width] that this may overwrite, and so may {@code raised}
   */
  default void gatedLinear(
      Tensor out, Tensor x, AdaptedLinear gate, AdaptedLinear up, Tensor gated, Tensor raised) {
    linear(gated, x, gate);
    linear(raised, x, up);
    siluMul(out, gated, raised);
  }

  /**
   * For each segment in order: y[from:to] = gain · (y[from:to] + scale · x[from:to] Aᵀ Bᵀ) + shift.
   * A missing matrix pair, gain or shift leaves its part out. y: [rows, out], x: [rows, in]; y may
   * be F32 with a BF16 x. Cost follows the true ranks of the segments.
   */
  void addLora(Tensor y, Tensor x, List<LoraSegment> segments);

  /** out[i] = x[rows[i]] out: [rows.length, width], x: [*, width] */
  void gatherRows(Tensor out, Tensor x, int[] rows);

  /** Most that {@link #topK} finds of a row. */
  int TOP_MOST = 64;

  /** How far {@link #sumExp} may be from the sum, relative to it. */
  double SUM_TOLERANCE = 2e-5;

  /**
   * The k greatest of each row, the greatest first and the lower index first among equals; a NaN is
   * taken for +∞. values: [rows, k] F32, ids: [rows, k] I32, x: [rows, width], all contiguous and
   * on the host, whatever the device; k is 1 to {@link #TOP_MOST}, and at most the width.
   */
  default void topK(Tensor values, Tensor ids, Tensor x) {
    PortableTopK.topK(values, ids, x);
  }

  /**
   * Σ exp((x[i] − greatest) · scale), to {@link #SUM_TOLERANCE}, and mostly to 1e-6 or better.
   *
   * @param x [1, width], contiguous, on the host
   * @param greatest the greatest of x, a number
   * @param scale above 0
   */
  default double sumExp(Tensor x, float greatest, double scale) {
    return PortableTopK.sumExp(x, greatest, scale);
  }

  /** out[i] = ‖weight[i] + scale · (B A)[i]‖₂ in F32: the norms of DoRA. out: [out] F32 */
  void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale);

  @Override
  void close();
}
