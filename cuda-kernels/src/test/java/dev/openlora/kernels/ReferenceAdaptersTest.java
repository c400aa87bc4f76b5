package dev.openlora.kernels;

final class ReferenceAdaptersTest extends AdapterContract {
  @Override
  protected Ops open() {
    return new ReferenceOps();
  }
}
