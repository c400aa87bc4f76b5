package dev.openlora.kernels;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A batch cut into spans, once for all layers: sequences with one row each and about as many
 * positions share a span, a sequence with more rows has its own and is cut into blocks of rows. For
 * each layer a span's keys and values are gathered to [kvHeads · sequences, positions, headSize] in
 * F32, and each block is two batched matrix products around a softmax.
 *
 * <p>A span as wide as its longest sequence is filled up with the other sequences' own last
 * position, which the mask then hides: no row ever reads another's keys, nor what a former owner of
 * a page left there, not even to multiply it by zero.
 */
final class TorchAttention implements AttentionPlan {
  private static final int SPAN_FLOATS_MAX = 16 << 20;
  private static final int BLOCK_SCORES_MAX = 1 << 19;

  /** Puts indices into an arena. */
  interface Upload {
    Tensor upload(TorchArena arena, long[] values);
  }

  /** The memory that all spans and blocks use in turn. */
  private enum Use {
    RAW_KEYS,
    RAW_VALUES,
    KEYS,
    VALUES,
    QUERIES,
    SCORES,
    WEIGHTS,
    OUTPUTS
  }

  /** What the cut depends on besides the batch. */
  private record Cut(int window, int heads, DType dtype) {}

  /** Rows that are worked on together; sequences: 1 where there are several rows of each. */
  private record Block(
      int sequences,
      int rows,
      int firstRow,
      @Nullable Index rowIndex,
      long queries5,
      long queries,
      long keys,
      long values,
      long scores,
      long mask,
      long weights,
      long outputs,
      long outputs5) {}

  /** Rows that do not follow one another: where they are, and a place to bring them together. */
  private record Index(long index, long gathered, Tensor gatheredRows) {}

  /** Positions that are gathered together. */
  private record Span(
      long index, long rawKeys, long rawValues, long keys, long values, List<Block> blocks) {}

  private final Torch torch;
  private final Upload upload;
  private final TorchArena step;
  private final TorchKvPages pages;
  private final KvPages.Shape shape;
  private final AttentionBatch batch;
  private final long writeIndex;
  private final Map<Cut, List<Span>> spans = new HashMap<>();
  private final Map<Use, Tensor> buffers = new EnumMap<>(Use.class);

  TorchAttention(
      Torch torch, Upload upload, TorchArena step, TorchKvPages pages, AttentionBatch batch) {
    this.torch = torch;
    this.upload = upload;
    this.step = step;
    this.pages = pages;
    this.shape = pages.shape();
    this.batch = batch;
    Shapes.plan(batch, shape);
    this.writeIndex = step.keep(upload.upload(step, writeSlots()));
  }

  @Override
  public AttentionBatch batch() {
    return batch;
  }

  private long[] writeSlots() {
    int heads = shape.kvHeads();
    long[] slots = new long[batch.rows() * heads];
    int i = 0;
    for (int s = 0; s < batch.sequences(); s++) {
      int length = batch.kvLengths()[s];
      for (int position = length - batch.queryRows(s); position < length; position++) {
        long slot = pages.slot(batch.pageTables()[s], position);
        for (int head = 0; head < heads; head++) {
          slots[i++] = head * pages.slots() + slot;
        }
      }
    }
    return slots;
  }

  void write(int layer, Tensor k, Tensor v, TorchArena scratch, TorchHandles passing) {
    Shapes.keyValues("writeKv k", k, batch, shape);
    Shapes.keyValues("writeKv v", v, batch, shape);
    Shapes.layer(layer, shape);
    if (batch.rows() == 0) {
      return;
    }
    write(pages.keys(layer), k, scratch, passing);
    write(pages.values(layer), v, scratch, passing);
  }

  private void write(Tensor slots, Tensor x, TorchArena scratch, TorchHandles passing) {
    Tensor packed = x;
    if (x.dtype() != shape.dtype() || !x.isContiguous()) {
      packed = scratch.allocate(shape.dtype(), x.shape());
      torch.copy(packed.handle(torch, passing), x.handle(torch, passing));
    }
    Tensor rows = packed.reshape((long) batch.rows() * shape.kvHeads(), shape.headSize());
    torch.indexCopy(slots.handle(torch, passing), writeIndex, rows.handle(torch, passing));
  }

