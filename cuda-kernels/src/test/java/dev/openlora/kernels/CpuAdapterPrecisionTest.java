package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an adapter's rows shrink to reaches B with 16 bits of mantissa at least, however many rows
 * there are: beside a base of zeros, in f32, each output is compared with sums in double.
 */
final class CpuAdapterPrecisionTest {
  private static final int[] ROWS = {1, 2, 3, 4, 9, 16, 23, 24, 40, 70};
  private static final int IN = 64;
  private static final int OUT = 48;

  @ParameterizedTest
  @EnumSource(CpuIsa.class)
  void ofWhatRowsShrinkTo(CpuIsa isa) throws IOException {
    try (CpuOps ops = CpuUnderTest.open(isa, 2);
        OpsFixture f = new OpsFixture(ops, KernelSeeds.next("precision " + isa))) {
      for (int rows : ROWS) {
        for (int rank : new int[] {5, 16, 64}) {
          compare(ops, f, rows, rank);
        }
      }
    }
  }

  private static void compare(CpuOps ops, OpsFixture f, int rows, int rank) {
    OpsFixture.Pair x = f.random(DType.BF16, 1, rows, IN);
    OpsFixture.Pair a = f.random(DType.BF16, 0.2, rank, IN);
    OpsFixture.Pair b = f.random(DType.BF16, 1, OUT, rank);
    OpsFixture.Pair zeros = f.of(DType.BF16, new float[OUT * IN], OUT, IN);
    ops.prepare(zeros.fast(), f.arena);
    LoraSegment segment = new LoraSegment(0, rows, a.fast(), b.fast(), 1.5f, null, null);
    Tensor out = f.arena.allocate(DType.F32, rows, OUT);
    ops.linear(out, x.fast(), new AdaptedLinear(zeros.fast(), null, List.of(segment)));
    float[] xs = x.slow().toFloats();
    float[] as = a.slow().toFloats();
    float[] bs = b.slow().toFloats();
    float[] got = f.read(out);
    for (int i = 0; i < rows * OUT; i++) {
      int row = i / OUT;
      double exact = 0;
      double bound = 0;
      for (int r = 0; r < rank; r++) {
        DotProduct shrunk = DotProduct.of(xs, row, as, r, IN);
        double weight = 1.5 * bs[i % OUT * rank + r];
        exact += weight * shrunk.value();
        bound +=
            Math.abs(weight) * (Math.abs(shrunk.value()) * 0x1p-16 + shrunk.magnitude() * 0x1p-18);
      }
      assertThat((double) got[i])
          .as("row %d of %d, output %d, rank %d", row, rows, i % OUT, rank)
          .isBetween(exact - bound, exact + bound);
    }
  }
}
