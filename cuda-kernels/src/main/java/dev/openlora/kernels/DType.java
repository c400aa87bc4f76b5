package dev.openlora.kernels;

/** An element type, with its width and the code that PyTorch gives it (c10/core/ScalarType.h). */
public enum DType {
  F32(4, 6),
  BF16(2, 15),
  I32(4, 3),
  I64(8, 4);

  private final int bytes;
  private final int torchCode;

  DType(int bytes, int torchCode) {
    this.bytes = bytes;
    this.torchCode = torchCode;
  }

  public int bytes() {
    return bytes;
  }

  int torchCode() {
    return torchCode;
  }
}
