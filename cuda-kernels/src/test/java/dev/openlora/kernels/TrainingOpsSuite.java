package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.kernels.TrainingOps.Precision;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Training operations under test and their fixture. Prints its seed; {@code -Dtests.seed=…} replays
 * one. Arenas, bytes and handles balance after every test.
 */
abstract class TrainingOpsSuite {
  private @Nullable OpenArenas before;
  private long handlesBefore;
  protected TrainingOps ops;
  protected TrainingOpsFixture f;

  /** The operations under test; closed by the suite. */
  protected abstract TrainingOps open(Precision precision) throws Exception;

  @BeforeEach
  final void begin() throws Exception {
    long seed = KernelSeeds.next(getClass().getSimpleName());
    before = OpenArenas.now();
    handlesBefore = Torch.liveHandles();
    ops = open(Precision.F32);
    f = new TrainingOpsFixture(ops, seed);
  }

  @AfterEach
  final void end() {
    f.close();
    ops.close();
    assertThat(OpenArenas.now()).isEqualTo(before);
    assertThat(Torch.liveHandles()).isEqualTo(handlesBefore);
  }
}
