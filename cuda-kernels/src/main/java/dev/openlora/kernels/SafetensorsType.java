package dev.openlora.kernels;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The element types of a safetensors file, with their width and, where we have it, our type. */
public enum SafetensorsType {
  F64(8, null),
  F32(4, DType.F32),
  F16(2, null),
  BF16(2, DType.BF16),
  F8_E4M3(1, null),
  F8_E5M2(1, null),
  I64(8, DType.I64),
  I32(4, DType.I32),
  I16(2, null),
  I8(1, null),
  U64(8, null),
  U32(4, null),
  U16(2, null),
  U8(1, null),
  BOOL(1, null);

  private final int bytes;
  private final @Nullable DType dtype;

  SafetensorsType(int bytes, @Nullable DType dtype) {
    this.bytes = bytes;
    this.dtype = dtype;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The same type among those that tensors have; empty where there is none. */
  public Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }

  static Optional<SafetensorsType> named(String name) {
    for (SafetensorsType type : values()) {
      if (type.name().equals(name)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }
}
