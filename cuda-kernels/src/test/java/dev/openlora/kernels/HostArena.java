package dev.openlora.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An arena without libtorch, one allocation per tensor. */
final class HostArena implements TensorArena {
  private final TensorOwner owner;
  private Arena memory = Arena.ofShared();
  private long reserved;
  private boolean closed;

  HostArena(String name) {
    owner = new TensorOwner("arena " + name);
    ArenaBalance.opened();
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public Tensor allocate(DType dtype, long... shape) {
    if (closed) {
      throw new IllegalStateException(owner + ": closed (expected: open)");
    }
    long bytes = dtype.bytes();
    for (long size : shape) {
      bytes = Math.multiplyExact(bytes, size);
    }
    reserved += bytes;
    ArenaBalance.reserved(bytes);
    MemorySegment segment = memory.allocate(Math.max(bytes, 1), 64);
    return Tensor.owned(owner, segment.address(), dtype, Device.CPU, shape);
  }

  @Override
  public Tensor allocateZeroed(DType dtype, long... shape) {
    return allocate(dtype, shape);
  }

  @Override
  public Tensor copyOf(int[] values) {
    Tensor tensor = allocate(DType.I32, values.length);
    MemorySegment.copy(values, 0, tensor.memory(), ValueLayout.JAVA_INT, 0, values.length);
    return tensor;
  }

  @Override
  public Tensor copyOf(float[] values, long... shape) {
    Tensor tensor = allocate(DType.F32, shape);
    tensor.write(values);
    return tensor;
  }

  @Override
  public void reset() {
    release();
    memory = Arena.ofShared();
  }

  private void release() {
    owner.takeBack();
    memory.close();
    ArenaBalance.reserved(-reserved);
    reserved = 0;
  }

  @Override
  public long reservedBytes() {
    return reserved;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      release();
      ArenaBalance.closed();
    }
  }
}
