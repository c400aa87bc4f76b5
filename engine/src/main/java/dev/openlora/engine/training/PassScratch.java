package dev.openlora.engine.training;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import org.jspecify.annotations.Nullable;

/** A place for one matrix at a time, as large as the largest so far; lives for a pass. */
final class PassScratch {
  private final TensorArena step;
  private @Nullable Tensor flat;

  PassScratch(TensorArena step) {
    this.step = step;
  }

  /** An uninitialised F32 matrix; the one before is no longer valid. */
  Tensor matrix(long rows, long width) {
    Tensor place = flat;
    if (place == null || place.elements() < rows * width) {
      place = step.allocate(DType.F32, rows * width);
      flat = place;
    }
    return place.rows(0, rows * width).reshape(rows, width);
  }
}
