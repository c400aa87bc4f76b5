package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * An arena whose chunks are the system's pages on a host, and torch's memory on a device. A chunk
 * is at least twice the one before it, up to a limit; a tensor that is larger gets a chunk of its
 * own size.
 */
final class TorchArena implements TensorArena {
  private static final long ALIGNMENT = 64;
  private static final long FIRST_CHUNK_BYTES = 64L << 10;
  private static final long GROWN_CHUNK_BYTES = 64L << 20;

  /** handle: of torch's memory, 0 for the system's. */
  private record Chunk(long handle, long address, long bytes) {}

  private final Torch torch;
  private final Device device;
  private final TensorOwner owner;
  private final boolean ofTheSystem;
  private final List<Chunk> chunks = new ArrayList<>();
  private final List<Chunk> zeroed = new ArrayList<>();
  private int current;
  private long used;
  private long reserved;
  private boolean closed;

  TorchArena(Torch torch, Device device, String name) {
    this.torch = torch;
    this.device = device;
    this.owner = new TensorOwner("arena " + name);
    this.ofTheSystem = device.kind() == Device.Kind.CPU && HostPages.available();
    ArenaBalance.opened();
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public Tensor allocate(DType dtype, long... shape) {
    checkOpen();
    return Tensor.owned(owner, place(aligned(dtype, shape)), dtype, device, shape);
  }

  @Override
  public Tensor allocateZeroed(DType dtype, long... shape) {
    checkOpen();
    if (ofTheSystem) {
      Chunk chunk = newChunk(Math.max(ALIGNMENT, aligned(dtype, shape)));
      zeroed.add(chunk);
      return Tensor.owned(owner, chunk.address(), dtype, device, shape);
    }
    Tensor tensor = allocate(dtype, shape);
    TorchHandles passing = new TorchHandles();
    try {
      torch.zero(tensor.handle(torch, passing));
    } finally {
      passing.freeAll(torch);
    }
    return tensor;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(owner + ": closed (expected: open)");
    }
  }

  private static long aligned(DType dtype, long... shape) {
    long bytes = dtype.bytes();
    for (long size : shape) {
      bytes = Math.multiplyExact(bytes, size);
    }
    return Math.addExact(bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private long place(long needed) {
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
    chunks.add(newChunk(Math.max(needed, Math.min(2 * last, GROWN_CHUNK_BYTES))));
  }

  private Chunk newChunk(long bytes) {
    Chunk chunk;
    if (ofTheSystem) {
      chunk = new Chunk(0, HostPages.map(bytes), bytes);
    } else {
      long handle = torch.allocate(bytes + ALIGNMENT, device);
      long address = (torch.address(handle) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      chunk = new Chunk(handle, address, bytes);
    }
    reserved += bytes;
    ArenaBalance.reserved(bytes);
    return chunk;
  }

  private void free(List<Chunk> all) {
    for (Chunk chunk : all) {
      if (chunk.handle() == 0) {
        HostPages.unmap(chunk.address(), chunk.bytes());
      } else {
        torch.delete(chunk.handle());
      }
      reserved -= chunk.bytes();
      ArenaBalance.reserved(-chunk.bytes());
    }
    all.clear();
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
    free(zeroed);
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
    free(chunks);
    free(zeroed);
    ArenaBalance.closed();
  }

  @Override
  public String toString() {
    return owner + " on " + device;
  }
}
