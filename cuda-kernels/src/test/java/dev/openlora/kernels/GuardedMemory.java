package dev.openlora.kernels;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * An arena whose tensors each lie against a page that nobody may read or write: a touch ends the
 * process. New tensors are NaN in every type. Aligned to 64 bytes only where the size is.
 */
final class GuardedMemory implements TensorArena {
  /** Where the page lies that a tensor has no byte between. */
  enum Side {
    BEFORE,
    BEHIND
  }

  private static final long PAGE_BYTES = 4096;
  private static final int NO_ACCESS = 0;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final MethodHandle MMAP = function("mmap", LONG, LONG, LONG, INT, INT, INT, LONG);
  private static final MethodHandle MPROTECT = function("mprotect", INT, LONG, LONG, INT);
  private static final MethodHandle MUNMAP = function("munmap", INT, LONG, LONG);

  private record Mapping(long address, long bytes) {}

  private final TensorOwner owner;
  private final Side side;
  private final List<Mapping> mappings = new ArrayList<>();
  private boolean closed;

  GuardedMemory(String name, Side side) {
    owner = new TensorOwner("guarded arena " + name);
    this.side = side;
    ArenaBalance.opened();
  }

  private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... args) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, args));
  }

  /** The address of a page that nobody may touch; it stays. */
  static long forbiddenPage() {
    try {
      return mapped(PAGE_BYTES);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static long mapped(long bytes) throws Throwable {
    long address = (long) MMAP.invokeExact(0L, bytes, NO_ACCESS, PRIVATE_ANONYMOUS, -1, 0L);
    if (address == -1) {
      throw new OutOfMemoryError("mmap: " + bytes + " bytes");
    }
    return address;
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
    long usable = Math.max(1, Math.ceilDiv(bytes, PAGE_BYTES)) * PAGE_BYTES;
    long first;
    try {
      Mapping mapping = new Mapping(mapped(usable + 2 * PAGE_BYTES), usable + 2 * PAGE_BYTES);
      mappings.add(mapping);
      ArenaBalance.reserved(mapping.bytes());
      first = mapping.address() + PAGE_BYTES;
      if ((int) MPROTECT.invokeExact(first, usable, READ_WRITE) != 0) {
        throw new OutOfMemoryError("mprotect: " + usable + " bytes");
      }
    } catch (Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    MemorySegment.ofAddress(first).reinterpret(usable).fill((byte) 0xFF);
    long address = side == Side.BEHIND ? first + usable - bytes : first;
    return Tensor.owned(owner, address, dtype, Device.CPU, shape);
  }

  @Override
  public Tensor allocateZeroed(DType dtype, long... shape) {
    Tensor tensor = allocate(dtype, shape);
    tensor.memory().fill((byte) 0);
    return tensor;
  }

  @Override
  public Tensor copyOf(int[] values) {
    Tensor tensor = allocate(DType.I32, values.length);
    MemorySegment.copy(values, 0, tensor.memory(), INT, 0, values.length);
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
    owner.takeBack();
    for (Mapping mapping : mappings) {
      try {
        int status = (int) MUNMAP.invokeExact(mapping.address(), mapping.bytes());
        if (status != 0) {
          throw new IllegalStateException("munmap: " + mapping);
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
      ArenaBalance.reserved(-mapping.bytes());
    }
    mappings.clear();
  }

  @Override
  public long reservedBytes() {
    long bytes = 0;
    for (Mapping mapping : mappings) {
      bytes += mapping.bytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      reset();
      ArenaBalance.closed();
    }
  }
}
