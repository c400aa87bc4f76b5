package dev.openlora.engine.training;

import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The modules of one layer in training, and how far down its way back has to go.
 *
 * @param queryNorm with keyNorm where the family normalises heads, else null
 * @param window the last positions that attention sees; 0 for all
 * @param below whether anything below the layer is trained
 */
record TrainedLayer(
    TrainedNorm inputNorm,
    TrainedLinear query,
    TrainedLinear key,
    TrainedLinear value,
    @Nullable TrainedNorm queryNorm,
    @Nullable TrainedNorm keyNorm,
    TrainedLinear output,
    TrainedNorm postAttentionNorm,
    TrainedLinear gate,
    TrainedLinear up,
    TrainedLinear down,
    int window,
    boolean below) {
  boolean wantsInputNormed() {
    return below || inputNorm.isTrained();
  }

  /** Whether the way back goes through the attention. */
  boolean wantsAttended() {
    return wantsInputNormed()
        || Stream.of(query, key, value).anyMatch(TrainedLinear::isTrained)
        || (queryNorm != null && queryNorm.isTrained())
        || (keyNorm != null && keyNorm.isTrained());
  }

  /** Whether the way back reaches the residual stream between attention and MLP. */
  boolean wantsMiddle() {
    return wantsAttended() || output.isTrained();
  }

  boolean wantsMiddleNormed() {
    return wantsMiddle() || postAttentionNorm.isTrained();
  }

  /** Whether the way back goes through the activation of the MLP. */
  boolean wantsActivated() {
    return wantsMiddleNormed() || gate.isTrained() || up.isTrained();
  }

  /** Whether there is anything trained in the layer or below it. */
  boolean wantsOutput() {
    return wantsActivated() || down.isTrained();
  }
}
