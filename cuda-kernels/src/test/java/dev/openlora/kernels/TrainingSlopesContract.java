package dev.openlora.kernels;

import static dev.openlora.kernels.TrainingOpsFixture.assertClose;

import dev.openlora.kernels.TrainingOpsFixture.Pair;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;

/** Gradients, compared with differences of the twin's forward operations. */
abstract class TrainingSlopesContract extends TrainingOpsSuite {
  /** What differences of F32 results allow to see. */
  private static final double DIFFERENCE_TOLERANCE = 2e-3;

  private static final float STEP = 1f / 256;

  /** Gradients as differences of {@code loss}, which reads the twin's tensor. */
  private float[] differences(Tensor of, DoubleSupplier loss) {
    float[] values = of.toFloats();
    float[] slopes = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float kept = values[i];
      values[i] = kept + STEP;
      float up = values[i];
      of.write(values);
      double above = loss.getAsDouble();
      values[i] = kept - STEP;
      of.write(values);
      slopes[i] = (float) ((above - loss.getAsDouble()) / (up - values[i]));
      values[i] = kept;
    }
    of.write(values);
    return slopes;
  }

  private static double along(Tensor out, Tensor dOut) {
    float[] a = out.toFloats();
    float[] b = dOut.toFloats();
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** What an operation has added to a gradient that started as the twin's still is. */
  private static float[] added(Pair gradient) {
    float[] after = gradient.fast().toFloats();
    float[] before = gradient.slow().toFloats();
    for (int i = 0; i < after.length; i++) {
      after[i] -= before[i];
    }
    return after;
  }

  private void checkSlopes(String what, float[] actual, Tensor of, DoubleSupplier loss) {
    assertClose(what, actual, differences(of, loss), DIFFERENCE_TOLERANCE);
  }

  @Test
  void normSlopesAreDifferences() {
    Pair x = f.random(3, 6);
    Pair weight = f.random(6);
    Pair dOut = f.random(3, 6);
    Pair out = f.output(3, 6);
    Pair inverse = f.output(3);
    Pair dX = f.inOut(3, 6);
    Pair dWeight = f.inOut(6);
    ops.rmsNorm(out.fast(), inverse.fast(), x.fast(), weight.fast(), 1e-5f);
    ops.rmsNormBackward(
        dX.fast(), dWeight.fast(), dOut.fast(), x.fast(), inverse.fast(), weight.fast());
    DoubleSupplier loss =
        () -> {
          f.twin.rmsNorm(out.slow(), inverse.slow(), x.slow(), weight.slow(), 1e-5f);
          return along(out.slow(), dOut.slow());
        };
    checkSlopes("norm x", added(dX), x.slow(), loss);
    checkSlopes("norm weight", added(dWeight), weight.slow(), loss);
  }

  @Test
  void ropeSlopesAreDifferences() {
    Pair x = f.random(4, 2, 6);
    Pair cos = f.random(5, 3);
    Pair sin = f.random(5, 3);
    Pair positions = f.ints(4, 0, 2, 2);
    Pair dOut = f.random(4, 2, 6);
    Pair out = f.output(4, 2, 6);
    DoubleSupplier loss =
        () -> {
          f.twin.copy(out.slow(), x.slow());
          f.twin.rope(out.slow(), cos.slow(), sin.slow(), positions.slow());
          return along(out.slow(), dOut.slow());
        };
    ops.ropeBackward(dOut.fast(), cos.fast(), sin.fast(), positions.fast());
    checkSlopes("rope", dOut.fast().toFloats(), x.slow(), loss);
  }

  @Test
  void siluSlopesAreDifferences() {
    Pair gate = f.random(DType.F32, 2, 3, 7);
    Pair up = f.random(3, 7);
    Pair dOut = f.random(3, 7);
    Pair out = f.output(3, 7);
    Pair dGate = f.output(3, 7);
    Pair dUp = f.output(3, 7);
    ops.siluMulBackward(dGate.fast(), dUp.fast(), dOut.fast(), gate.fast(), up.fast());
    DoubleSupplier loss =
        () -> {
          f.twin.siluMul(out.slow(), gate.slow(), up.slow());
          return along(out.slow(), dOut.slow());
        };
    checkSlopes("silu gate", dGate.fast().toFloats(), gate.slow(), loss);
    checkSlopes("silu up", dUp.fast().toFloats(), up.slow(), loss);
  }

  @Test
  void entropySlopesAreDifferences() {
    Pair logits = f.random(4, 9);
    int[] targets = f.rows(4, 9);
    ops.crossEntropy(logits.fast(), targets, 0.5f);
    DoubleSupplier loss = () -> 0.5 * f.twin.crossEntropy(logits.slow(), targets, 0);
    checkSlopes("entropy", logits.fast().toFloats(), logits.slow(), loss);
  }

  @Test
  void embeddingSlopesAreDifferences() {
    Pair table = f.random(5, 3);
    Pair ids = f.ints(4, 1, 4, 0);
    Pair dOut = f.random(4, 3);
    Pair out = f.output(4, 3);
    Pair dTable = f.inOut(5, 3);
    ops.embeddingBackward(dTable.fast(), dOut.fast(), ids.fast(), 2);
    DoubleSupplier loss =
        () -> {
          f.twin.embedding(out.slow(), table.slow(), ids.slow());
          return 2 * along(out.slow(), dOut.slow());
        };
    checkSlopes("embedding", added(dTable), table.slow(), loss);
  }

  @Test
  void attentionSlopesAreDifferences() {
    for (int window : new int[] {0, 2}) {
      AttentionCase a = AttentionCase.random(f, 2, 2, 4, window, 4, 1, 3);
      long[] queries = a.q().fast().shape();
      long[] keys = a.k().fast().shape();
      Pair dOut = f.random(queries);
      Pair out = f.output(queries);
      Pair dQ = f.inOut(queries);
      Pair dK = f.inOut(keys);
      Pair dV = f.inOut(keys);
      a.attentionAndBack(ops, Pair::fast, out, dQ, dK, dV, dOut);
      DoubleSupplier loss =
          () -> {
            a.attention(f.twin, Pair::slow, out.slow(), null);
            return along(out.slow(), dOut.slow());
          };
      checkSlopes("attention q", added(dQ), a.q().slow(), loss);
      checkSlopes("attention k", added(dK), a.k().slow(), loss);
      checkSlopes("attention v", added(dV), a.v().slow(), loss);
    }
  }
}
