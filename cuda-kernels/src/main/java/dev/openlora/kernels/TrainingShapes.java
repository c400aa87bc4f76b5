package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What every implementation of {@link TrainingOps} checks of its arguments, in the same words. */
final class TrainingShapes {
  private TrainingShapes() {}

  static void multiply(String name, Tensor out, Tensor a, Tensor b) {
    Shapes.matrix(name + " a", a);
    Shapes.floating(name + " a", a);
    Shapes.matrix(name + " b", b);
    Shapes.floating(name + " b", b);
    Shapes.shape(name + " b", b, a.size(1), b.size(1));
    Shapes.shape(name + " out", out, a.size(0), b.size(1));
    Shapes.type(name + " out", out, DType.F32);
    alive(out, a, b);
  }

  static void fill(Tensor y) {
    dense("fill y", y);
  }

  static void copy(Tensor dst, Tensor src) {
    Shapes.copy(dst, src);
    alive(dst, src);
  }

  static void add(Tensor y, Tensor x) {
    dense("add y", y);
    dense("add x", x, y.shape());
  }

  static void addToRows(Tensor y, Tensor row) {
    denseMatrix("addToRows y", y);
    dense("addToRows row", row, y.size(1));
  }

  static void multiplyRows(Tensor out, Tensor x, Tensor row) {
    denseMatrix("multiplyRows x", x);
    dense("multiplyRows out", out, x.shape());
    dense("multiplyRows row", row, x.size(1));
  }

  static void addColumnSums(Tensor sums, Tensor x) {
    denseMatrix("addColumnSums x", x);
    dense("addColumnSums sums", sums, x.size(1));
  }

  static void addColumnProducts(Tensor sums, Tensor x, Tensor y) {
    denseMatrix("addColumnProducts x", x);
    dense("addColumnProducts y", y, x.shape());
    dense("addColumnProducts sums", sums, x.size(1));
  }

