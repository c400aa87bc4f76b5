package dev.openlora.kernels;

import static dev.openlora.kernels.TrainingOpsFixture.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.TrainingOps.AdamStep;
import dev.openlora.kernels.TrainingOps.AttentionTape;
import dev.openlora.kernels.TrainingOps.Precision;
import dev.openlora.kernels.TrainingOpsFixture.Pair;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every implementation of {@link TrainingOps} does, compared with {@link ReferenceTrainingOps}
 * over random shapes; attention has a {@link TrainingAttentionContract}, gradients a {@link
 * TrainingSlopesContract} too.
 */
abstract class TrainingOpsContract extends TrainingOpsSuite {
  @Test
  void namesTheTensorThatDoesNotFit() {
    Tensor x = f.random(3, 8).fast();
    Tensor y = f.random(5, 7).fast();
    Tensor row = f.random(8).fast();
    Tensor narrow = f.random(DType.BF16, 1, 3, 8).fast();
    Tensor turned = f.random(8, 3).fast().transpose();
    Tensor ids = f.ints(1, 0, 2).fast();
    Tensor q = f.random(3, 4, 2).fast();
    Tensor k = f.random(3, 3, 2).fast();
    assertThatThrownBy(() -> ops.multiply(x, x, y, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("multiply b: F32[5, 7] on cpu (expected: [8, 7])");
    refused("multiply a", () -> ops.multiply(x, ids, y, 1, 0));
    refused("multiply out", () -> ops.multiply(narrow, x, f.random(8, 8).fast(), 1, 0));
    refused("multiplyExactly out", () -> ops.multiplyExactly(x, y, y.transpose(), 1, 0));
    refused("fill y", () -> ops.fill(narrow, 1));
    refused("copy dst", () -> ops.copy(x, y));
    refused("add y", () -> ops.add(narrow, x, 1));
    refused("add x", () -> ops.add(x, y, 1));
    assertThatThrownBy(() -> ops.add(x, turned, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("add x: F32[3, 8] strides [1, 3] on cpu (expected: contiguous, on the host)");
    refused("addToRows row", () -> ops.addToRows(x, f.random(3).fast()));
    refused("multiplyRows out", () -> ops.multiplyRows(y, x, row));
    refused("addColumnSums sums", () -> ops.addColumnSums(x, x, 1));
    refused("addColumnProducts y", () -> ops.addColumnProducts(row, x, y));
    refused("loraRowNorms A", () -> ops.loraRowNorms(f.random(5).fast(), y, x, x, 1));
    refused("gatherRows row: 3", () -> ops.gatherRows(f.random(1, 8).fast(), x, new int[] {3}));
    refused("gatherRows out", () -> ops.gatherRows(x, x, new int[] {1}));
    refused("scatterAddRows row: -1", () -> ops.scatterAddRows(x, x, new int[] {0, -1, 1}));
    refused("scatterAddRows x", () -> ops.scatterAddRows(x, y, new int[] {0}));
    refused("embedding ids", () -> ops.embedding(x, x, row));
    refused("embedding id: 4", () -> ops.embedding(x, x, f.ints(0, 4, 1).fast()));
    refused("embedding out", () -> ops.embedding(narrow, x, ids));
    refused("embeddingBackward dOut", () -> ops.embeddingBackward(x, y, ids, 1));
    refused(
        "embeddingBackward id: 9", () -> ops.embeddingBackward(x, x, f.ints(9, 0, 0).fast(), 1));
    refused("rmsNorm inverse", () -> ops.rmsNorm(x, row, x, row, 1));
    refused("rmsNorm weight", () -> ops.rmsNorm(x, f.random(3).fast(), x, narrow, 1));
    refused(
        "rmsNormBackward dX", () -> ops.rmsNormBackward(x, null, x, x, f.random(3).fast(), row));
    refused("rope x", () -> ops.rope(x, x, x, ids));
    refused(
        "rope position: 2", () -> ops.rope(q, f.random(2, 1).fast(), f.random(2, 1).fast(), ids));
    refused("attention k", () -> ops.attention(q, q, k, k, new int[] {0, 3}, 1, 0, null));
    refused("attention v", () -> ops.attention(q, q, q, k, new int[] {0, 3}, 1, 0, null));
    refused("attention window", () -> ops.attention(q, q, q, q, new int[] {0, 3}, 1, -1, null));
    for (int[] starts : new int[][] {{}, {0}, {1, 3}, {0, 2}, {0, 2, 2, 3}, {0, 4, 3}}) {
      refused("attention starts", () -> ops.attention(q, q, q, q, starts, 1, 0, null));
    }
    refused(
        "attentionBackward tape",
        () -> ops.attentionBackward(new AttentionTape() {}, q, q, q, q, q, q, q));
    refused("siluMul up", () -> ops.siluMul(x, x, y));
    refused("siluMulBackward dUp", () -> ops.siluMulBackward(x, y, x, x, x));
    refused("crossEntropy targets", () -> ops.crossEntropy(x, new int[] {1}, 1));
    refused("crossEntropy target: 8", () -> ops.crossEntropy(x, new int[] {1, 8, 0}, 1));
    refused("adamW mean", () -> ops.adamW(x, x, y, x, adam(1)));
    refused("adamW step: 0", () -> ops.adamW(x, x, x, x, adam(0)));
  }

  private static void refused(String name, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name);
  }

  @Test
  void refusesATensorWhoseMemoryIsGone() {
    Tensor x = f.random(4, 2).fast();
    try (TensorArena arena = ops.newArena("short")) {
      Tensor gone = arena.allocate(DType.F32, 4, 2);
      arena.reset();
      for (Runnable call :
          List.<Runnable>of(
              () -> ops.add(x, gone, 1),
              () -> ops.copy(x, gone),
              () -> ops.multiply(f.random(4, 4).fast(), x, gone.transpose(), 1, 0),
              () -> ops.sumOfSquares(gone))) {
        assertThatThrownBy(call::run)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("arena short");
      }
    }
  }

  @Test
  void refusesATapeWhoseArenaHasBeenReset() {
    Tensor q = f.random(5, 2, 4).fast();
    try (TensorArena arena = ops.newArena("tape")) {
      AttentionTape tape =
          ops.attention(f.output(5, 2, 4).fast(), q, q, q, new int[] {0, 2, 5}, 1, 0, arena);
      Objects.requireNonNull(tape);
      refused(
          "attentionBackward q",
          () -> ops.attentionBackward(tape, q, q, q, q, f.random(4, 2, 4).fast(), q, q));
      arena.reset();
      assertThatThrownBy(() -> ops.attentionBackward(tape, q, q, q, q, q, q, q))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("arena tape");
    }
  }

  @Test
  void doesNothingForNoRows() {
    Tensor none = f.output(0, 8).fast();
    Tensor empty = f.output(0).fast();
    Tensor row = f.random(8).fast();
    float[] before = row.toFloats();
    Tensor ids = f.ints().fast();
    Tensor heads = none.reshape(0, 2, 4);
    Tensor turns = f.random(3, 2).fast();
    ops.multiply(none, f.random(0, 3).fast(), f.random(3, 8).fast(), 1, 1);
    ops.fill(none, 1);
    ops.copy(none, f.random(DType.BF16, 1, 0, 8).fast());
    ops.add(none, none, 1);
    ops.addToRows(none, row);
    ops.multiplyRows(none, none, row);
    ops.addColumnSums(row, none, 1);
    ops.addColumnProducts(row, none, none);
    ops.gatherRows(none, turns.reshape(1, 6).rows(0, 0).reshape(0, 8), new int[0]);
    ops.scatterAddRows(none, none, new int[0]);
    ops.embedding(none, none, ids);
    ops.embeddingBackward(none, none, ids, 1);
    ops.rmsNorm(none, empty, none, row, 1);
    ops.rmsNormBackward(none, row, none, none, empty, row);
    ops.rope(heads, turns, turns, ids);
    ops.ropeBackward(heads, turns, turns, ids);
    try (TensorArena arena = ops.newArena("tape")) {
      AttentionTape tape = ops.attention(heads, heads, heads, heads, new int[] {0}, 1, 0, arena);
      ops.attentionBackward(
          Objects.requireNonNull(tape), heads, heads, heads, heads, heads, heads, heads);
    }
    ops.siluMul(none, none, none);
    ops.siluMulBackward(none, none, none, none, none);
    ops.adamW(none, none, none, none, adam(1));
    assertThat(ops.crossEntropy(none, new int[0], 1)).isZero();
    assertThat(ops.sumOfSquares(none)).isZero();
    assertThat(row.toFloats()).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void multipliesMatricesInAnyStridesAndDtypes(Precision precision) throws Exception {
    int[][] sizes = {{1, 1, 1}, {1, 96, 33}, {17, 5, 1}, {3, 0, 4}, {64, 64, 64}, {150, 33, 257}};
    float[] factors = {0, 1, -0.5f};
    try (TrainingOps own = open(precision)) {
      for (int i = 0; i < 60; i++) {
        int[] s = i < sizes.length ? sizes[i] : sizes[0];
        int m = i < sizes.length ? s[0] : f.between(1, 70);
        int inner = i < sizes.length ? s[1] : f.between(1, 130);
        int n = i < sizes.length ? s[2] : f.between(1, 70);
        float alpha = factors[1 + f.random.nextInt(2)];
        float beta = factors[f.random.nextInt(3)];
        Pair a = matrix(m, inner);
        Pair b = matrix(inner, n);
        boolean turned = f.random.nextBoolean();
        Pair memory =
            beta == 0
                ? f.output(turned ? n : m, turned ? m : n)
                : f.inOut(turned ? n : m, turned ? m : n);
        Pair out = turned ? memory.transpose() : memory;
        own.multiply(out.fast(), a.fast(), b.fast(), alpha, beta);
        f.twin.multiply(out.slow(), a.slow(), b.slow(), alpha, beta);
        f.check(
            Arrays.toString(new Object[] {precision, out.fast(), a.fast(), b.fast(), alpha, beta}),
            TrainingOpsFixture.tolerance(precision));
      }
    }
  }

  private Pair matrix(int rows, int columns) {
    DType dtype = f.random.nextInt(3) == 0 ? DType.BF16 : DType.F32;
    double deviation = 1 / Math.sqrt(Math.max(1, Math.max(rows, columns)));
    boolean turned = f.random.nextBoolean();
    return turned
        ? f.random(dtype, deviation, columns, rows).transpose()
        : f.random(dtype, deviation, rows, columns);
  }

  @Test
  void multipliesExactlyWhateverThePrecision() throws Exception {
    try (TrainingOps own = open(Precision.BF16)) {
      Pair a = f.random(20, 30);
      Pair b = f.random(40, 30);
      Pair out = f.inOut(20, 40);
      own.multiplyExactly(out.fast(), a.fast(), b.transpose().fast(), 0.5f, 1);
      f.twin.multiplyExactly(out.slow(), a.slow(), b.transpose().slow(), 0.5f, 1);
      f.check("exact product");
    }
  }

  @Test
  void changesElementsAndRows() {
    for (int[] s : new int[][] {{1, 1}, {3, 40}, {300, 257}, {2, 30_001}, {70_000, 1}}) {
      String size = Arrays.toString(s);
      Pair x = f.random(s[0], s[1]);
      Pair row = f.random(s[1]);
      Pair filled = f.output(s[0], s[1]);
      ops.fill(filled.fast(), -2.5f);
      f.twin.fill(filled.slow(), -2.5f);
      Pair sum = f.inOut(s[0], s[1]);
      ops.add(sum.fast(), x.fast(), 0.3f);
      f.twin.add(sum.slow(), x.slow(), 0.3f);
      Pair shifted = f.inOut(s[0], s[1]);
      ops.addToRows(shifted.fast(), row.fast());
      f.twin.addToRows(shifted.slow(), row.slow());
      Pair product = f.output(s[0], s[1]);
      ops.multiplyRows(product.fast(), x.fast(), row.fast());
      f.twin.multiplyRows(product.slow(), x.slow(), row.slow());
      Pair inPlace = f.inOut(s[0], s[1]);
      ops.multiplyRows(inPlace.fast(), inPlace.fast(), row.fast());
      f.twin.multiplyRows(inPlace.slow(), inPlace.slow(), row.slow());
      Pair sums = f.inOut(s[1]);
      ops.addColumnSums(sums.fast(), x.fast(), 0.5f);
      f.twin.addColumnSums(sums.slow(), x.slow(), 0.5f);
      Pair products = f.inOut(s[1]);
      ops.addColumnProducts(products.fast(), x.fast(), sum.fast());
      f.twin.addColumnProducts(products.slow(), x.slow(), sum.slow());
      double expected = f.twin.sumOfSquares(x.slow());
      assertThat(ops.sumOfSquares(x.fast())).isCloseTo(expected, within(1e-9 * expected));
      f.check("elements and rows of " + size);
    }
  }

  @Test
  void copiesBetweenDtypesAndStrides() {
    for (DType from : List.of(DType.F32, DType.BF16)) {
      Pair x = f.random(from, 1, 40, 50);
      Pair wide = f.output(40, 50);
      ops.copy(wide.fast(), x.fast());
      f.twin.copy(wide.slow(), x.slow());
      Pair turned = f.output(50, 40);
      ops.copy(turned.fast(), x.fast().transpose());
      f.twin.copy(turned.slow(), x.slow().transpose());
      f.check("copy of " + from, 0);
      Pair narrow = f.random(DType.BF16, 1, 40, 50);
      ops.copy(narrow.fast(), x.fast());
      f.twin.copy(narrow.slow(), x.slow());
      assertThat(narrow.fast().toFloats()).isEqualTo(narrow.slow().toFloats());
    }
  }

  @Test
  void gathersAndScattersRowsInOrder() {
    for (int[] s : new int[][] {{1, 1, 1}, {9, 5, 7}, {40, 300, 130}, {3, 2, 40_000}}) {
      int[] rows = f.rows(s[1], s[0]);
      Pair x = f.random(s[0], s[2]);
      Pair gathered = f.output(s[1], s[2]);
      ops.gatherRows(gathered.fast(), x.fast(), rows);
      f.twin.gatherRows(gathered.slow(), x.slow(), rows);
      Pair added = f.random(s[1], s[2]);
      Pair sums = f.inOut(s[0], s[2]);
      ops.scatterAddRows(sums.fast(), added.fast(), rows);
      f.twin.scatterAddRows(sums.slow(), added.slow(), rows);
      Pair ids = f.ints(rows);
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        Pair table = f.random(dtype, 1, s[0], s[2]);
        Pair embedded = f.output(s[1], s[2]);
        ops.embedding(embedded.fast(), table.fast(), ids.fast());
        f.twin.embedding(embedded.slow(), table.slow(), ids.slow());
      }
      Pair dTable = f.inOut(s[0], s[2]);
      ops.embeddingBackward(dTable.fast(), added.fast(), ids.fast(), 0.7f);
      f.twin.embeddingBackward(dTable.slow(), added.slow(), ids.slow(), 0.7f);
      f.check("rows " + Arrays.toString(s));
    }
  }

  @Test
  void measuresTheRowsOfAnAdaptedWeight() {
    for (int[] s : new int[][] {{1, 1, 1}, {70, 45, 5}, {300, 200, 16}}) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        Pair weight = f.random(dtype, 1, s[0], s[1]);
        Pair a = f.random(dtype, 1, s[2], s[1]);
        Pair b = f.random(DType.F32, 1, s[0], s[2]);
        Pair out = f.output(s[0]);
        ops.loraRowNorms(out.fast(), weight.fast(), a.fast(), b.fast(), 0.25f);
        f.twin.loraRowNorms(out.slow(), weight.slow(), a.slow(), b.slow(), 0.25f);
        f.check("norms " + Arrays.toString(s));
      }
    }
  }

  @Test
  void normalisesThereAndBack() {
    for (int[] s : new int[][] {{1, 1}, {3, 40}, {400, 256}, {5, 9000}}) {
      String size = "norm " + Arrays.toString(s);
      Pair x = f.random(s[0], s[1]);
      Pair weight = f.random(s[1]);
      Pair out = f.output(s[0], s[1]);
      Pair inverse = f.output(s[0]);
      ops.rmsNorm(out.fast(), inverse.fast(), x.fast(), weight.fast(), 1e-5f);
      f.twin.rmsNorm(out.slow(), inverse.slow(), x.slow(), weight.slow(), 1e-5f);
      Pair dOut = f.random(s[0], s[1]);
      for (int wanted = 1; wanted < 4; wanted++) {
        Pair dX = (wanted & 1) == 0 ? null : f.inOut(s[0], s[1]);
        Pair dWeight = (wanted & 2) == 0 ? null : f.inOut(s[1]);
        ops.rmsNormBackward(
            dX == null ? null : dX.fast(),
            dWeight == null ? null : dWeight.fast(),
            dOut.fast(),
            x.fast(),
            inverse.fast(),
            weight.fast());
        f.twin.rmsNormBackward(
            dX == null ? null : dX.slow(),
            dWeight == null ? null : dWeight.slow(),
            dOut.slow(),
            x.slow(),
            inverse.slow(),
            weight.slow());
      }
      f.check(size);
    }
  }

  @Test
  void turnsThereAndBack() {
    for (int[] s : new int[][] {{1, 1, 2}, {5, 3, 6}, {90, 8, 32}, {400, 7, 20}}) {
      Pair x = f.inOut(s[0], s[1], s[2]);
      Pair cos = f.random(50, s[2] / 2);
      Pair sin = f.random(50, s[2] / 2);
      Pair positions = f.ints(f.rows(s[0], 50));
      ops.rope(x.fast(), cos.fast(), sin.fast(), positions.fast());
      f.twin.rope(x.slow(), cos.slow(), sin.slow(), positions.slow());
      Pair dX = f.inOut(s[0], s[1], s[2]);
      ops.ropeBackward(dX.fast(), cos.fast(), sin.fast(), positions.fast());
      f.twin.ropeBackward(dX.slow(), cos.slow(), sin.slow(), positions.slow());
      f.check("rope " + Arrays.toString(s));
    }
  }

  @Test
  void activatesThereAndBack() {
    for (int[] s : new int[][] {{1, 1}, {3, 40}, {300, 257}}) {
      Pair gate = f.random(DType.F32, 4, s[0], s[1]);
      Pair up = f.random(s[0], s[1]);
      Pair out = f.output(s[0], s[1]);
      ops.siluMul(out.fast(), gate.fast(), up.fast());
      f.twin.siluMul(out.slow(), gate.slow(), up.slow());
      Pair dOut = f.random(s[0], s[1]);
      Pair dGate = f.output(s[0], s[1]);
      Pair dUp = f.output(s[0], s[1]);
      ops.siluMulBackward(dGate.fast(), dUp.fast(), dOut.fast(), gate.fast(), up.fast());
      f.twin.siluMulBackward(dGate.slow(), dUp.slow(), dOut.slow(), gate.slow(), up.slow());
      ops.siluMulBackward(gate.fast(), up.fast(), dOut.fast(), gate.fast(), up.fast());
      assertThat(gate.fast().toFloats()).isEqualTo(dGate.fast().toFloats());
      assertThat(up.fast().toFloats()).isEqualTo(dUp.fast().toFloats());
      f.check("silu " + Arrays.toString(s));
    }
  }

  @Test
  void activatesWhatIsFarFromZero() {
    Pair gate = f.of(DType.F32, new float[] {-3e38f, -1000, -90, -20, 20, 90, 1000, 3e38f}, 1, 8);
    Pair up = f.of(DType.F32, new float[] {1, 1, 1, 1, 1, 1, 1, 1}, 1, 8);
    Pair out = f.output(1, 8);
    ops.siluMul(out.fast(), gate.fast(), up.fast());
    float[] values = out.fast().toFloats();
    assertThat(Arrays.copyOfRange(values, 5, 8)).containsExactly(90, 1000, 3e38f);
    assertThat(values[3]).isCloseTo((float) (-20 / (1 + Math.exp(20))), within(1e-12f));
    for (float value : Arrays.copyOf(values, 3)) {
      assertThat(value).isBetween(-2f, 0f);
    }
    Pair dGate = f.output(1, 8);
    Pair dUp = f.output(1, 8);
    ops.siluMulBackward(dGate.fast(), dUp.fast(), up.fast(), gate.fast(), up.fast());
    float[] slopes = dGate.fast().toFloats();
    for (int i : new int[] {4, 5, 6, 7}) {
      assertThat(slopes[i]).as("slope %d", i).isCloseTo(1, within(1e-6f));
    }
  }

  @Test
  void measuresTheEntropyAndItsGradient() {
    for (int[] s : new int[][] {{1, 1}, {1, 7}, {50, 300}, {9, 5000}}) {
      for (float scale : new float[] {0, 1, -0.01f}) {
        Pair logits = f.inOut(s[0], s[1]);
        int[] targets = f.rows(s[0], s[1]);
        double loss = ops.crossEntropy(logits.fast(), targets, scale);
        double expected = f.twin.crossEntropy(logits.slow(), targets, scale);
        assertThat(loss).isCloseTo(expected, within(1e-6 * s[0] * (1 + expected)));
        f.check("entropy " + Arrays.toString(s) + " scale " + scale);
      }
    }
  }

  @Test
  void measuresTheEntropyOfLargeLogits() {
    float none = Float.NEGATIVE_INFINITY;
    float[][] rows = {
      {1e4f, 1e4f, 1e4f, 1e4f}, {-1e4f, 0, 1, 2}, {3e38f, -3e38f, 3e38f, -3e38f}, {none, 1, none, 1}
    };
    double[] losses = {Math.log(4), 1e4, Math.log(2), Math.log(2)};
    int[] targets = {2, 0, 2, 3};
    for (int i = 0; i < rows.length; i++) {
      Pair logits = f.of(DType.F32, rows[i], 1, 4);
      double loss = ops.crossEntropy(logits.fast(), new int[] {targets[i]}, 1);
      assertThat(loss).as("row %d", i).isCloseTo(losses[i], within(1e-3 + 1e-3 * losses[i]));
      float sum = 0;
      for (float slope : logits.fast().toFloats()) {
        assertThat(slope).as("row %d", i).isBetween(-1f, 1f);
        sum += slope;
      }
      assertThat(sum).as("row %d", i).isCloseTo(0, within(1e-6f));
    }
  }

  @Test
  void repeatsItselfBitByBit() {
    AttentionCase a = AttentionCase.random(f, 3, 2, 8, 0, 90, 5, 300, 41);
    Tensor x = f.random(700, 96).fast();
    Tensor y = f.random(700, 96).fast();
    Tensor inverse = f.random(700).fast();
    Tensor row = f.random(96).fast();
    float[][][] runs = new float[2][][];
    double[] sums = new double[2];
    for (int run = 0; run < 2; run++) {
      Tensor product = f.output(96, 96).fast();
      ops.multiply(product, x.transpose(), y, 1, 0);
      Tensor columns = f.output(96).fast();
      ops.fill(columns, 0);
      ops.rmsNormBackward(null, columns, x, y, inverse, row);
      ops.addColumnSums(columns, x, 1);
      ops.addColumnProducts(columns, x, y);
      Tensor logits = f.output(700, 96).fast();
      ops.copy(logits, x);
      sums[run] = ops.crossEntropy(logits, new int[700], 1) + ops.sumOfSquares(x);
      float[][] attended = a.results(ops);
      runs[run] = Arrays.copyOf(attended, 7);
      runs[run][4] = product.toFloats();
      runs[run][5] = columns.toFloats();
      runs[run][6] = logits.toFloats();
    }
    assertThat(runs[1]).isDeepEqualTo(runs[0]);
    assertThat(sums[1]).isEqualTo(sums[0]);
  }

  private static AdamStep adam(int step) {
    return new AdamStep(step, 1e-2, 0.9, 0.95, 1e-8, 0.1, 0.25);
  }

  /** AdamW as the paper writes it: Algorithm 2 with the decay times the learning rate. */
  @Test
  void stepsAsAdamWDoes() {
    int n = 5000;
    Pair value = f.inOut(n);
    Pair mean = f.output(n);
    Pair square = f.output(n);
    ops.fill(mean.fast(), 0);
    ops.fill(square.fast(), 0);
    double[] theta = new double[n];
    double[] m = new double[n];
    double[] v = new double[n];
    float[] start = value.fast().toFloats();
    for (int i = 0; i < n; i++) {
      theta[i] = start[i];
    }
    for (int t = 1; t <= 50; t++) {
      Pair gradient = f.random(n);
      float[] g = gradient.slow().toFloats();
      ops.adamW(value.fast(), gradient.fast(), mean.fast(), square.fast(), adam(t));
      assertThat(gradient.fast().toFloats()).isEqualTo(g);
      for (int i = 0; i < n; i++) {
        double clipped = 0.25 * g[i];
        m[i] = 0.9 * m[i] + 0.1 * clipped;
        v[i] = 0.95 * v[i] + 0.05 * clipped * clipped;
        double mHat = m[i] / (1 - Math.pow(0.9, t));
        double vHat = v[i] / (1 - Math.pow(0.95, t));
        theta[i] -= 1e-2 * (mHat / (Math.sqrt(vHat) + 1e-8) + 0.1 * theta[i]);
      }
    }
    double tolerance = TrainingOpsFixture.tolerance(Precision.F32);
    assertClose("value", value.fast().toFloats(), floats(theta), tolerance);
    assertClose("mean", mean.fast().toFloats(), floats(m), tolerance);
    assertClose("square", square.fast().toFloats(), floats(v), tolerance);
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
