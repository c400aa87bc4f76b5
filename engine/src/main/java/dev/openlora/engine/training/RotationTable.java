package dev.openlora.engine.training;

import dev.openlora.engine.model.Architecture;
import dev.openlora.engine.model.RopeTable;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;

/** cos and sin of the positions that batches have had so far; grows by doubling. */
final class RotationTable implements AutoCloseable {
  private static final int FIRST_POSITIONS = 256;

  private final Architecture architecture;
  private final TensorArena arena;
  private int positions;
  private Tensor cos;
  private Tensor sin;

  RotationTable(Architecture architecture, TrainingOps ops) {
    this.architecture = architecture;
    arena = ops.newArena("rotations");
    positions = Math.min(FIRST_POSITIONS, architecture.maxPositions());
    RopeTable table = table();
    cos = arena.copyOf(table.cos(), positions, table.half());
    sin = arena.copyOf(table.sin(), positions, table.half());
  }

  private RopeTable table() {
    return RopeTable.of(architecture.rope(), architecture.headSize(), positions);
  }

  /** Makes room for positions below {@code wanted}; tensors given before are invalid then. */
  void reach(int wanted) {
    int most = architecture.maxPositions();
    if (wanted > most) {
      throw new IllegalArgumentException(
          "positions: " + (wanted - 1) + " (expected: below max_position_embeddings " + most + ")");
    }
    if (wanted <= positions) {
      return;
    }
    positions = (int) Math.min(most, Math.max(wanted, 2L * positions));
    arena.reset();
    RopeTable table = table();
    cos = arena.copyOf(table.cos(), positions, table.half());
    sin = arena.copyOf(table.sin(), positions, table.half());
  }

  /** [positions, headSize / 2] */
  Tensor cos() {
    return cos;
  }

  /** [positions, headSize / 2] */
  Tensor sin() {
    return sin;
  }

  @Override
  public void close() {
    arena.close();
  }
}
