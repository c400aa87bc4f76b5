package dev.openlora.kernels;

import java.io.IOException;
import org.junit.jupiter.api.Nested;

/** Paged attention in C++ against their twin, by instruction set. */
final class CpuAttentionTest {
  @Nested
  final class Avx2 extends AttentionContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX2, 2);
    }
  }

  @Nested
  final class Avx512 extends AttentionContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AVX512_BF16, 2);
    }
  }

  @Nested
  final class Amx extends AttentionContract {
    @Override
    protected Ops open() throws IOException {
      return CpuUnderTest.open(CpuIsa.AMX_BF16, 3);
    }
  }
}
