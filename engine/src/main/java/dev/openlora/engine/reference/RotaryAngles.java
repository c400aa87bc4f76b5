package dev.openlora.engine.reference;

import dev.openlora.engine.model.RopeSettings;

/**
 * The rotation of pair i of a head at position p: by the angle p · frequency[i], with a length of
 * {@code magnitude}. Written from the definitions (RoPE: arXiv 2104.09864; position interpolation:
 * 2306.15595; Llama 3.1's model card; YaRN: 2309.00071, eq. 17-23) in terms of how often a pair
 * turns within the original context, and not from the serving path's table.
 */
record RotaryAngles(float[] frequencies, float magnitude) {
  static RotaryAngles of(RopeSettings settings, int headSize) {
    float[] frequencies = new float[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double unscaled = Math.exp(-Math.log(settings.theta()) * 2 * i / headSize);
      frequencies[i] = (float) (unscaled * share(settings, unscaled, i, headSize));
    }
    return new RotaryAngles(
        frequencies,
        settings instanceof RopeSettings.Yarn yarn ? (float) yarn.attentionFactor() : 1);
  }

  /** What is left of a frequency after scaling: 1 keeps it, 1 / factor stretches it. */
  private static double share(RopeSettings settings, double frequency, int pair, int headSize) {
    return switch (settings) {
      case RopeSettings.Default ignored -> 1;
      case RopeSettings.Linear linear -> 1 / linear.factor();
      case RopeSettings.Llama3 llama -> {
        double turns = turns(frequency, llama.originalPositions());
        double kept =
            (turns - llama.lowFrequencyFactor())
                / (llama.highFrequencyFactor() - llama.lowFrequencyFactor());
        yield blend(kept, llama.factor());
      }
      case RopeSettings.Yarn yarn -> {
        double keptUpTo = pairThatTurns(yarn.betaFast(), yarn, headSize);
        double stretchedFrom = pairThatTurns(yarn.betaSlow(), yarn, headSize);
        if (yarn.truncate()) {
          keptUpTo = Math.floor(keptUpTo);
          stretchedFrom = Math.ceil(stretchedFrom);
        }
        keptUpTo = Math.max(0, keptUpTo);
        stretchedFrom = Math.min(headSize - 1, stretchedFrom);
        double width = stretchedFrom == keptUpTo ? 0.001 : stretchedFrom - keptUpTo;
        yield blend(1 - (pair - keptUpTo) / width, yarn.factor());
      }
    };
  }

  private static double turns(double frequency, int positions) {
    return frequency * positions / (2 * Math.PI);
  }

  /** The pair, a fraction, whose frequency turns that often within the original context. */
  private static double pairThatTurns(double turns, RopeSettings.Yarn yarn, int headSize) {
    double frequency = turns * 2 * Math.PI / yarn.originalPositions();
    return -Math.log(frequency) / Math.log(yarn.theta()) * headSize / 2;
  }

  private static double blend(double kept, double factor) {
    double share = Math.min(1, Math.max(0, kept));
    return share + (1 - share) / factor;
  }

  /** [positions, pairs] */
  float[] cosines(int positions) {
    float[] all = new float[positions * frequencies.length];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < frequencies.length; i++) {
        all[p * frequencies.length + i] = magnitude * (float) Math.cos(p * frequencies[i]);
      }
    }
    return all;
  }

  /** [positions, pairs] */
  float[] sines(int positions) {
    float[] all = new float[positions * frequencies.length];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < frequencies.length; i++) {
        all[p * frequencies.length + i] = magnitude * (float) Math.sin(p * frequencies[i]);
      }
    }
    return all;
  }
}
