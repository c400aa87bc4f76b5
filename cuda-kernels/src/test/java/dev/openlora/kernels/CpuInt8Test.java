package dev.openlora.kernels;

import java.io.IOException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Linear layers of int8 weights in C++, by instruction set. */
final class CpuInt8Test {
  @Nested
  final class Avx2 extends Int8LinearContract {
    Avx2() {
      super(CpuIsa.AVX2);
    }
  }

  @Nested
  final class Avx512 extends Int8LinearContract {
    Avx512() {
      super(CpuIsa.AVX512_BF16);
    }

    @Test
    void roundsSumsOnce() throws IOException {
      compareWithExactSums();
    }
  }

  @Nested
  final class Amx extends Int8LinearContract {
    Amx() {
      super(CpuIsa.AMX_BF16);
    }

    @Test
    void roundsSumsOnce() throws IOException {
      compareWithExactSums();
    }
  }
}
