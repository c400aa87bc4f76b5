package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Operations under test and their fixture. Prints its seed; {@code -Dtests.seed=…} replays one. The
 * arenas and their bytes balance after every test.
 */
abstract class OpsSuite {
  private long seed;
  private long bytesBefore;
  private int arenasBefore;
  protected Ops ops;
  protected OpsFixture f;

  /** The operations under test; closed by the suite. */
  protected abstract Ops open() throws Exception;

  @BeforeEach
  final void begin() throws Exception {
    String given = System.getProperty("tests.seed");
    boolean replay = given != null && given.matches("-?[0-9]+");
    seed = replay ? Long.parseLong(given) : System.nanoTime();
    System.out.println(getClass().getSimpleName() + ": -Dtests.seed=" + seed);
    bytesBefore = TensorArena.openBytes();
    arenasBefore = TensorArena.openArenas();
    ops = open();
    f = new OpsFixture(ops, seed);
  }

  @AfterEach
  final void end() {
    f.close();
    ops.close();
    assertThat(TensorArena.openBytes()).isEqualTo(bytesBefore);
    assertThat(TensorArena.openArenas()).isEqualTo(arenasBefore);
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
