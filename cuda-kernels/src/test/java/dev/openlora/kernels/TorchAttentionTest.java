package dev.openlora.kernels;

import java.io.IOException;

final class TorchAttentionTest extends AttentionContract {
  @Override
  protected Ops open() throws IOException {
    return TorchUnderTest.open();
  }
}
