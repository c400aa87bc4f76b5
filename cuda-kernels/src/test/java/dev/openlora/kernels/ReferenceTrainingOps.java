package dev.openlora.kernels;

import dev.openlora.kernels.ReferenceOps.Elements;
import org.jspecify.annotations.Nullable;

/**
 * The slow, obvious twin of every {@link TrainingOps}: loops over host memory, sums in double, one
 * rounding at the end, matrices multiplied exactly. Needs no libtorch. One thread at a time.
 */
public final class ReferenceTrainingOps implements TrainingOps {
  private final ReferenceOps forward = new ReferenceOps();

  @Override
  public String description() {
    return "reference training (cpu, 1 thread)";
  }

  @Override
  public TensorArena newArena(String name) {
    return forward.newArena(name);
  }

  @Override
  public void multiply(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    multiply("multiply", out, a, b, alpha, beta);
  }

  @Override
  public void multiplyExactly(Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    multiply("multiplyExactly", out, a, b, alpha, beta);
  }

  private static void multiply(
      String name, Tensor out, Tensor a, Tensor b, float alpha, float beta) {
    TrainingShapes.multiply(name, out, a, b);
    double[] as = new Elements(a).all();
    double[] bs = new Elements(b).all();
    Elements to = new Elements(out);
    int inner = (int) a.size(1);
    int columns = (int) b.size(1);
    for (int row = 0; row < a.size(0); row++) {
      for (int column = 0; column < columns; column++) {
        double sum = 0;
        for (int i = 0; i < inner; i++) {
          sum += as[row * inner + i] * bs[i * columns + column];
        }
        long at = (long) row * columns + column;
        to.set(at, (beta == 0 ? 0 : beta * to.get(at)) + alpha * sum);
      }
    }
  }

  @Override
  public void fill(Tensor y, float value) {
    TrainingShapes.fill(y);
    Elements to = new Elements(y);
    for (long i = 0; i < y.elements(); i++) {
      to.set(i, value);
    }
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    TrainingShapes.copy(dst, src);
    forward.copy(dst, src);
  }

  @Override
  public void add(Tensor y, Tensor x, float scale) {
    TrainingShapes.add(y, x);
    Elements to = new Elements(y);
    Elements from = new Elements(x);
    for (long i = 0; i < y.elements(); i++) {
      to.set(i, to.get(i) + scale * from.get(i));
    }
  }

  @Override
  public void addToRows(Tensor y, Tensor row) {
    TrainingShapes.addToRows(y, row);
    Elements to = new Elements(y);
    Elements from = new Elements(row);
    for (long i = 0; i < y.elements(); i++) {
      to.set(i, to.get(i) + from.get(i % y.size(1)));
    }
  }

  @Override
  public void multiplyRows(Tensor out, Tensor x, Tensor row) {
    TrainingShapes.multiplyRows(out, x, row);
    Elements to = new Elements(out);
    Elements from = new Elements(x);
    Elements factors = new Elements(row);
    for (long i = 0; i < x.elements(); i++) {
      to.set(i, from.get(i) * factors.get(i % x.size(1)));
    }
  }

  @Override
  public void addColumnSums(Tensor sums, Tensor x, float scale) {
    TrainingShapes.addColumnSums(sums, x);
    double[] xs = new Elements(x).all();
    double[] total = new double[(int) x.size(1)];
    for (int i = 0; i < xs.length; i++) {
      total[i % total.length] += xs[i];
    }
    addTo(sums, total, scale);
  }

  @Override
  public void addColumnProducts(Tensor sums, Tensor x, Tensor y) {
    TrainingShapes.addColumnProducts(sums, x, y);
    double[] xs = new Elements(x).all();
    double[] ys = new Elements(y).all();
    double[] total = new double[(int) x.size(1)];
    for (int i = 0; i < xs.length; i++) {
      total[i % total.length] += xs[i] * ys[i];
    }
    addTo(sums, total, 1);
  }

  private static void addTo(Tensor y, double[] x, double scale) {
    Elements to = new Elements(y);
    for (int i = 0; i < x.length; i++) {
      to.set(i, to.get(i) + scale * x[i]);
    }
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    TrainingShapes.loraRowNorms(out, weight, a, b);
    forward.loraRowNorms(out, weight, a, b, scale);
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    TrainingShapes.gatherRows(out, x, rows);
    forward.gatherRows(out, x, rows);
  }

