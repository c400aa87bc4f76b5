package dev.openlora.engine.model;

/**
 * cos and sin of every position, [positions, headSize / 2] each, computed in float as transformers
 * does.
 */
public record RopeTable(int positions, int half, float[] cos, float[] sin) {
  public static RopeTable of(RopeSettings settings, int headSize, int positions) {
    int half = headSize / 2;
    float[] inverse = inverseFrequencies(settings, headSize);
    float scale = settings instanceof RopeSettings.Yarn yarn ? (float) yarn.attentionFactor() : 1f;
    float[] cos = new float[positions * half];
    float[] sin = new float[positions * half];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        float angle = p * inverse[i];
        cos[p * half + i] = (float) Math.cos(angle) * scale;
        sin[p * half + i] = (float) Math.sin(angle) * scale;
      }
    }
    return new RopeTable(positions, half, cos, sin);
  }

  static float[] inverseFrequencies(RopeSettings settings, int headSize) {
    int half = headSize / 2;
    float[] inverse = new float[half];
    for (int i = 0; i < half; i++) {
      double plain = 1.0 / Math.pow(settings.theta(), 2.0 * i / headSize);
      inverse[i] =
          (float)
              switch (settings) {
                case RopeSettings.Default ignored -> plain;
                case RopeSettings.Linear linear -> plain / linear.factor();
                case RopeSettings.Llama3 llama -> llama3(llama, plain);
                case RopeSettings.Yarn yarn -> yarn(yarn, plain, i, headSize);
              };
    }
    return inverse;
  }

  private static double llama3(RopeSettings.Llama3 s, double plain) {
    double wavelength = 2 * Math.PI / plain;
    if (wavelength < s.originalPositions() / s.highFrequencyFactor()) {
      return plain;
    }
    if (wavelength > s.originalPositions() / s.lowFrequencyFactor()) {
      return plain / s.factor();
    }
    double smooth =
        (s.originalPositions() / wavelength - s.lowFrequencyFactor())
            / (s.highFrequencyFactor() - s.lowFrequencyFactor());
    return (1 - smooth) * plain / s.factor() + smooth * plain;
  }

  private static double yarn(RopeSettings.Yarn s, double plain, int i, int headSize) {
    double low = correctionDimension(s, s.betaFast(), headSize);
    double high = correctionDimension(s, s.betaSlow(), headSize);
    if (s.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, headSize - 1);
    if (low == high) {
      high += 0.001;
    }
    double ramp = Math.clamp((i - low) / (high - low), 0.0, 1.0);
    return plain / s.factor() * ramp + plain * (1 - ramp);
  }

  /** The dimension that turns {@code rotations} times over the original context. */
  private static double correctionDimension(RopeSettings.Yarn s, double rotations, int headSize) {
    return headSize
        * Math.log(s.originalPositions() / (rotations * 2 * Math.PI))
        / (2 * Math.log(s.theta()));
  }
}
