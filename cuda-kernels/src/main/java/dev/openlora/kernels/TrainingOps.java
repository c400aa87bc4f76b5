package dev.openlora.kernels;

import org.jspecify.annotations.Nullable;

/**
 * The operations of a training step on the host: forward ones that serving has no need of, and the
 * backward ones. Tensors are F32, row-major, preallocated by the caller; a gradient that an
 * operation makes is <em>added</em> to what is there, so that branches and micro-batches sum up by
 * themselves. {@code dY} is the gradient of the loss in y. A shape that does not fit is an
 * IllegalArgumentException that names it. The same inputs give the same bits on one machine with
 * one number of threads. One thread at a time.
 */
public interface TrainingOps extends AutoCloseable {
  /** In what matrices are multiplied; sums and everything else are F32. */
  enum Precision {
    F32,
    /** Operands are rounded to BF16, as is the product before it is added. */
    BF16
  }

  /** What runs these operations, for the log. */
  String description();

  /** Opens an arena for tensors that these operations can read and write. */
  TensorArena newArena(String name);

  /**
   * out = beta · out + alpha · a b, matrices in any strides (transposed views too), in the
   * precision of the operations. out: [m, n] F32, a: [m, k], b: [k, n], F32 or BF16
   */
  void multiply(Tensor out, Tensor a, Tensor b, float alpha, float beta);

  /** The same, always in F32: for what is small and has to be exact. */
  void multiplyExactly(Tensor out, Tensor a, Tensor b, float alpha, float beta);

  void fill(Tensor y, float value);

  /** dst = src, converting dtype where they differ; same shape. */
  void copy(Tensor dst, Tensor src);

  /** y = y + scale · x, same shape. */
  void add(Tensor y, Tensor x, float scale);

  /** y[i, c] = y[i, c] + row[c] y: [rows, width], row: [width] */
  void addToRows(Tensor y, Tensor row);

  /** out[i, c] = x[i, c] · row[c] out, x: [rows, width], row: [width]; out may be x */
  void multiplyRows(Tensor out, Tensor x, Tensor row);

  /** sums[c] = sums[c] + scale · Σ_i x[i, c] x: [rows, width] */
  void addColumnSums(Tensor sums, Tensor x, float scale);

  /** sums[c] = sums[c] + Σ_i x[i, c] · y[i, c] x, y: [rows, width] */
  void addColumnProducts(Tensor sums, Tensor x, Tensor y);

  /** out[i] = ‖weight[i] + scale · (B A)[i]‖₂ out: [out], a: [rank, in], b: [out, rank] */
  void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale);

  /** out[i] = x[rows[i]] out: [rows.length, width], x: [*, width] */
  void gatherRows(Tensor out, Tensor x, int[] rows);

  /** y[rows[i]] += x[i], in order y: [*, width], x: [rows.length, width] */
  void scatterAddRows(Tensor y, Tensor x, int[] rows);

  /** out[i] = table[ids[i]] out: [rows, width], table: [vocabulary, width], ids: [rows] I32 */
  void embedding(Tensor out, Tensor table, Tensor ids);

  /** dTable[ids[i]] += scale · dOut[i], in the order of the rows. */
  void embeddingBackward(Tensor dTable, Tensor dOut, Tensor ids, float scale);

  /**
   * out = x · inverse · weight, inverse[i] = 1 / √(mean(x[i]²) + epsilon) x, out: [rows, width],
   * inverse: [rows], kept for the way back, weight: [width]
   */
  void rmsNorm(Tensor out, Tensor inverse, Tensor x, Tensor weight, float epsilon);

  /** A null gradient is not wanted. dX must not be dOut. */
  void rmsNormBackward(
      @Nullable Tensor dX,
      @Nullable Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor inverse,
      Tensor weight);

  /** Rotates in place as {@link Ops#rope} does. x: [rows, heads, headSize]. */
  void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions);

  /** Turns a gradient back, in place: the transposed rotation (a magnitude in cos, sin stays). */
  void ropeBackward(Tensor dX, Tensor cos, Tensor sin, Tensor positions);

  /**
   * Causal grouped-query attention within each sequence: row i of a sequence attends rows j ≤ i of
   * the same one, at most the last {@code window} of them (0: all). out, q: [rows, heads,
   * headSize], k, v: [rows, kvHeads, headSize]; query head h reads key and value head h / (heads /
   * kvHeads).
   *
   * @param starts first rows of the sequences and the number of rows: starts[0] = 0, rising
   * @param tape where the attention's shares are kept for the way back; null to keep nothing
   * @return what {@link #attentionBackward} needs; valid as long as the tape; null without one
   */
  @Nullable AttentionTape attention(
      Tensor out,
      Tensor q,
      Tensor k,
      Tensor v,
      int[] starts,
      float scale,
      int window,
      @Nullable TensorArena tape);

  /** What attention keeps for its way back. */
  interface AttentionTape {}

  /** dQ, dK, dV as q, k, v of the forward call, which are unchanged since. */
  void attentionBackward(
      AttentionTape tape,
      Tensor dQ,
      Tensor dK,
      Tensor dV,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v);

  /** out = silu(gate) · up all: [rows, width] */
  void siluMul(Tensor out, Tensor gate, Tensor up);

  /** Overwrites dGate and dUp, which nothing else feeds; dGate may be gate, dUp may be up. */
  void siluMulBackward(Tensor dGate, Tensor dUp, Tensor dOut, Tensor gate, Tensor up);

  /**
   * The sum over rows of −log softmax(logits[i])[targets[i]], in nats; logits: [rows, vocabulary].
   * When {@code gradientScale} is not 0, the logits are overwritten by their gradient times it.
   */
  double crossEntropy(Tensor logits, int[] targets, float gradientScale);

  /** Σ x² in F64, in a fixed order. */
  double sumOfSquares(Tensor x);

  /**
   * One step of AdamW (arXiv 1711.05101, as PyTorch computes it) in place: value, mean and square
   * move, the gradient is read.
   */
  void adamW(Tensor value, Tensor gradient, Tensor mean, Tensor square, AdamStep step);

  /**
   * @param step counts from 1
   * @param gradientScale a factor on the gradient first: what clipping asks for
   */
  record AdamStep(
      int step,
      double learningRate,
      double beta1,
      double beta2,
      double epsilon,
      double weightDecay,
      double gradientScale) {}

  @Override
  void close();
}
