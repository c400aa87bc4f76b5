package dev.openlora.kernels;

import dev.openlora.kernels.TrainingOps.AttentionTape;
import dev.openlora.kernels.TrainingOpsFixture.Pair;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sequences for attention in training, one after the other; q, k, v: [rows, heads, size] */
record AttentionCase(Pair q, Pair k, Pair v, int[] starts, float scale, int window) {

  static AttentionCase random(
      TrainingOpsFixture f, int kvHeads, int group, int size, int window, int... lengths) {
    int[] starts = new int[lengths.length + 1];
    for (int i = 0; i < lengths.length; i++) {
      starts[i + 1] = starts[i] + lengths[i];
    }
    int rows = starts[lengths.length];
    return new AttentionCase(
        f.random(rows, (long) kvHeads * group, size),
        f.random(rows, kvHeads, size),
        f.random(rows, kvHeads, size),
        starts,
        (float) (1 / Math.sqrt(size)),
        window);
  }

  /** On one side of the pairs; what {@code ops} keep on the tape, null without one. */
  @Nullable AttentionTape attention(
      TrainingOps ops, Function<Pair, Tensor> side, Tensor out, @Nullable TensorArena tape) {
    return ops.attention(
        out, side.apply(q), side.apply(k), side.apply(v), starts, scale, window, tape);
  }

  /** There and back, adding to the gradients. */
  void attentionAndBack(
      TrainingOps ops,
      Function<Pair, Tensor> side,
      Pair out,
      Pair dQ,
      Pair dK,
      Pair dV,
      Pair dOut) {
    try (TensorArena tape = ops.newArena("tape")) {
      ops.attentionBackward(
          Objects.requireNonNull(attention(ops, side, side.apply(out), tape)),
          side.apply(dQ),
          side.apply(dK),
          side.apply(dV),
          side.apply(dOut),
          side.apply(q),
          side.apply(k),
          side.apply(v));
    }
  }

  /** out, dQ, dK, dV; the gradients start at 0, and dOut is q. */
  float[][] results(TrainingOps ops) {
    try (TensorArena arena = ops.newArena("results")) {
      Tensor out = arena.allocate(DType.F32, q.fast().shape());
      Tensor dOut = arena.copyOf(q.slow().toFloats(), out.shape());
      AttentionTape tape = Objects.requireNonNull(attention(ops, Pair::fast, out, arena));
      Tensor[] grads = new Tensor[3];
      for (int i = 0; i < 3; i++) {
        long[] shape = i == 0 ? out.shape() : k.fast().shape();
        grads[i] = arena.allocate(DType.F32, shape);
        ops.fill(grads[i], 0);
      }
      ops.attentionBackward(tape, grads[0], grads[1], grads[2], dOut, q.fast(), k.fast(), v.fast());
      return new float[][] {
        out.toFloats(), grads[0].toFloats(), grads[1].toFloats(), grads[2].toFloats()
      };
    }
  }
}
