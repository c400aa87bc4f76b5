package dev.openlora.kernels;

/** The best of rows in host memory without a kernel: a row at a time in Java. Any thread. */
final class PortableTopK {
  private PortableTopK() {}

  static void topK(Tensor values, Tensor ids, Tensor x) {
    Shapes.topK(values, ids, x);
    int rows = (int) x.size(0);
    int k = (int) values.size(1);
    float[] row = new float[(int) x.size(1)];
    float[] best = new float[k];
    int[] bestIds = new int[k];
    for (int i = 0; i < rows; i++) {
      x.readRow(i, row);
      best(row, best, bestIds);
      values.rows(i, i + 1).write(best);
      ids.rows(i, i + 1).write(bestIds);
    }
  }

  private static void best(float[] row, float[] best, int[] ids) {
    int k = best.length;
    int filled = 0;
    for (int id = 0; id < row.length; id++) {
      float value = Float.isNaN(row[id]) ? Float.POSITIVE_INFINITY : row[id];
      if (filled == k && !(value > best[k - 1])) {
        continue;
      }
      int place = filled < k ? filled++ : k - 1;
      for (; place > 0 && value > best[place - 1]; place--) {
        best[place] = best[place - 1];
        ids[place] = ids[place - 1];
      }
      best[place] = value;
      ids[place] = id;
    }
  }

  static double sumExp(Tensor x, float greatest, double scale) {
    Shapes.sumExp(x, greatest, scale);
    float[] row = new float[(int) x.size(1)];
    x.readRow(0, row);
    double sum = 0;
    for (float value : row) {
      sum += Math.exp(((double) value - greatest) * scale);
    }
    return sum;
  }
}