  @Override
  public void scatterAddRows(Tensor y, Tensor x, int[] rows) {
    TrainingShapes.scatterAddRows(y, x, rows);
    addRows(y, x, rows, 1);
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    int[] rows = TrainingShapes.embedding(out, table, ids);
    Elements to = new Elements(out);
    Elements from = new Elements(table);
    long width = table.size(1);
    for (long i = 0; i < out.elements(); i++) {
      to.set(i, from.get(rows[(int) (i / width)] * width + i % width));
    }
  }

  @Override
  public void embeddingBackward(Tensor dTable, Tensor dOut, Tensor ids, float scale) {
    addRows(dTable, dOut, TrainingShapes.embeddingBackward(dTable, dOut, ids), scale);
  }

  private static void addRows(Tensor y, Tensor x, int[] rows, double scale) {
    double[] sums = new Elements(y).all();
    double[] xs = new Elements(x).all();
    int width = (int) y.size(1);
    for (int i = 0; i < xs.length; i++) {
      sums[rows[i / width] * width + i % width] += scale * xs[i];
    }
    Elements to = new Elements(y);
    for (int i = 0; i < sums.length; i++) {
      to.set(i, sums[i]);
    }
  }

  @Override
  public void rmsNorm(Tensor out, Tensor inverse, Tensor x, Tensor weight, float epsilon) {
    TrainingShapes.rmsNorm(out, inverse, x, weight);
    Elements to = new Elements(out);
    Elements inverses = new Elements(inverse);
    double[] xs = new Elements(x).all();
    double[] w = new Elements(weight).all();
    for (int row = 0; row < x.size(0); row++) {
      double squares = 0;
      for (int i = 0; i < w.length; i++) {
        squares += xs[row * w.length + i] * xs[row * w.length + i];
      }
      double factor = 1 / Math.sqrt(squares / w.length + epsilon);
      inverses.set(row, factor);
      for (int i = 0; i < w.length; i++) {
        to.set((long) row * w.length + i, xs[row * w.length + i] * factor * w[i]);
      }
    }
  }

  @Override
  public void rmsNormBackward(
      @Nullable Tensor dX,
      @Nullable Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor inverse,
      Tensor weight) {
    TrainingShapes.rmsNormBackward(dX, dWeight, dOut, x, inverse, weight);
    double[] grads = new Elements(dOut).all();
    double[] xs = new Elements(x).all();
    double[] inverses = new Elements(inverse).all();
    double[] w = new Elements(weight).all();
    double[] forX = new double[xs.length];
    double[] forWeight = new double[w.length];
    for (int row = 0; row < inverses.length; row++) {
      double factor = inverses[row];
      double sum = 0;
      for (int i = 0; i < w.length; i++) {
        int at = row * w.length + i;
        sum += grads[at] * w[i] * xs[at];
        forWeight[i] += grads[at] * xs[at] * factor;
      }
      for (int i = 0; i < w.length; i++) {
        int at = row * w.length + i;
        forX[at] = factor * (grads[at] * w[i] - xs[at] * factor * factor * sum / w.length);
      }
    }
    if (dX != null) {
      addTo(dX, forX, 1);
    }
    if (dWeight != null) {
      addTo(dWeight, forWeight, 1);
    }
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    turn(x, cos, sin, TrainingShapes.rope(x, cos, sin, positions), 1);
  }

  @Override
  public void ropeBackward(Tensor dX, Tensor cos, Tensor sin, Tensor positions) {
    turn(dX, cos, sin, TrainingShapes.rope(dX, cos, sin, positions), -1);
  }

  private static void turn(Tensor x, Tensor cos, Tensor sin, int[] positions, int direction) {
    Elements both = new Elements(x);
    Elements c = new Elements(cos);
    Elements s = new Elements(sin);
    long heads = x.size(1);
    long half = x.size(2) / 2;
    for (int row = 0; row < positions.length; row++) {
      for (long head = 0; head < heads; head++) {
        for (long i = 0; i < half; i++) {
          long at = (row * heads + head) * 2 * half + i;
          double turnCos = c.get(positions[row] * half + i);
          double turnSin = direction * s.get(positions[row] * half + i);
          double first = both.get(at);
          double second = both.get(at + half);
          both.set(at, first * turnCos - second * turnSin);
          both.set(at + half, second * turnCos + first * turnSin);
        }
      }
    }
  }

