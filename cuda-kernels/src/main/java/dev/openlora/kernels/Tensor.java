package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A strided view of memory that an arena or a mapped file owns: address, shape, strides (in
 * elements), dtype and device. Holds nothing that has to be freed. Reading and writing elements
 * works on host tensors only. Immutable itself; its elements belong to whoever the arena's rules
 * say.
 */
public final class Tensor {
  private final long address;
  private final long[] shape;
  private final long[] strides;
  private final DType dtype;
  private final Device device;

  private Tensor(long address, long[] shape, long[] strides, DType dtype, Device device) {
    this.address = address;
    this.shape = shape;
    this.strides = strides;
    this.dtype = dtype;
    this.device = device;
  }

  /** A contiguous tensor at an address whose memory outlives it. */
  static Tensor at(long address, DType dtype, Device device, long... shape) {
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
    return new Tensor(address, shape.clone(), strides, dtype, device);
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
    return new Tensor(address + from * strides[0] * dtype.bytes(), sizes, strides, dtype, device);
  }

  /** The same elements in another shape; contiguous tensors only. */
  public Tensor reshape(long... sizes) {
    Tensor other = at(address, dtype, device, sizes);
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
    return new Tensor(
        address,
        new long[] {shape[1], shape[0]},
        new long[] {strides[1], strides[0]},
        dtype,
        device);
  }

  /**
   * A view with sizes and strides of its own, {@code offset} elements on; the caller keeps within
   * the memory.
   */
  Tensor view(long offset, long[] sizes, long[] strides) {
    return new Tensor(
        address + offset * dtype.bytes(), sizes.clone(), strides.clone(), dtype, device);
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
