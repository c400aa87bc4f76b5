package dev.openlora.engine.training;

/**
 * A rate that rises in a line from peak / warm-up steps to the peak, and falls from there along
 * half a cosine towards a share of it, which it would reach one step after the last: as in
 * transformers' cosine schedule, the last step still moves something when that share is 0.
 *
 * @param warmupShare of all steps, rounded up; 0 where warmupSteps counts them
 */
public record LearningRate(double peak, double warmupShare, int warmupSteps, double finalShare) {
  public LearningRate {
    TrainingConfig.check(peak > 0 && peak <= 10, "learning_rate", peak, "above 0, at most 10");
    TrainingConfig.check(
        warmupShare >= 0 && warmupShare <= 1, "warmup_share", warmupShare, "from 0 to 1");
    TrainingConfig.check(warmupSteps >= 0, "warmup_steps", warmupSteps, "at least 0");
    TrainingConfig.check(
        warmupSteps == 0 || warmupShare == 0,
        "warmup_steps",
        warmupSteps + " with warmup_share " + warmupShare,
        "one of them");
    TrainingConfig.check(
        finalShare >= 0 && finalShare <= 1, "final_share", finalShare, "from 0 to 1");
  }

  /** Steps until the peak. */
  public int warmup(int steps) {
    return warmupSteps > 0 ? warmupSteps : (int) Math.ceil(warmupShare * steps);
  }

  /** The rate of a step, counted from 1 to {@code steps}. */
  public double at(int step, int steps) {
    int warmup = warmup(steps);
    if (step <= warmup) {
      return peak * step / warmup;
    }
    double way = (step - 1.0 - warmup) / (steps - warmup);
    return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + StrictMath.cos(Math.PI * way)));
  }
}
