package dev.openlora.kernels;

/**
 * Memory for tensors that are freed together. Allocation is a bump of a pointer in chunks that grow
 * on demand, 64-byte aligned, not zeroed. Host and device arenas behave alike. One thread at a
 * time.
 */
public interface TensorArena extends AutoCloseable {
  Device device();

  /** An uninitialised contiguous tensor, valid until {@link #reset} or {@link #close}. */
  Tensor allocate(DType dtype, long... shape);

  /** Like {@link #allocate}, all bits zero; on a host, memory is taken only where it is written. */
  Tensor allocateZeroed(DType dtype, long... shape);

  /** An I32 tensor [values.length] with these values. */
  Tensor copyOf(int[] values);

  /** An F32 tensor of the given shape with these values. */
  Tensor copyOf(float[] values, long... shape);

  /** Frees every tensor but keeps the chunks, for the next step. */
  void reset();

  /** Bytes of its chunks. */
  long reservedBytes();

  @Override
  void close();

  /** Bytes of all open arenas of the process: 0 when nothing leaks. */
  static long openBytes() {
    return ArenaBalance.openBytes();
  }

  /** Arenas that are open in the process. */
  static int openArenas() {
    return ArenaBalance.openArenas();
  }
}