  void attend(
      int layer,
      Tensor out,
      Tensor q,
      float scale,
      int window,
      TorchArena scratch,
      TorchHandles passing) {
    Shapes.attention(batch, shape, layer, out, q, window);
    if (batch.rows() == 0) {
      return;
    }
    Tensor packedQ = q;
    Tensor packedOut = out;
    if (!rowsArePacked(q) || !rowsArePacked(out) || out.dtype() != q.dtype()) {
      packedQ = scratch.allocate(q.dtype(), q.shape());
      packedOut = scratch.allocate(q.dtype(), out.shape());
      torch.copy(packedQ.handle(torch, passing), q.handle(torch, passing));
    }
    long slotKeys = pages.keys(layer).handle(torch, passing);
    long slotValues = pages.values(layer).handle(torch, passing);
    Cut cut = new Cut(window, Math.toIntExact(q.size(1)), q.dtype());
    List<Span> cutSpans = spans.computeIfAbsent(cut, this::cut);
    for (Span span : cutSpans) {
      gather(slotKeys, span.index(), span.rawKeys(), span.keys());
      gather(slotValues, span.index(), span.rawValues(), span.values());
      for (Block block : span.blocks()) {
        attend(block, packedOut, packedQ, scale, passing);
      }
    }
    if (packedOut != out) {
      torch.copy(out.handle(torch, passing), packedOut.handle(torch, passing));
    }
  }

  private static boolean rowsArePacked(Tensor x) {
    long[] strides = x.strides();
    return strides[2] == 1 && strides[1] == x.size(2);
  }

  private void gather(long slots, long index, long raw, long wide) {
    torch.indexSelect(raw, slots, index);
    if (raw != wide) {
      torch.copy(wide, raw);
    }
  }

  private void attend(Block block, Tensor out, Tensor q, float scale, TorchHandles passing) {
    Index index = block.rowIndex();
    if (index == null) {
      Tensor rows = q.rows(block.firstRow(), block.firstRow() + block.sequences() * block.rows());
      torch.copy(block.queries5(), passing.add(torch.view(byKvHead(rows, block.sequences()))));
    } else {
      torch.indexSelect(index.gathered(), passing.add(torch.view(asMatrix(q))), index.index());
      Tensor rows = index.gatheredRows();
      torch.copy(block.queries5(), passing.add(torch.view(byKvHead(rows, block.sequences()))));
    }
    long self = block.mask() == 0 ? block.scores() : block.mask();
    torch.baddbmm(
        block.scores(), self, block.queries(), block.keys(), block.mask() == 0 ? 0 : 1, scale);
    torch.softmax(block.weights(), block.scores(), 3);
    torch.bmm(block.outputs(), block.weights(), block.values());
    if (index == null) {
      Tensor rows = out.rows(block.firstRow(), block.firstRow() + block.sequences() * block.rows());
      torch.copy(passing.add(torch.view(byKvHead(rows, block.sequences()))), block.outputs5());
    } else {
      Tensor rows = index.gatheredRows();
      torch.copy(passing.add(torch.view(byKvHead(rows, block.sequences()))), block.outputs5());
      torch.indexCopy(passing.add(torch.view(asMatrix(out))), index.index(), index.gathered());
    }
  }

  private static Tensor asMatrix(Tensor x) {
    return x.view(0, new long[] {x.size(0), x.size(1) * x.size(2)}, new long[] {x.strides()[0], 1});
  }

  /** [rows, heads, headSize] seen as [kvHeads, sequences, group, rows of each, headSize]. */
  private Tensor byKvHead(Tensor x, int sequences) {
    long[] strides = x.strides();
    long rows = x.size(0) / sequences;
    long group = x.size(1) / shape.kvHeads();
    return x.view(
        0,
        new long[] {shape.kvHeads(), sequences, group, rows, shape.headSize()},
        new long[] {group * strides[1], rows * strides[0], strides[1], strides[0], strides[2]});
  }

  private List<Span> cut(Cut cut) {
    List<Span> result = new ArrayList<>();
    List<Integer> single = new ArrayList<>();
    for (int s = 0; s < batch.sequences(); s++) {
      if (batch.queryRows(s) == 1) {
        single.add(s);
      } else {
        result.add(ownSpan(cut, s));
      }
    }
    single.sort(Comparator.comparingInt(s -> -visible(cut, s)));
    for (int from = 0; from < single.size(); ) {
      int longest = visible(cut, single.get(from));
      int to = from + 1;
      while (to < single.size() && fits(cut, visible(cut, single.get(to)), longest, to - from)) {
        to++;
      }
      List<Integer> together = new ArrayList<>(single.subList(from, to));
      together.sort(Comparator.naturalOrder());
      result.add(sharedSpan(cut, together));
      from = to;
    }
    return List.copyOf(result);
  }

