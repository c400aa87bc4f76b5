package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.kernels.TrainingOps.AttentionTape;
import dev.openlora.kernels.TrainingOps.Precision;
import java.io.IOException;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TorchTrainingAttentionTest extends TrainingAttentionContract {
  @Override
  protected TrainingOps open(Precision precision) throws IOException {
    return TorchTrainingOps.open(TorchUnderTest.library(), precision);
  }

  /** One call of eight heads keeps nothing, eight calls of one head keep all. */
  @Test
  void computesTheSharesOfALargeCallAgain() throws IOException {
    int rows = 2200;
    int size = 4;
    int heads = 8;
    Random random = new Random(1);
    float[][][] each = new float[heads][][];
    try (TrainingOps ops = open(Precision.F32);
        TensorArena arena = ops.newArena("large")) {
      Tensor[] all = new Tensor[4];
      for (int i = 0; i < all.length; i++) {
        float[] values = new float[rows * heads * size];
        for (int j = 0; j < values.length; j++) {
          values[j] = (float) random.nextGaussian();
        }
        all[i] = arena.copyOf(values, rows, heads, size);
      }
      float[][] together = backward(ops, all, false);
      for (int head = 0; head < heads; head++) {
        Tensor[] one = new Tensor[4];
        for (int i = 0; i < all.length; i++) {
          one[i] = arena.copyOf(head(all[i].toFloats(), head, heads, size), rows, 1, size);
        }
        each[head] = backward(ops, one, true);
      }
      for (int i = 0; i < together.length; i++) {
        for (int head = 0; head < heads; head++) {
          TrainingOpsFixture.assertClose(
              "gradient " + i + " of head " + head,
              head(together[i], head, heads, size),
              each[head][i],
              TrainingOpsFixture.tolerance(Precision.F32));
        }
      }
    }
  }

  private static float[] head(float[] values, int head, int heads, int size) {
    float[] own = new float[values.length / heads];
    for (int i = 0; i < own.length; i++) {
      own[i] = values[(i / size * heads + head) * size + i % size];
    }
    return own;
  }

  private static float[][] backward(TrainingOps ops, Tensor[] tensors, boolean kept) {
    int rows = (int) tensors[0].size(0);
    try (TensorArena work = ops.newArena("work");
        TensorArena tape = ops.newArena("tape")) {
      Tensor out = work.allocate(DType.F32, tensors[0].shape());
      AttentionTape shares =
          Objects.requireNonNull(
              ops.attention(
                  out, tensors[0], tensors[1], tensors[2], new int[] {0, rows}, 0.5f, 0, tape));
      assertThat(tape.reservedBytes() > 1 << 20).isEqualTo(kept);
      float[][] result = new float[3][];
      Tensor[] grads = new Tensor[3];
      for (int i = 0; i < 3; i++) {
        grads[i] = work.allocate(DType.F32, out.shape());
        ops.fill(grads[i], 0);
      }
      ops.attentionBackward(
          shares, grads[0], grads[1], grads[2], tensors[3], tensors[0], tensors[1], tensors[2]);
      for (int i = 0; i < 3; i++) {
        result[i] = grads[i].toFloats();
      }
      return result;
    }
  }
}
