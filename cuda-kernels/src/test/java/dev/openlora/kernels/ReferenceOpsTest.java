package dev.openlora.kernels;

/** The twin keeps the contract itself: its shapes, guards and arenas. */
final class ReferenceOpsTest extends OpsContract {
  @Override
  protected Ops open() {
    return new ReferenceOps();
  }
}
