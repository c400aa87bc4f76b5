package dev.openlora.kernels;

/**
 * The twin of a weight that is kept as int8: each row rounded to 255 steps of a scale of its own,
 * products summed in double.
 */
final class Int8Weight {
  final int rows;
  final int width;
  final float[] scales;
  final float[] steps; // [rows, width], whole numbers from -127 to 127

  /** weight: [rows, width] */
  Int8Weight(float[] weight, int rows, int width) {
    this.rows = rows;
    this.width = width;
    scales = new float[rows];
    steps = new float[rows * width];
    for (int row = 0; row < rows; row++) {
      float largest = 0;
      for (int i = 0; i < width; i++) {
        largest = Math.max(largest, Math.abs(weight[row * width + i]));
      }
      float scale = largest / 127;
      scales[row] = scale;
      for (int i = 0; i < width && scale > 0; i++) {
        double step = Math.rint(weight[row * width + i] / scale);
        steps[row * width + i] = (float) Math.max(-127, Math.min(127, step));
      }
    }
  }

  /** One element of x · weightᵀ. */
  DotProduct product(float[] x, int xRow, int row) {
    return DotProduct.of(x, xRow, steps, row, width).times(scales[row]);
  }
}
