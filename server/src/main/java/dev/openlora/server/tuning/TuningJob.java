package dev.openlora.server.tuning;

import dev.openlora.engine.training.TrainingConfig;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@link Tuning} is asked to do.
 *
 * @param adapterConfig an {@code adapter_config.json}
 * @param output a new folder; an unfinished training's work lies beside it
 */
public record TuningJob(
    Path model,
    Data data,
    byte[] adapterConfig,
    TrainingConfig training,
    Computation computation,
    Path output,
    Start start) {

  /**
   * What to learn from.
   *
   * @param store folder of the Datanets
   * @param files JSON lines, text, Markdown or CSV
   */
  public record Data(
      Path store, List<String> datanets, List<Path> files, HeldOutShare heldOut, Longer longer) {
    public Data {
      datanets = List.copyOf(datanets);
      files = List.copyOf(files);
    }
  }

  /**
   * About how much of the rows only measures.
   *
   * @param asked whether somebody named it: then a set that is too small for it is refused, where
   *     the default would hold out nothing
   */
  public record HeldOutShare(double share, boolean asked) {
    public HeldOutShare {
      if (!(share >= 0 && share < 1)) {
        throw TuningException.wrong("--held-out: " + share + " (expected: from 0, below 1)");
      }
    }
  }

  /** What becomes of a row that is too long. */
  public enum Longer {
    REFUSED,
    CUT
  }

  /** Where to begin. */
  public enum Start {
    /** Go on from a checkpoint of the same training, or begin where there is none. */
    WHEREVER_IT_STANDS,
    /** Go on from a checkpoint; there has to be one. */
    CHECKPOINT
  }
}
