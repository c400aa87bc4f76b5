package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.List;

/** Examples divided into those to learn from and those to test on. */
public record HeldOut(List<Example> training, List<Example> heldOut) {
  /**
   * Divides by content: a row falls on the same side whatever rows are beside it, and its copies
   * with it.
   *
   * @param share of rows to hold out, about; 0 holds out none
   */
  public static HeldOut split(List<Example> examples, double share, long seed) {
    TrainingConfig.check(share >= 0 && share < 1, "held_out", share, "from 0, below 1");
    List<Example> training = new ArrayList<>();
    List<Example> heldOut = new ArrayList<>();
    for (Example example : examples) {
      (isHeldOut(example, share, seed) ? heldOut : training).add(example);
    }
    if (training.isEmpty() || (share > 0 && heldOut.isEmpty())) {
      throw new IllegalArgumentException(
          "held_out: "
              + share
              + " takes "
              + heldOut.size()
              + " of "
              + examples.size()
              + " examples (expected: at least one on each side)");
    }
    return new HeldOut(List.copyOf(training), List.copyOf(heldOut));
  }

  /** The side of one example, for a stream. */
  public static boolean isHeldOut(Example example, double share, long seed) {
    return (ExampleDigest.of(seed, example.ids()) >>> 11) * 0x1p-53 < share;
  }
}
