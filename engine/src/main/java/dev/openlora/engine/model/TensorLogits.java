package dev.openlora.engine.model;

import dev.openlora.engine.sampling.Logits;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import org.jspecify.annotations.Nullable;

/**
 * Rows of logits in host memory, one at a time. The best of all rows are found together, when the
 * first row is asked for its own; a whole row is copied to Java only on demand. Engine thread only.
 */
public final class TensorLogits implements Logits {
  private final Ops ops;
  private final TensorArena host;
  private final Best best;
  private final float[] all;
  private @Nullable Tensor rows;
  private @Nullable Ranking ranking;
  private int row;
  private boolean bestIsRead;
  private boolean allIsRead;

  /** The best of every row: ids and values [rows, k]. */
  private record Ranking(Tensor ids, Tensor values) {}

  /**
   * Without rows yet.
   *
   * @param host where results lie; the caller resets it before it takes other rows
   */
  public TensorLogits(Ops ops, TensorArena host, int vocabularySize) {
    this.ops = ops;
    this.host = host;
    int k = Math.min(Ops.TOP_MOST, vocabularySize);
    best = new Best(new int[k], new float[k]);
    all = new float[vocabularySize];
  }

  /**
   * Takes other rows.
   *
   * @param logits [rows, vocabulary], contiguous, on the host; kept, not copied
   */
  public void take(Tensor logits) {
    rows = logits;
    ranking = null;
  }

  /** One of the rows, until the next is asked for. */
  public Logits at(int index) {
    row = index;
    bestIsRead = false;
    allIsRead = false;
    return this;
  }

  private Tensor rows() {
    Tensor taken = rows;
    if (taken == null) {
      throw new IllegalStateException("logits: no rows (expected: taken before)");
    }
    return taken;
  }

  @Override
  public int vocabularySize() {
    return all.length;
  }

  @Override
  public Best best() {
    if (!bestIsRead) {
      Ranking found = ranking;
      if (found == null) {
        found = rank(rows());
        ranking = found;
      }
      found.ids().readRow(row, best.ids());
      found.values().readRow(row, best.values());
      bestIsRead = true;
    }
    return best;
  }

  private Ranking rank(Tensor logits) {
    long k = best.ids().length;
    Tensor ids = host.allocate(DType.I32, logits.size(0), k);
    Tensor values = host.allocate(DType.F32, logits.size(0), k);
    ops.topK(values, ids, logits);
    return new Ranking(ids, values);
  }

  @Override
  public double sumExp(double scale) {
    return ops.sumExp(rows().rows(row, row + 1L), best().values()[0], scale);
  }

  @Override
  public float[] all() {
    if (!allIsRead) {
      rows().readRow(row, all);
      allIsRead = true;
    }
    return all;
  }
}
