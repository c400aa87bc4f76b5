package dev.openlora.kernels;

import java.io.IOException;

final class TorchAdaptersTest extends AdapterContract {
  @Override
  protected Ops open() throws IOException {
    return TorchUnderTest.open();
  }
}
