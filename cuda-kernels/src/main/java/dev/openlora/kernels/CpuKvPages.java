package dev.openlora.kernels;

/**
 * Keys and values as the CPU kernels read them: pages of 16 positions, two coordinates of a key and
 * two positions of a value beside each other. A page of the engine is one or more of these.
 */
final class CpuKvPages implements KvPages {
  static final int PAGE = 16;

  private final Shape shape;
  private final Tensor[] keys;
  private final Tensor[] values;

  CpuKvPages(TensorArena arena, Shape shape) {
    this.shape = shape;
    keys = new Tensor[shape.layers()];
    values = new Tensor[shape.layers()];
    for (int layer = 0; layer < shape.layers(); layer++) {
      keys[layer] = zeroed(arena);
      values[layer] = zeroed(arena);
    }
  }

  static boolean fits(Shape shape) {
    return shape.dtype() == DType.BF16 && shape.pageSize() % PAGE == 0;
  }

  /** As many elements as {@code ol_kv_elements} says: pairs of coordinates, whatever the size. */
  private Tensor zeroed(TensorArena arena) {
    long pairs = Math.ceilDiv(shape.headSize(), 2);
    return arena.allocateZeroed(
        DType.BF16, 2 * pairs * shape.pages() * shape.pageSize() * shape.kvHeads());
  }

  @Override
  public Shape shape() {
    return shape;
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  /** The kernels' page of a position of a sequence. */
  int page(int[] pageTable, int position) {
    int page = pageTable[position / shape.pageSize()];
    if (page < 0 || page >= shape.pages()) {
      throw new IllegalArgumentException(
          "page: " + page + " (expected: 0 to " + (shape.pages() - 1) + ")");
    }
    return page * (shape.pageSize() / PAGE) + position % shape.pageSize() / PAGE;
  }
}