  private boolean fits(Cut cut, int shortest, int longest, int sequences) {
    long perPosition = (long) shape.kvHeads() * Math.max(shape.headSize(), group(cut));
    return longest <= shortest + shortest / 4 + 16
        && (sequences + 1) * longest * perPosition <= SPAN_FLOATS_MAX;
  }

  private int group(Cut cut) {
    return cut.heads() / shape.kvHeads();
  }

  /** How many positions the first row of a sequence and those after it see together. */
  private int visible(Cut cut, int sequence) {
    int length = batch.kvLengths()[sequence];
    int before = cut.window() == 0 ? length : cut.window() - 1 + batch.queryRows(sequence);
    return Math.min(length, before);
  }

  private Span sharedSpan(Cut cut, List<Integer> sequences) {
    int count = sequences.size();
    int width = 0;
    boolean ragged = false;
    for (int s : sequences) {
      ragged |= width != 0 && width != visible(cut, s);
      width = Math.max(width, visible(cut, s));
    }
    long[] index = new long[shape.kvHeads() * count * width];
    float[] mask = new float[ragged ? shape.kvHeads() * count * width : 0];
    long[] rows = new long[count];
    for (int i = 0; i < count; i++) {
      int s = sequences.get(i);
      rows[i] = batch.queryStarts()[s];
      int last = batch.kvLengths()[s] - 1;
      int first = last + 1 - visible(cut, s);
      for (int t = 0; t < width; t++) {
        long slot = pages.slot(batch.pageTables()[s], Math.min(first + t, last));
        for (int head = 0; head < shape.kvHeads(); head++) {
          int at = (head * count + i) * width + t;
          index[at] = head * pages.slots() + slot;
          if (ragged && first + t > last) {
            mask[at] = Float.NEGATIVE_INFINITY;
          }
        }
      }
    }
    Gathered gathered = gathered(index);
    long batches = (long) shape.kvHeads() * count;
    long maskHandle = 0;
    if (ragged) {
      long[] sizes = {batches, group(cut), width};
      maskHandle =
          step.keep(step.copyOf(mask, batches, width).view(0, sizes, strides(width, 0, 1)));
    }
    boolean consecutive = rows[count - 1] - rows[0] == count - 1;
    Index rowIndex = consecutive ? null : rowIndex(cut, rows);
    Block block =
        block(cut, gathered, count, 1, (int) rows[0], rowIndex, width, 0, width, maskHandle);
    return span(gathered, List.of(block));
  }

  private Index rowIndex(Cut cut, long[] rows) {
    Tensor together = step.allocate(cut.dtype(), rows.length, cut.heads(), shape.headSize());
    return new Index(step.keep(upload.upload(step, rows)), step.keep(asMatrix(together)), together);
  }

  private Span ownSpan(Cut cut, int s) {
    int length = batch.kvLengths()[s];
    int width = visible(cut, s);
    int spanFirst = length - width;
    long[] index = new long[shape.kvHeads() * width];
    for (int t = 0; t < width; t++) {
      long slot = pages.slot(batch.pageTables()[s], spanFirst + t);
      for (int head = 0; head < shape.kvHeads(); head++) {
        index[head * width + t] = head * pages.slots() + slot;
      }
    }
    Gathered gathered = gathered(index);
    List<Block> blocks = new ArrayList<>();
    int rows = batch.queryRows(s);
    int rowsMax = Math.max(1, BLOCK_SCORES_MAX / (width * group(cut)));
    for (int row = (rows - 1) / rowsMax * rowsMax; row >= 0; row -= rowsMax) {
      int blockRows = Math.min(rowsMax, rows - row);
      int firstPosition = length - rows + row;
      int end = firstPosition + blockRows;
      int first = cut.window() == 0 ? 0 : Math.max(0, firstPosition - cut.window() + 1);
      long mask = blockRows == 1 ? 0 : causalMask(cut, firstPosition, blockRows, first, end);
      int firstRow = batch.queryStarts()[s] + row;
      blocks.add(
          block(
              cut,
              gathered,
              1,
              blockRows,
              firstRow,
              null,
              width,
              first - spanFirst,
              end - first,
              mask));
    }
    return span(gathered, List.copyOf(blocks));
  }

