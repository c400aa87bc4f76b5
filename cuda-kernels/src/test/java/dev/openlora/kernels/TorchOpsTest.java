package dev.openlora.kernels;

import java.io.IOException;

final class TorchOpsTest extends OpsContract {
  @Override
  protected Ops open() throws IOException {
    return TorchUnderTest.open();
  }
}
