package dev.openlora.kernels;

import org.jspecify.annotations.Nullable;

/**
 * What one adapter does to the rows [from, to) of one linear layer's output; see {@link
 * Ops#addLora}. a: [rank, in] and b: [out, rank] as PEFT stores them, both or neither; gain, shift:
 * [out].
 */
public record LoraSegment(
    int from,
    int to,
    @Nullable Tensor a,
    @Nullable Tensor b,
    float scale,
    @Nullable Tensor gain,
    @Nullable Tensor shift) {
  public LoraSegment {
    if (from < 0 || to <= from) {
      throw new IllegalArgumentException(
          "segment rows: [" + from + ", " + to + ") (expected: 0 <= from < to)");
    }
    if ((a == null) != (b == null)) {
      throw new IllegalArgumentException(
          "segment matrices: one of the pair (expected: both A and B, or neither)");
    }
  }
}
