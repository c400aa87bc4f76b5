package dev.openlora.kernels;

/** The keys and values of all layers, in pages of {@code pageSize} positions. */
public interface KvPages {
  Shape shape();

  /** How many pages of what size. dtype: F32 or BF16. */
  record Shape(int layers, int pages, int pageSize, int kvHeads, int headSize, DType dtype) {
    public Shape {
      if (layers < 1 || pages < 1 || pageSize < 1 || kvHeads < 1 || headSize < 1) {
        throw new IllegalArgumentException(
            "kv pages: "
                + layers
                + " layers, "
                + pages
                + " pages of "
                + pageSize
                + ", "
                + kvHeads
                + " heads of "
                + headSize
                + " (expected: all at least 1)");
      }
    }

    /** Keys and values of one page in all layers. */
    public long bytesPerPage() {
      return 2L * layers * pageSize * kvHeads * headSize * dtype.bytes();
    }
  }
}
