package dev.openlora.kernels;

/**
 * Keys and values of each layer as [kvHeads · slots, headSize], slot = page · pageSize + offset:
 * the positions of one head lie together, so what a sequence reads of a head is one matrix.
 */
final class TorchKvPages implements KvPages {
  private final Shape shape;
  private final Tensor[] keys;
  private final Tensor[] values;

  TorchKvPages(TensorArena arena, Shape shape) {
    this.shape = shape;
    this.keys = new Tensor[shape.layers()];
    this.values = new Tensor[shape.layers()];
    for (int layer = 0; layer < shape.layers(); layer++) {
      keys[layer] = zeroed(arena);
      values[layer] = zeroed(arena);
    }
  }

  private Tensor zeroed(TensorArena arena) {
    return arena.allocateZeroed(shape.dtype(), shape.kvHeads() * slots(), shape.headSize());
  }

  @Override
  public Shape shape() {
    return shape;
  }

  /** Positions that fit, of all sequences together. */
  long slots() {
    return (long) shape.pages() * shape.pageSize();
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  /** Where a position of a sequence lies. */
  long slot(int[] pageTable, int position) {
    int page = pageTable[position / shape.pageSize()];
    if (page < 0 || page >= shape.pages()) {
      throw new IllegalArgumentException(
          "page: " + page + " (expected: 0 to " + (shape.pages() - 1) + ")");
    }
    return (long) page * shape.pageSize() + position % shape.pageSize();
  }
}
