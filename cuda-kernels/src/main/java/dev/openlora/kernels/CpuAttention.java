package dev.openlora.kernels;

/** A batch's rows and pages as the CPU kernels take them, once for all layers. */
final class CpuAttention implements AttentionPlan {
  private final CpuKvPages pages;
  private final AttentionBatch batch;
  private final Tensor starts;
  private final Tensor lengths;
  private final Tensor tables;
  private final Tensor pageIds;
  private final Tensor slots;

  CpuAttention(TensorArena step, CpuKvPages pages, AttentionBatch batch) {
    Shapes.plan(batch, pages.shape());
    this.pages = pages;
    this.batch = batch;
    int sequences = batch.sequences();
    int[] tableStarts = new int[sequences + 1];
    for (int s = 0; s < sequences; s++) {
      tableStarts[s + 1] = tableStarts[s] + Math.ceilDiv(batch.kvLengths()[s], CpuKvPages.PAGE);
    }
    int[] ids = new int[tableStarts[sequences]];
    int[] rowSlots = new int[batch.rows()];
    int row = 0;
    for (int s = 0; s < sequences; s++) {
      int[] table = batch.pageTables()[s];
      int length = batch.kvLengths()[s];
      for (int i = tableStarts[s]; i < tableStarts[s + 1]; i++) {
        ids[i] = pages.page(table, (i - tableStarts[s]) * CpuKvPages.PAGE);
      }
      for (int position = length - batch.queryRows(s); position < length; position++) {
        rowSlots[row++] =
            ids[tableStarts[s] + position / CpuKvPages.PAGE] * CpuKvPages.PAGE
                + position % CpuKvPages.PAGE;
      }
    }
    starts = step.copyOf(batch.queryStarts());
    lengths = step.copyOf(batch.kvLengths());
    tables = step.copyOf(tableStarts);
    pageIds = step.copyOf(ids);
    slots = step.copyOf(rowSlots);
  }

  @Override
  public AttentionBatch batch() {
    return batch;
  }

  CpuKvPages pages() {
    return pages;
  }

  /** First rows of the sequences, [sequences + 1]. */
  Tensor starts() {
    return starts;
  }

  /** Positions of the sequences, [sequences]. */
  Tensor lengths() {
    return lengths;
  }

  /** Where a sequence's pages begin in {@link #pageIds}, [sequences + 1]. */
  Tensor tables() {
    return tables;
  }

  Tensor pageIds() {
    return pageIds;
  }

  /** Where each row's keys and values go, [rows]. */
  Tensor slots() {
    return slots;
  }
}