  /** Shares: of each head and row one for each row of the batch, F32, most of them 0. */
  private record Tape(Tensor shares, long[] keyShape, int[] starts, float scale, int window)
      implements AttentionTape {}

  @Override
  public @Nullable AttentionTape attention(
      Tensor out,
      Tensor q,
      Tensor k,
      Tensor v,
      int[] starts,
      float scale,
      int window,
      @Nullable TensorArena tape) {
    TrainingShapes.attention(out, q, k, v, starts, window);
    int rows = (int) q.size(0);
    int heads = (int) q.size(1);
    int size = (int) q.size(2);
    int kvHeads = (int) k.size(1);
    double[] values = new Elements(v).all();
    Elements to = new Elements(out);
    Tensor kept = tape == null ? null : tape.allocate(DType.F32, heads, rows, rows);
    if (kept != null) {
      fill(kept, 0);
    }
    for (int head = 0; head < heads; head++) {
      int kvHead = head / (heads / kvHeads);
      for (int row = 0; row < rows; row++) {
        int first = first(starts, row, window);
        double[] shares = shares(q, k, head, kvHead, row, first, scale);
        for (int i = 0; i < size; i++) {
          double sum = 0;
          for (int j = first; j <= row; j++) {
            sum += shares[j - first] * values[(j * kvHeads + kvHead) * size + i];
          }
          to.set(((long) row * heads + head) * size + i, sum);
        }
        for (int j = first; kept != null && j <= row; j++) {
          new Elements(kept).set(((long) head * rows + row) * rows + j, shares[j - first]);
        }
      }
    }
    return kept == null ? null : new Tape(kept, k.shape(), starts.clone(), scale, window);
  }

  /** The first row that a row attends. */
  private static int first(int[] starts, int row, int window) {
    int start = 0;
    for (int s : starts) {
      start = s <= row ? s : start;
    }
    return window == 0 ? start : Math.max(start, row - window + 1);
  }

  private static double[] shares(
      Tensor q, Tensor k, int head, int kvHead, int row, int first, double scale) {
    Elements queries = new Elements(q);
    Elements keys = new Elements(k);
    long size = q.size(2);
    double[] shares = new double[row - first + 1];
    double largest = Double.NEGATIVE_INFINITY;
    for (int j = first; j <= row; j++) {
      double score = 0;
      for (long i = 0; i < size; i++) {
        score +=
            queries.get((row * q.size(1) + head) * size + i)
                * keys.get((j * k.size(1) + kvHead) * size + i);
      }
      shares[j - first] = score * scale;
      largest = Math.max(largest, score * scale);
    }
    double total = 0;
    for (int j = 0; j < shares.length; j++) {
      shares[j] = Math.exp(shares[j] - largest);
      total += shares[j];
    }
    for (int j = 0; j < shares.length; j++) {
      shares[j] /= total;
    }
    return shares;
  }

  @Override
  public void attentionBackward(
      AttentionTape tape,
      Tensor dQ,
      Tensor dK,
      Tensor dV,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v) {
    if (!(tape instanceof Tape own)) {
      throw TrainingShapes.foreignTape();
    }
    long[] kept = own.shares().shape();
    long[] queryShape = {kept[1], kept[0], own.keyShape()[2]};
    TrainingShapes.attentionBackward(queryShape, own.keyShape(), dQ, dK, dV, dOut, q, k, v);
    double[] shares = new Elements(own.shares()).all();
    double[] queries = new Elements(q).all();
    double[] keys = new Elements(k).all();
    double[] values = new Elements(v).all();
    double[] grads = new Elements(dOut).all();
    double[] forQueries = new double[queries.length];
    double[] forKeys = new double[keys.length];
    double[] forValues = new double[values.length];
    int rows = (int) q.size(0);
    int heads = (int) q.size(1);
    int size = (int) q.size(2);
    int kvHeads = (int) k.size(1);
    for (int head = 0; head < heads; head++) {
      int kvHead = head / (heads / kvHeads);
      for (int row = 0; row < rows; row++) {
        int queryAt = (row * heads + head) * size;
        int shareAt = (head * rows + row) * rows;
        int first = first(own.starts(), row, own.window());
        double[] forShares = new double[row - first + 1];
        double mean = 0;
        for (int j = first; j <= row; j++) {
          int keyAt = (j * kvHeads + kvHead) * size;
          for (int i = 0; i < size; i++) {
            forShares[j - first] += grads[queryAt + i] * values[keyAt + i];
            forValues[keyAt + i] += shares[shareAt + j] * grads[queryAt + i];
          }
          mean += shares[shareAt + j] * forShares[j - first];
        }
        for (int j = first; j <= row; j++) {
          int keyAt = (j * kvHeads + kvHead) * size;
          double forScore = shares[shareAt + j] * (forShares[j - first] - mean) * own.scale();
          for (int i = 0; i < size; i++) {
            forQueries[queryAt + i] += forScore * keys[keyAt + i];
            forKeys[keyAt + i] += forScore * queries[queryAt + i];
          }
        }
      }
    }
    addTo(dQ, forQueries, 1);
    addTo(dK, forKeys, 1);
    addTo(dV, forValues, 1);
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    TrainingShapes.siluMul(out, gate, up);
    forward.siluMul(out, gate, up);
  }

