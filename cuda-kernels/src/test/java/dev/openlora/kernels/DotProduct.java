package dev.openlora.kernels;

/** A sum of products in double, and what its terms come to without their signs. */
record DotProduct(double value, double magnitude) {
  /** Row {@code i} of a times row {@code j} of b, of {@code width} elements each. */
  static DotProduct of(float[] a, int i, float[] b, int j, int width) {
    double value = 0;
    double magnitude = 0;
    for (int k = 0; k < width; k++) {
      double term = (double) a[i * width + k] * b[j * width + k];
      value += term;
      magnitude += Math.abs(term);
    }
    return new DotProduct(value, magnitude);
  }

  DotProduct times(double factor) {
    return new DotProduct(value * factor, magnitude * Math.abs(factor));
  }
}
