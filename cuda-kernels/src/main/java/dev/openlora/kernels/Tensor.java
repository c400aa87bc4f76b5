package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A strided view of memory that an arena or a mapped file owns: address, shape, strides (in
 * elements), dtype and device. Holds nothing that has to be freed: the torch handle that operations
 * keep on it is its owner's to free. Reading and writing elements works on host tensors only.
 * Immutable itself; its elements belong to whoever the arena's rules say.
 */
public final class Tensor {
  private static final AtomicLong COUNT = new AtomicLong();

  private final long id = COUNT.incrementAndGet();
  private final long address;
  private final long[] shape;
  private final long[] strides;
  private final DType dtype;
  private final Device device;
  private final @Nullable TensorOwner owner;
  private final int generation;
  private final boolean view;
  private long handle;
  private long transposedHandle;

  private Tensor(
      long address,
      long[] shape,
      long[] strides,
      DType dtype,
      Device device,
      @Nullable TensorOwner owner,
      int generation,
      boolean view) {
    this.address = address;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
    this.device = device;
    this.owner = owner;
    this.generation = generation;
    this.view = view;
  }

  /** A contiguous tensor at an address whose memory outlives it. */
  static Tensor at(long address, DType dtype, Device device, long... shape) {
    return new Tensor(
        address, shape.clone(), contiguousStrides(shape), dtype, device, null, 0, false);
  }

  /** A contiguous tensor in the memory of an owner, who frees what operations keep on it. */
  static Tensor owned(TensorOwner owner, long address, DType dtype, Device device, long... shape) {
    return new Tensor(
        address,
        shape.clone(),
        contiguousStrides(shape),
        dtype,
        device,
        owner,
        owner.generation(),
        false);
  }

