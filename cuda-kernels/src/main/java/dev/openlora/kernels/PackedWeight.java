package dev.openlora.kernels;

import java.util.Arrays;

/** A BF16 weight and its values in the order, and the form, of the CPU kernels. */
record PackedWeight(Tensor weight, Tensor memory, CpuOps.Weights form) {
  /** Not so of a part of it, nor of what came to its place when it was gone. */
  boolean holds(Tensor other) {
    return memory.isAlive()
        && (weight == other
            || (weight.isAlive()
                && other.dtype() == DType.BF16
                && Arrays.equals(weight.shape(), other.shape())
                && Arrays.equals(weight.strides(), other.strides())));
  }
}
