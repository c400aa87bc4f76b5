package dev.openlora.kernels;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer as the rows of one batch see it: weight [out, in] and bias [out] for all of them,
 * then each segment for its rows, as {@link Ops#addLora} applies them. Matrices of segments do not
 * change as long as their tensors live: operations may keep them in another order.
 */
public record AdaptedLinear(Tensor weight, @Nullable Tensor bias, List<LoraSegment> segments) {
  public AdaptedLinear {
    segments = List.copyOf(segments);
  }

  /** Without adapters. */
  public AdaptedLinear(Tensor weight, @Nullable Tensor bias) {
    this(weight, bias, List.of());
  }
}
