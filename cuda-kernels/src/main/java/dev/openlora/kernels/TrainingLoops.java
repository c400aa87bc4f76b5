package dev.openlora.kernels;

/**
 * The loops of training operations, over arrays that lie in a core's cache. Each is a method of its
 * own and a plain count, which is what the JIT turns into vector instructions; sums have eight
 * running totals in double, so that they do not wait for one another and are nearly exact. Any
 * thread.
 */
final class TrainingLoops {
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final float ROUNDS_TO_INTEGER = 12582912f; // 1.5 · 2²³

  private TrainingLoops() {}

  /** y = y + scale · x */
  static void add(float[] y, float[] x, float scale, int n) {
    for (int i = 0; i < n; i++) {
      y[i] += scale * x[i];
    }
  }

  /** y = y · x */
  static void multiply(float[] y, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] *= x[i];
    }
  }

  /** y = beta · y + alpha · x, x in BF16; y is not read where beta is 0. */
  static void addBfloat16(float[] y, short[] x, float alpha, float beta, int n) {
    if (beta == 0) {
      for (int i = 0; i < n; i++) {
        y[i] = alpha * Float.intBitsToFloat(x[i] << 16);
      }
    } else {
      for (int i = 0; i < n; i++) {
        y[i] = beta * y[i] + alpha * Float.intBitsToFloat(x[i] << 16);
      }
    }
  }

  /** x = factor · x, from {@code at} on. */
  static void scale(float[] x, int at, float factor, int n) {
    for (int i = 0; i < n; i++) {
      x[at + i] *= factor;
    }
  }

  /** x = x − shift, from {@code at} on. */
  static void subtract(float[] x, int at, float shift, int n) {
    for (int i = 0; i < n; i++) {
      x[at + i] -= shift;
    }
  }

  /** sums = sums + x */
  static void addTo(double[] sums, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      sums[i] += x[i];
    }
  }

  /** sums = sums + factor · x · y */
  static void addProductsTo(double[] sums, float[] x, float[] y, double factor, int n) {
    for (int i = 0; i < n; i++) {
      sums[i] += factor * x[i] * y[i];
    }
  }

  /** Σ x, from {@code at} on. */
  static double sum(float[] x, int at, int n) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    double e = 0;
    double f = 0;
    double g = 0;
    double h = 0;
    int i = at;
    int end = at + n;
    for (; i + 7 < end; i += 8) {
      a += x[i];
      b += x[i + 1];
      c += x[i + 2];
      d += x[i + 3];
      e += x[i + 4];
      f += x[i + 5];
      g += x[i + 6];
      h += x[i + 7];
    }
    for (; i < end; i++) {
      a += x[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** Σ x · y */
  static double products(float[] x, float[] y, int n) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    double e = 0;
    double f = 0;
    double g = 0;
    double h = 0;
    int i = 0;
    for (; i + 7 < n; i += 8) {
      a += (double) x[i] * y[i];
      b += (double) x[i + 1] * y[i + 1];
      c += (double) x[i + 2] * y[i + 2];
      d += (double) x[i + 3] * y[i + 3];
      e += (double) x[i + 4] * y[i + 4];
      f += (double) x[i + 5] * y[i + 5];
      g += (double) x[i + 6] * y[i + 6];
      h += (double) x[i + 7] * y[i + 7];
    }
    for (; i < n; i++) {
      a += (double) x[i] * y[i];
    }
    return ((a + b) + (c + d)) + ((e + f) + (g + h));
  }

  /** The largest of x, from {@code at} on. */
  static float largest(float[] x, int at, int n) {
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      largest = Math.max(largest, x[at + i]);
    }
    return largest;
  }

  /**
   * x = exp(x), relative error about 1e-7; 0 below −88, at most e⁸⁸. The power of two is put
   * together as an integer, which the second loop reads as a float. Worth it for hundreds of values
   * at once.
   */
  static void exp(float[] x, int[] powers, int n) {
    for (int i = 0; i < n; i++) {
      float clamped = Math.max(-88.1f, Math.min(88f, x[i]));
      float power = (clamped * LOG2_E + ROUNDS_TO_INTEGER) - ROUNDS_TO_INTEGER;
      float r = clamped - power * LN2_HIGH - power * LN2_LOW;
      float series = 1f / 720 + r * (1f / 5040);
      series = 1f / 120 + r * series;
      series = 1f / 24 + r * series;
      series = 1f / 6 + r * series;
      series = 0.5f + r * series;
      series = 1 + r * series;
      x[i] = 1 + r * series;
      powers[i] = ((int) power + 127) << 23;
    }
    for (int i = 0; i < n; i++) {
      x[i] *= Float.intBitsToFloat(powers[i]);
    }
  }

  /** y = −x */
  static void negate(float[] y, float[] x, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = -x[i];
    }
  }

  /** up = gate · sigmoid(gate) · up, with e = exp(−gate). */
  static void siluMul(float[] up, float[] gate, float[] e, int n) {
    for (int i = 0; i < n; i++) {
      up[i] *= gate[i] / (1 + e[i]);
    }
  }

  /** gate and up become their gradients, with e = exp(−gate). */
  static void siluMulBackward(float[] gate, float[] up, float[] dOut, float[] e, int n) {
    for (int i = 0; i < n; i++) {
      float sigmoid = 1 / (1 + e[i]);
      float activated = gate[i] * sigmoid;
      float forGate = dOut[i] * up[i] * (sigmoid + activated * (1 - sigmoid));
      up[i] = dOut[i] * activated;
      gate[i] = forGate;
    }
  }

  /** y = x · factor · weight */
  static void norm(float[] y, float[] x, float factor, float[] weight, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = x[i] * factor * weight[i];
    }
  }

  /** dX = dX + factor · dNormed − back · x */
  static void normBackward(
      float[] dX, float[] dNormed, float factor, float[] x, float back, int n) {
    for (int i = 0; i < n; i++) {
      dX[i] += factor * dNormed[i] - back * x[i];
    }
  }

  /** Turns the halves of one head. */
  static void turn(float[] x, int at, float[] cos, float[] sin, float direction, int half) {
    for (int i = 0; i < half; i++) {
      float first = x[at + i];
      float second = x[at + half + i];
      float turn = direction * sin[i];
      x[at + i] = first * cos[i] - second * turn;
      x[at + half + i] = second * cos[i] + first * turn;
    }
  }

  /** y = shares · (y − mean) · scale */
  static void softmaxBackward(float[] y, float[] shares, float mean, float scale, int n) {
    for (int i = 0; i < n; i++) {
      y[i] = shares[i] * (y[i] - mean) * scale;
    }
  }

  /** What is the same for all elements of a step of AdamW. */
  record Adam(
      float gradientScale,
      float beta1,
      float beta2,
      float kept1,
      float kept2,
      float decay,
      float stepSize,
      float rootCorrection,
      float epsilon) {
    Adam(TrainingOps.AdamStep s) {
      this(
          (float) s.gradientScale(),
          (float) s.beta1(),
          (float) s.beta2(),
          (float) (1 - s.beta1()),
          (float) (1 - s.beta2()),
          (float) (1 - s.learningRate() * s.weightDecay()),
          (float) (s.learningRate() / (1 - Math.pow(s.beta1(), s.step()))),
          (float) (1 / Math.sqrt(1 - Math.pow(s.beta2(), s.step()))),
          (float) s.epsilon());
    }
  }

  static void adamW(float[] value, float[] gradient, float[] mean, float[] square, Adam a, int n) {
    float gradientScale = a.gradientScale();
    float beta1 = a.beta1();
    float beta2 = a.beta2();
    float kept1 = a.kept1();
    float kept2 = a.kept2();
    float decay = a.decay();
    float stepSize = a.stepSize();
    float rootCorrection = a.rootCorrection();
    float epsilon = a.epsilon();
    for (int i = 0; i < n; i++) {
      float g = gradient[i] * gradientScale;
      float m = beta1 * mean[i] + kept1 * g;
      float s = beta2 * square[i] + kept2 * g * g;
      float divisor = (float) Math.sqrt(s) * rootCorrection + epsilon;
      value[i] = value[i] * decay - stepSize * m / divisor;
      mean[i] = m;
      square[i] = s;
    }
  }
}