  @Override
  public void siluMulBackward(Tensor dGate, Tensor dUp, Tensor dOut, Tensor gate, Tensor up) {
    TrainingShapes.siluMulBackward(dGate, dUp, dOut, gate, up);
    double[] grads = new Elements(dOut).all();
    double[] gates = new Elements(gate).all();
    double[] ups = new Elements(up).all();
    Elements forGate = new Elements(dGate);
    Elements forUp = new Elements(dUp);
    for (int i = 0; i < grads.length; i++) {
      double sigmoid = 1 / (1 + Math.exp(-gates[i]));
      forGate.set(i, grads[i] * ups[i] * sigmoid * (1 + gates[i] * (1 - sigmoid)));
      forUp.set(i, grads[i] * gates[i] * sigmoid);
    }
  }

  @Override
  public double crossEntropy(Tensor logits, int[] targets, float gradientScale) {
    TrainingShapes.crossEntropy(logits, targets);
    Elements all = new Elements(logits);
    long vocabulary = logits.size(1);
    double loss = 0;
    for (int row = 0; row < targets.length; row++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (long i = 0; i < vocabulary; i++) {
        largest = Math.max(largest, all.get(row * vocabulary + i));
      }
      double total = 0;
      for (long i = 0; i < vocabulary; i++) {
        total += Math.exp(all.get(row * vocabulary + i) - largest);
      }
      loss += largest - all.get(row * vocabulary + targets[row]) + Math.log(total);
      for (long i = 0; gradientScale != 0 && i < vocabulary; i++) {
        double share = Math.exp(all.get(row * vocabulary + i) - largest) / total;
        all.set(row * vocabulary + i, gradientScale * (share - (i == targets[row] ? 1 : 0)));
      }
    }
    return loss;
  }

  @Override
  public double sumOfSquares(Tensor x) {
    TrainingShapes.sumOfSquares(x);
    double sum = 0;
    for (double value : new Elements(x).all()) {
      sum += value * value;
    }
    return sum;
  }

  @Override
  public void adamW(Tensor value, Tensor gradient, Tensor mean, Tensor square, AdamStep step) {
    TrainingShapes.adamW(value, gradient, mean, square, step);
    Elements values = new Elements(value);
    Elements gradients = new Elements(gradient);
    Elements means = new Elements(mean);
    Elements squares = new Elements(square);
    double meanCorrection = 1 - Math.pow(step.beta1(), step.step());
    double squareCorrection = 1 - Math.pow(step.beta2(), step.step());
    for (long i = 0; i < value.elements(); i++) {
      double g = gradients.get(i) * step.gradientScale();
      double m = step.beta1() * means.get(i) + (1 - step.beta1()) * g;
      double s = step.beta2() * squares.get(i) + (1 - step.beta2()) * g * g;
      double decayed = values.get(i) * (1 - step.learningRate() * step.weightDecay());
      double divisor = Math.sqrt(s / squareCorrection) + step.epsilon();
      values.set(i, decayed - step.learningRate() * m / meanCorrection / divisor);
      means.set(i, m);
      squares.set(i, s);
    }
  }

  @Override
  public void close() {
    forward.close();
  }
}
