package dev.openlora.adapter;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;

/** Values of base and slab tensors on the host, where gains and shifts are computed. */
final class HostValues {
  private static final int BLOCK_ROWS = 1_024;

  private HostValues() {}

  static float[] of(Tensor tensor, Ops ops) {
    if (tensor.device().kind() == Device.Kind.CPU) {
      return tensor.toFloats();
    }
    try (TensorArena host = ops.newHostArena("values")) {
      Tensor here = host.allocate(tensor.dtype(), tensor.shape());
      ops.copy(here, tensor);
      return here.toFloats();
    }
  }

  /** Whether values, once in the tensor's dtype, are the tensor's own. */
  static boolean equal(float[] values, Tensor tensor, Ops ops) {
    int width = Math.toIntExact(tensor.size(-1));
    long rows = tensor.size(0);
    if (rows * width != values.length) {
      return false;
    }
    for (long from = 0; from < rows; from += BLOCK_ROWS) {
      long to = Math.min(rows, from + BLOCK_ROWS);
      float[] block = of(tensor.rows(from, to), ops);
      for (int i = 0; i < block.length; i++) {
        if (served(values[Math.toIntExact(from * width) + i], tensor.dtype()) != block[i]) {
          return false;
        }
      }
    }
    return true;
  }

  private static float served(float value, DType dtype) {
    return dtype == DType.BF16 ? Float.intBitsToFloat(Tensor.toBfloat16(value) << 16) : value;
  }
}
