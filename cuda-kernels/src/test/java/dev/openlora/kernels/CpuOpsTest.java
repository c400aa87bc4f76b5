package dev.openlora.kernels;

import java.io.IOException;
import org.junit.jupiter.api.Nested;

/** The C++ kernels against their twin, by instruction set. */
final class CpuOpsTest {
  @Nested
  final class Avx2 extends OpsContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX2, 2);
    }
  }

  @Nested
  final class Avx512 extends OpsContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX512_BF16, 2);
    }
  }

  @Nested
  final class Amx extends OpsContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AMX_BF16, 3);
    }
  }

  @Nested
  final class Avx2Adapters extends AdapterContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX2, 2);
    }
  }

  @Nested
  final class Avx512Adapters extends AdapterContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX512_BF16, 2);
    }
  }

  @Nested
  final class AmxAdapters extends AdapterContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AMX_BF16, 3);
    }
  }
}
