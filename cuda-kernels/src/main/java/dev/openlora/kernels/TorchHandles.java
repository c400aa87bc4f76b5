package dev.openlora.kernels;

import java.util.Arrays;

/** Torch handles that are freed together. One thread at a time. */
final class TorchHandles {
  private long[] handles = new long[16];
  private int count;

  long add(long handle) {
    if (count == handles.length) {
      handles = Arrays.copyOf(handles, 2 * count);
    }
    handles[count++] = handle;
    return handle;
  }

  void freeAll(Torch torch) {
    for (int i = 0; i < count; i++) {
      torch.delete(handles[i]);
    }
    count = 0;
  }
}