  static void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b) {
    Shapes.loraRowNorms(out, weight, a, b);
    dense("loraRowNorms out", out);
    alive(weight, a, b);
  }

  static void gatherRows(Tensor out, Tensor x, int[] rows) {
    denseMatrix("gatherRows x", x);
    dense("gatherRows out", out, rows.length, x.size(1));
    within("gatherRows row", rows, x.size(0));
  }

  static void scatterAddRows(Tensor y, Tensor x, int[] rows) {
    denseMatrix("scatterAddRows y", y);
    dense("scatterAddRows x", x, rows.length, y.size(1));
    within("scatterAddRows row", rows, y.size(0));
  }

  /** The ids, all of them rows of the table. */
  static int[] embedding(Tensor out, Tensor table, Tensor ids) {
    Shapes.matrix("embedding table", table);
    Shapes.floating("embedding table", table);
    contiguous("embedding table", table);
    alive(table);
    Shapes.ids("embedding ids", ids);
    dense("embedding out", out, ids.size(0), table.size(1));
    return indices("embedding id", ids, table.size(0));
  }

  /** The ids, all of them rows of the table. */
  static int[] embeddingBackward(Tensor dTable, Tensor dOut, Tensor ids) {
    denseMatrix("embeddingBackward dTable", dTable);
    Shapes.ids("embeddingBackward ids", ids);
    dense("embeddingBackward dOut", dOut, ids.size(0), dTable.size(1));
    return indices("embeddingBackward id", ids, dTable.size(0));
  }

  static void rmsNorm(Tensor out, Tensor inverse, Tensor x, Tensor weight) {
    denseMatrix("rmsNorm x", x);
    dense("rmsNorm out", out, x.shape());
    dense("rmsNorm inverse", inverse, x.size(0));
    dense("rmsNorm weight", weight, x.size(1));
  }

  static void rmsNormBackward(
      @Nullable Tensor dX,
      @Nullable Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor inverse,
      Tensor weight) {
    denseMatrix("rmsNormBackward x", x);
    dense("rmsNormBackward dOut", dOut, x.shape());
    dense("rmsNormBackward inverse", inverse, x.size(0));
    dense("rmsNormBackward weight", weight, x.size(1));
    if (dX != null) {
      dense("rmsNormBackward dX", dX, x.shape());
      if (dX.address() == dOut.address() && dX.elements() > 0) {
        throw Shapes.refused("rmsNormBackward dX", dX, "other memory than dOut's");
      }
    }
    if (dWeight != null) {
      dense("rmsNormBackward dWeight", dWeight, x.size(1));
    }
  }

  /** The positions, all of them rows of cos and sin. */
  static int[] rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    Shapes.rope(x, cos, sin, positions);
    dense("rope x", x);
    dense("rope cos", cos);
    dense("rope sin", sin);
    return indices("rope position", positions, cos.size(0));
  }

  static void attention(Tensor out, Tensor q, Tensor k, Tensor v, int[] starts, int window) {
    headsOf("attention q", q);
    headsOf("attention k", k);
    if (k.size(1) < 1 || q.size(1) % k.size(1) != 0) {
      throw Shapes.refused("attention k", k, "heads that divide the " + q.size(1) + " of q");
    }
    dense("attention k", k, q.size(0), k.size(1), q.size(2));
    dense("attention v", v, k.shape());
    dense("attention out", out, q.shape());
    if (window < 0) {
      throw new IllegalArgumentException("attention window: " + window + " (expected: 0 or more)");
    }
    boolean rising = starts.length > 0 && starts[0] == 0;
    for (int i = 1; i < starts.length; i++) {
      rising &= starts[i] > starts[i - 1];
    }
    if (!rising || starts[starts.length - 1] != q.size(0)) {
      throw new IllegalArgumentException(
          "attention starts: "
              + Arrays.toString(starts)
              + " (expected: rising from 0 to "
              + q.size(0)
              + ")");
    }
  }

  /** What the way back of an attention call gets, beside the shapes that the call had. */
  static void attentionBackward(
      long[] queryShape,
      long[] keyShape,
      Tensor dQ,
      Tensor dK,
      Tensor dV,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v) {
    dense("attentionBackward q", q, queryShape);
    dense("attentionBackward k", k, keyShape);
    dense("attentionBackward v", v, keyShape);
    dense("attentionBackward dOut", dOut, queryShape);
    dense("attentionBackward dQ", dQ, queryShape);
    dense("attentionBackward dK", dK, keyShape);
    dense("attentionBackward dV", dV, keyShape);
  }

  static IllegalArgumentException foreignTape() {
    return new IllegalArgumentException(
        "attentionBackward tape: of other operations (expected: made by these)");
  }

  static void siluMul(Tensor out, Tensor gate, Tensor up) {
    denseMatrix("siluMul gate", gate);
    dense("siluMul up", up, gate.shape());
    dense("siluMul out", out, gate.shape());
  }

  static void siluMulBackward(Tensor dGate, Tensor dUp, Tensor dOut, Tensor gate, Tensor up) {
    denseMatrix("siluMulBackward gate", gate);
    dense("siluMulBackward up", up, gate.shape());
    dense("siluMulBackward dOut", dOut, gate.shape());
    dense("siluMulBackward dGate", dGate, gate.shape());
    dense("siluMulBackward dUp", dUp, gate.shape());
  }

  static void crossEntropy(Tensor logits, int[] targets) {
    denseMatrix("crossEntropy logits", logits);
    if (targets.length != logits.size(0)) {
      throw new IllegalArgumentException(
          "crossEntropy targets: "
              + targets.length
              + " (expected: "
              + logits.size(0)
              + ", one for each row)");
    }
    within("crossEntropy target", targets, logits.size(1));
  }

  static void sumOfSquares(Tensor x) {
    dense("sumOfSquares x", x);
  }

  static void adamW(
      Tensor value, Tensor gradient, Tensor mean, Tensor square, TrainingOps.AdamStep step) {
    dense("adamW value", value);
    dense("adamW gradient", gradient, value.shape());
    dense("adamW mean", mean, value.shape());
    dense("adamW square", square, value.shape());
    if (step.step() < 1) {
      throw new IllegalArgumentException("adamW step: " + step.step() + " (expected: 1 or more)");
    }
  }

  private static void headsOf(String name, Tensor x) {
    Shapes.heads(name, x);
    dense(name, x);
  }

  private static void denseMatrix(String name, Tensor x) {
    Shapes.matrix(name, x);
    dense(name, x);
  }

  private static void dense(String name, Tensor x, long... sizes) {
    Shapes.shape(name, x, sizes);
    dense(name, x);
  }

  private static void dense(String name, Tensor x) {
    Shapes.type(name, x, DType.F32);
    contiguous(name, x);
    alive(x);
  }

  private static void contiguous(String name, Tensor x) {
    if (!x.isContiguous() || x.device().kind() != Device.Kind.CPU) {
      throw Shapes.refused(name, x, "contiguous, on the host");
    }
  }

  private static void alive(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      tensor.checkAlive();
    }
  }

  private static int[] indices(String name, Tensor ids, long limit) {
    contiguous(name + "s", ids);
    MemorySegment memory = ids.memory();
    int[] values = memory.toArray(ValueLayout.JAVA_INT);
    within(name, values, limit);
    return values;
  }

  private static void within(String name, int[] values, long limit) {
    for (int value : values) {
      if (value < 0 || value >= limit) {
        throw new IllegalArgumentException(
            name + ": " + value + " (expected: 0 to " + (limit - 1) + ")");
      }
    }
  }
}
