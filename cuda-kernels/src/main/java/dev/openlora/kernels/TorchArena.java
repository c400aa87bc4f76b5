package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * An arena whose chunks come from torch's allocator, so that host and device memory are had alike.
 * A chunk is at least twice the one before it, up to a limit; a tensor that is larger gets a chunk
 * of its own size.
 */
final class TorchArena implements TensorArena {
  private static final long ALIGNMENT = 64;
  private static final long FIRST_CHUNK_BYTES = 64L << 10;
  private static final long GROWN_CHUNK_BYTES = 64L << 20;

  private record Chunk(long handle, long address, long bytes) {}

  private final Torch torch;
  private final Device device;
  private final TensorOwner owner;
  private final List<Chunk> chunks = new ArrayList<>();
  private int current;
  private long used;
  private long reserved;
  private boolean closed;

  TorchArena(Torch torch, Device device, String name) {
    this.torch = torch;
    this.device = device;
    this.owner = new TensorOwner("arena " + name);
    ArenaBalance.opened();
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public Tensor allocate(DType dtype, long... shape) {
    long bytes = dtype.bytes();
    for (long size : shape) {
      bytes = Math.multiplyExact(bytes, size);
    }
    return Tensor.owned(owner, place(bytes), dtype, device, shape);
  }

  private long place(long bytes) {
    if (closed) {
      throw new IllegalStateException(owner + ": closed (expected: open)");
    }
    long needed = Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    while (current < chunks.size() && chunks.get(current).bytes() - used < needed) {
      current++;
      used = 0;
    }
    if (current == chunks.size()) {
      grow(needed);
    }
    long address = chunks.get(current).address() + used;
    used += needed;
    return address;
  }

  /** A torch handle of a view of this arena's memory, freed with the arena's tensors. */
  long keep(Tensor view) {
    long handle = torch.view(view);
    owner.own(torch, handle);
    return handle;
  }

  private void grow(long needed) {
    long last = chunks.isEmpty() ? FIRST_CHUNK_BYTES / 2 : chunks.getLast().bytes();
    long size = Math.max(needed, Math.min(2 * last, GROWN_CHUNK_BYTES));
    long handle = torch.allocate(size + ALIGNMENT, device);
    long address = (torch.address(handle) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    chunks.add(new Chunk(handle, address, size));
    reserved += size;
    ArenaBalance.reserved(size);
  }

  @Override
  public Tensor copyOf(int[] values) {
    Tensor tensor = allocate(DType.I32, values.length);
    if (device.kind() == Device.Kind.CPU) {
      MemorySegment.copy(values, 0, tensor.memory(), ValueLayout.JAVA_INT, 0, values.length);
    } else {
      upload(tensor, values.length, host -> host.copyOf(values));
    }
    return tensor;
  }

  @Override
  public Tensor copyOf(float[] values, long... shape) {
    Tensor tensor = allocate(DType.F32, shape);
    if (values.length != tensor.elements()) {
      throw new IllegalArgumentException(
          "copyOf: " + values.length + " floats into " + tensor + " (expected: as many as it has)");
    }
    if (device.kind() == Device.Kind.CPU) {
      tensor.write(values);
    } else {
      upload(tensor, values.length, host -> host.copyOf(values, shape));
    }
    return tensor;
  }

  private interface HostCopy {
    Tensor in(TensorArena host);
  }

  private void upload(Tensor tensor, int elements, HostCopy values) {
    if (elements == 0) {
      return;
    }
    try (TorchArena host = new TorchArena(torch, Device.CPU, "upload")) {
      TorchHandles passing = new TorchHandles();
      try {
        torch.copy(tensor.handle(torch, passing), values.in(host).handle(torch, passing));
      } finally {
        passing.freeAll(torch);
      }
    }
  }

  @Override
  public void reset() {
    owner.takeBack();
    current = 0;
    used = 0;
  }

  @Override
  public long reservedBytes() {
    return reserved;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    owner.takeBack();
    for (Chunk chunk : chunks) {
      torch.delete(chunk.handle());
    }
    chunks.clear();
    ArenaBalance.reserved(-reserved);
    reserved = 0;
    ArenaBalance.closed();
  }

  @Override
  public String toString() {
    return owner + " on " + device;
  }
}
