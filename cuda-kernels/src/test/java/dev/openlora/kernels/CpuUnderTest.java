package dev.openlora.kernels;

import java.io.IOException;

/** The CPU kernels in tests, each instruction set up to the machine's own. */
final class CpuUnderTest {
  private CpuUnderTest() {}

  static CpuOps open(CpuIsa best, int threads) throws IOException {
    return CpuOps.open(TorchUnderTest.open(), new CpuOps.Options(threads, best, 5_000));
  }

  /** With weights rounded to int8. */
  static CpuOps openInt8(CpuIsa best, int threads) throws IOException {
    CpuOps.Options options = new CpuOps.Options(threads, best, 5_000);
    return CpuOps.open(TorchUnderTest.open(), options.withWeights(CpuOps.Weights.INT8));
  }

  /** With weights rounded to int8; rows keep their bits. */
  static CpuOps openInt8Deterministic(CpuIsa best, int threads) throws IOException {
    CpuOps.Options options = new CpuOps.Options(threads, best, 5_000);
    return CpuOps.open(
        TorchUnderTest.open(), options.withWeights(CpuOps.Weights.INT8).withDeterministic(true));
  }

  /** Without libtorch: over the reference, in its memory; rows keep their bits. */
  static CpuOps openOverReference(CpuIsa best, int threads) throws IOException {
    CpuOps.Options options = new CpuOps.Options(threads, best, 5_000);
    return CpuOps.open(new ReferenceOps(), options.withDeterministic(true));
  }

  /** Without libtorch, in guarded memory, packed weights and pages of keys too. */
  static CpuOps openGuarded(CpuIsa best, int threads, GuardedMemory.Side side) throws IOException {
    Ops twin = new ReferenceOps(name -> new GuardedMemory(name, side));
    return CpuOps.open(twin, new CpuOps.Options(threads, best, 5_000));
  }
}
