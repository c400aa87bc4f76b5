package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Operations under test and their fixture. Prints its seed; {@code -Dtests.seed=…} replays one. The
 * arenas and their bytes balance after every test.
 */
abstract class OpsSuite {
  private @Nullable OpenArenas before;
  protected Ops ops;
  protected OpsFixture f;

  /** The operations under test; closed by the suite. */
  protected abstract Ops open() throws Exception;

  @BeforeEach
  final void begin() throws Exception {
    long seed = KernelSeeds.next(getClass().getSimpleName());
    before = OpenArenas.now();
    ops = open();
    f = new OpsFixture(ops, seed);
  }

  @AfterEach
  final void end() {
    f.close();
    ops.close();
    assertThat(OpenArenas.now()).isEqualTo(before);
  }

  static String named(String what, DType dtype, Object... sizes) {
    return what + " " + dtype + " " + Arrays.toString(sizes);
  }

  static boolean finite(float[] values, int row, int width) {
    for (int i = row * width; i < (row + 1) * width; i++) {
      if (!Float.isFinite(values[i])) {
        return false;
      }
    }
    return true;
  }
}
