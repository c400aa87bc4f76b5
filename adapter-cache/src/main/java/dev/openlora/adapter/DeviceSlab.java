package dev.openlora.adapter;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import org.jspecify.annotations.Nullable;

/**
 * The one piece of device memory of an adapter version: first every tensor reserves its place, then
 * the whole is allocated at its exact size, then the places are filled. So the bytes are known, and
 * can be refused, before any is taken. Loader thread only; the tensors are for any thread.
 */
final class DeviceSlab {
  private static final long ALIGNMENT_BYTES = 64;

  private final DType dtype;
  private long elements;
  private @Nullable Tensor memory;

  /** A reserved place. */
  record Slot(long offset, long[] shape) {
    long elements() {
      long n = 1;
      for (long size : shape) {
        n *= size;
      }
      return n;
    }
  }

  DeviceSlab(DType dtype) {
    this.dtype = dtype;
  }

  Slot reserve(long... shape) {
    Slot slot = new Slot(elements, shape.clone());
    long step = ALIGNMENT_BYTES / dtype.bytes();
    elements = Math.addExact(elements, (slot.elements() + step - 1) / step * step);
    return slot;
  }

  long bytes() {
    return elements * dtype.bytes();
  }

  DType dtype() {
    return dtype;
  }

  void allocate(TensorArena arena) {
    memory = arena.allocate(dtype, elements);
  }

  /** The view of a place; null stays null. */
  @Nullable Tensor tensor(@Nullable Slot slot) {
    return slot == null ? null : view(slot);
  }

  Tensor view(Slot slot) {
    if (memory == null) {
      throw new IllegalStateException("slab: not allocated (expected: allocate first)");
    }
    return memory.rows(slot.offset(), slot.offset() + slot.elements()).reshape(slot.shape());
  }

  void write(Ops ops, Slot slot, float[] values) {
    Tensor into = view(slot);
    if (into.device().kind() == Device.Kind.CPU) {
      into.write(values);
      return;
    }
    try (TensorArena staging = ops.newArena("adapter upload")) {
      ops.copy(into, staging.copyOf(values, slot.shape()));
    }
  }
}
