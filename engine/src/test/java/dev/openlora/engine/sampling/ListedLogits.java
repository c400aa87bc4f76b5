package dev.openlora.engine.sampling;

/** A row in Java of which only some of the best are listed, and whose sum is off; counts asks. */
final class ListedLogits implements Logits {
  private final float[] values;
  private final Best best;
  private final double error;
  int wholeRows;

  /**
   * Lists the {@code k} best.
   *
   * @param error of the sum, relative to it
   */
  ListedLogits(float[] values, int k, double error) {
    this.values = values.clone();
    this.error = error;
    int count = Math.min(k, values.length);
    best = new Best(new int[count], new float[count]);
    boolean[] taken = new boolean[values.length];
    for (int i = 0; i < count; i++) {
      int next = -1;
      for (int id = 0; id < values.length; id++) {
        if (!taken[id] && (next < 0 || number(values[id]) > number(values[next]))) {
          next = id;
        }
      }
      taken[next] = true;
      best.ids()[i] = next;
      best.values()[i] = number(values[next]);
    }
  }

  private static float number(float logit) {
    return Float.isNaN(logit) ? Float.POSITIVE_INFINITY : logit;
  }

  @Override
  public int vocabularySize() {
    return values.length;
  }

  @Override
  public Best best() {
    return best;
  }

  @Override
  public double sumExp(double scale) {
    double sum = 0;
    for (float value : values) {
      sum += Math.exp(((double) value - best.values()[0]) * scale);
    }
    return sum * (1 + error);
  }

  @Override
  public float[] all() {
    wholeRows++;
    return values;
  }
}