  /** Hides from each row what comes after it and what its window has left behind. */
  private long causalMask(Cut cut, int firstPosition, int rows, int first, int end) {
    int width = end - first;
    int group = group(cut);
    float[] mask = new float[group * rows * width];
    for (int row = 0; row < rows; row++) {
      int position = firstPosition + row;
      for (int t = 0; t < width; t++) {
        boolean left = cut.window() != 0 && first + t <= position - cut.window();
        if (first + t > position || left) {
          mask[row * width + t] = Float.NEGATIVE_INFINITY;
        }
      }
    }
    for (int g = 1; g < group; g++) {
      System.arraycopy(mask, 0, mask, g * rows * width, rows * width);
    }
    long[] sizes = {shape.kvHeads(), (long) group * rows, width};
    return step.keep(step.copyOf(mask, mask.length).view(0, sizes, strides(0, width, 1)));
  }

  private record Gathered(Tensor index, Tensor rawKeys, Tensor rawValues, Tensor k, Tensor v) {}

  private Gathered gathered(long[] index) {
    Tensor rawKeys = buffer(Use.RAW_KEYS, shape.dtype(), index.length, shape.headSize());
    Tensor rawValues = buffer(Use.RAW_VALUES, shape.dtype(), index.length, shape.headSize());
    boolean wide = shape.dtype() == DType.F32;
    return new Gathered(
        upload.upload(step, index),
        rawKeys,
        rawValues,
        wide ? rawKeys : buffer(Use.KEYS, DType.F32, index.length, shape.headSize()),
        wide ? rawValues : buffer(Use.VALUES, DType.F32, index.length, shape.headSize()));
  }

  /**
   * Of the shape asked for, in the memory of this use; the largest come first, so it rarely grows.
   */
  private Tensor buffer(Use use, DType dtype, long... sizes) {
    long elements = 1;
    for (long size : sizes) {
      elements *= size;
    }
    Tensor memory = buffers.get(use);
    if (memory == null || memory.elements() < elements) {
      memory = step.allocate(dtype, elements);
      buffers.put(use, memory);
    }
    return memory.rows(0, elements).reshape(sizes);
  }

  private Span span(Gathered gathered, List<Block> blocks) {
    long rawKeys = step.keep(gathered.rawKeys());
    long rawValues = step.keep(gathered.rawValues());
    boolean wide = gathered.k() == gathered.rawKeys();
    return new Span(
        step.keep(gathered.index()),
        rawKeys,
        rawValues,
        wide ? rawKeys : step.keep(gathered.k()),
        wide ? rawValues : step.keep(gathered.v()),
        blocks);
  }

  private Block block(
      Cut cut,
      Gathered gathered,
      int sequences,
      int rows,
      int firstRow,
      @Nullable Index rowIndex,
      int spanWidth,
      int from,
      int width,
      long mask) {
    long batches = (long) shape.kvHeads() * sequences;
    long headSize = shape.headSize();
    long queryRows = (long) group(cut) * rows;
    Tensor queries = buffer(Use.QUERIES, DType.F32, batches, queryRows, headSize);
    Tensor outputs = buffer(Use.OUTPUTS, DType.F32, batches, queryRows, headSize);
    long[] five = {shape.kvHeads(), sequences, group(cut), rows, headSize};
    long spanStride = spanWidth * headSize;
    return new Block(
        sequences,
        rows,
        firstRow,
        rowIndex,
        step.keep(queries.reshape(five)),
        step.keep(queries),
        step.keep(
            gathered
                .k()
                .view(
                    from * headSize,
                    new long[] {batches, headSize, width},
                    strides(spanStride, 1, headSize))),
        step.keep(
            gathered
                .v()
                .view(
                    from * headSize,
                    new long[] {batches, width, headSize},
                    strides(spanStride, headSize, 1))),
        step.keep(buffer(Use.SCORES, DType.F32, batches, queryRows, width)),
        mask,
        step.keep(buffer(Use.WEIGHTS, DType.F32, batches, queryRows, width)),
        step.keep(outputs),
        step.keep(outputs.reshape(five)));
  }

  private static long[] strides(long... strides) {
    return strides;
  }
}
