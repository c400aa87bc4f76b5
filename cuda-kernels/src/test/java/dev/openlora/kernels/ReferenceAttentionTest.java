package dev.openlora.kernels;

final class ReferenceAttentionTest extends AttentionContract {
  @Override
  protected Ops open() {
    return new ReferenceOps();
  }
}