  private static long[] contiguousStrides(long[] shape) {
    long[] strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] < 0) {
        throw new IllegalArgumentException(
            "shape: " + Arrays.toString(shape) + " (expected: no negative size)");
      }
      strides[i] = stride;
      stride = Math.multiplyExact(stride, shape[i]);
    }
    return strides;
  }

  /**
   * A torch handle of this tensor: kept until its owner frees it, or, where no owner would in time
   * (a view, memory of nobody), added to {@code passing}.
   */
  long handle(Torch torch, TorchHandles passing) {
    checkAlive();
    if (owner == null || view) {
      return passing.add(torch.view(this));
    }
    if (handle == 0) {
      handle = torch.view(this);
      owner.own(torch, handle);
    }
    return handle;
  }

  /** What no other tensor of this process ever has; from 1. */
  long id() {
    return id;
  }

  /** Whether it is all of what was allocated, so that its handles are kept. */
  boolean isRoot() {
    return owner != null && !view;
  }

  /** Like {@link #handle}, of the transposed matrix. */
  long transposedHandle(Torch torch, TorchHandles passing) {
    checkAlive();
    if (owner == null || view) {
      return passing.add(torch.view(transpose()));
    }
    if (transposedHandle == 0) {
      transposedHandle = torch.view(transpose());
      owner.own(torch, transposedHandle);
    }
    return transposedHandle;
  }

  /** Whether its arena has been neither reset nor closed since. */
  boolean isAlive() {
    return owner == null || owner.generation() == generation;
  }

  /** Refuses a tensor whose arena has been reset or closed since. */
  void checkAlive() {
    if (!isAlive()) {
      throw new IllegalStateException(
          "tensor: " + this + " of " + owner + " (expected: in use before its reset or close)");
    }
  }

  private Tensor derived(long address, long[] shape, long[] strides) {
    return new Tensor(address, shape, strides, dtype, device, owner, generation, true);
  }

  /** The device address of the first element. */
  public long address() {
    return address;
  }

  public int rank() {
    return shape.length;
  }

  /** The size of a dimension; negative dimensions count from the last. */
  public long size(int dimension) {
    return shape[dimension < 0 ? dimension + shape.length : dimension];
  }

  public long[] shape() {
    return shape.clone();
  }

  public long[] strides() {
    return strides.clone();
  }

  public DType dtype() {
    return dtype;
  }

  public Device device() {
    return device;
  }

  /** Number of elements. */
  public long elements() {
    long n = 1;
    for (long size : shape) {
      n *= size;
    }
    return n;
  }

  /** Bytes of its elements, not of what lies between them. */
  public long bytes() {
    return elements() * dtype.bytes();
  }

  public boolean isContiguous() {
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] != 1 && strides[i] != stride) {
        return false;
      }
      stride *= shape[i];
    }
    return true;
  }

  /** Rows [from, to) of the first dimension. */
  public Tensor rows(long from, long to) {
    if (from < 0 || to < from || to > shape[0]) {
      throw new IllegalArgumentException(
          "rows: ["
              + from
              + ", "
              + to
              + ") of "
              + this
              + " (expected: within the first dimension)");
    }
    long[] sizes = shape.clone();
    sizes[0] = to - from;
    return derived(address + from * strides[0] * dtype.bytes(), sizes, strides);
  }

  /** The same elements in another shape; contiguous tensors only. */
  public Tensor reshape(long... sizes) {
    Tensor other = derived(address, sizes.clone(), contiguousStrides(sizes));
    if (!isContiguous() || other.elements() != elements()) {
      throw new IllegalArgumentException(
          "reshape: "
              + this
              + " to "
              + Arrays.toString(sizes)
              + " (expected: contiguous, the same number of elements)");
    }
    return other;
  }

  /** The matrix [columns, rows] over the same elements. */
  public Tensor transpose() {
    if (shape.length != 2) {
      throw new IllegalArgumentException("transpose: " + this + " (expected: two dimensions)");
    }
    return derived(address, new long[] {shape[1], shape[0]}, new long[] {strides[1], strides[0]});
  }

  /**
   * A view with sizes and strides of its own, {@code offset} elements on; the caller keeps within
   * the memory.
   */
  Tensor view(long offset, long[] sizes, long[] strides) {
    return derived(address + offset * dtype.bytes(), sizes.clone(), strides.clone());
  }

  /**
   * Copies row {@code row} of a contiguous host tensor (all dimensions but the first) as floats,
   * BF16 widened.
   */
  public void readRow(long row, float[] into) {
    int width = Math.toIntExact(elements() / shape[0]);
    if (into.length < width) {
      throw new IllegalArgumentException(
          "row: " + into.length + " floats (expected: at least " + width + ")");
    }
    MemorySegment memory = memory();
    switch (dtype) {
      case F32 ->
          MemorySegment.copy(memory, ValueLayout.JAVA_FLOAT, row * width * 4L, into, 0, width);
      case BF16 -> {
        for (int i = 0; i < width; i++) {
          short bits = memory.getAtIndex(ValueLayout.JAVA_SHORT, row * width + i);
          into[i] = Float.intBitsToFloat(bits << 16);
        }
      }
      case I32, I64 ->
          throw new IllegalArgumentException("readRow: " + this + " (expected: F32 or BF16)");
    }
  }

  /** Copies row {@code row} of a contiguous I32 host tensor (all dimensions but the first). */
  public void readRow(long row, int[] into) {
    int width = Math.toIntExact(elements() / shape[0]);
    if (dtype != DType.I32 || into.length < width) {
      throw new IllegalArgumentException(
          "readRow: " + this + " into " + into.length + " ints (expected: I32, at most as many)");
    }
    MemorySegment.copy(memory(), ValueLayout.JAVA_INT, row * width * 4L, into, 0, width);
  }

  /** All elements of a contiguous host tensor as floats. */
  public float[] toFloats() {
    float[] all = new float[Math.toIntExact(elements())];
    if (all.length > 0) {
      reshape(1, elements()).readRow(0, all);
    }
    return all;
  }

  /** Overwrites a contiguous F32 or BF16 host tensor; BF16 rounds to nearest even. */
  public void write(float[] values) {
    if (values.length != elements()) {
      throw new IllegalArgumentException("write: " + values.length + " floats into " + this);
    }
    if (owner != null && owner.isReadOnly()) {
      throw new IllegalArgumentException("write: " + owner + " (expected: memory of our own)");
    }
    MemorySegment memory = memory();
    switch (dtype) {
      case F32 -> MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_FLOAT, 0, values.length);
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          memory.setAtIndex(ValueLayout.JAVA_SHORT, i, toBfloat16(values[i]));
        }
      }
      case I32, I64 ->
          throw new IllegalArgumentException("write: " + this + " (expected: F32 or BF16)");
    }
  }

  /** Overwrites a contiguous I32 host tensor. */
  void write(int[] values) {
    if (values.length != elements() || dtype != DType.I32) {
      throw new IllegalArgumentException("write: " + values.length + " ints into " + this);
    }
    MemorySegment.copy(values, 0, memory(), ValueLayout.JAVA_INT, 0, values.length);
  }

  /** The nearest bfloat16, ties to even; NaN stays NaN. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  /** The memory of a contiguous host tensor. */
  MemorySegment memory() {
    checkAlive();
    if (device.kind() != Device.Kind.CPU || !isContiguous()) {
      throw new IllegalArgumentException(
          "memory: " + this + " (expected: contiguous, on the host)");
    }
    return MemorySegment.ofAddress(address).reinterpret(bytes());
  }

  @Override
  public String toString() {
    return dtype
        + Arrays.toString(shape)
        + (isContiguous() ? "" : " strides " + Arrays.toString(strides))
        + " on "
        + device;
  }
}
