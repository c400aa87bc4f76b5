package dev.openlora.kernels;

import dev.openlora.kernels.Torch.Operator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adapters applied segment by segment, neighbours with the same matrices as one. Segments of a few
 * BF16 rows are worked on in F32, matrices widened as they are read: libtorch's BF16 product of one
 * row costs some 15 to 30 microseconds before it multiplies anything, its F32 product one or two.
 * BF16 rows are then rounded once, at the end of their run; F32 rows, which is what the decoder
 * sums in, not at all. On a GPU the product has no such price and stays as it is.
 */
final class TorchLora {
  private static final int NARROW_ROWS = 4;
  private static final int GAP_ROWS = 8;

  private final Torch torch;
  private final TorchArena scratch;
  private final TorchHandles passing;
  private final boolean widens;

  TorchLora(Torch torch, TorchArena scratch, TorchHandles passing) {
    this.torch = torch;
    this.scratch = scratch;
    this.passing = passing;
    this.widens = torch.device().kind() == Device.Kind.CPU;
  }

  /** Neighbours that are one segment, or the same one. */
  private record Part(LoraSegment segment, int from, int to) {}

  /** Leaves its scratch to the caller to take back. */
  void add(Tensor y, Tensor x, List<LoraSegment> segments) {
    for (int i = 0; i < segments.size(); ) {
      Part part = part(segments, i);
      if (!isNarrow(part, x)) {
        apply(part.segment(), y.rows(part.from(), part.to()), x.rows(part.from(), part.to()));
        i = after(segments, i, part);
        continue;
      }
      int end = i;
      int from = part.from();
      int to = part.to();
      while (end < segments.size()) {
        Part next = part(segments, end);
        if (!isNarrow(next, x) || next.from() > to + GAP_ROWS || next.to() + GAP_ROWS < from) {
          break;
        }
        from = Math.min(from, next.from());
        to = Math.max(to, next.to());
        end = after(segments, end, next);
      }
      addNarrow(y.rows(from, to), x.rows(from, to), from, segments.subList(i, end));
      i = end;
    }
  }

  private static Part part(List<LoraSegment> segments, int first) {
    LoraSegment segment = segments.get(first);
    int to = segment.to();
    for (int i = first + 1; i < segments.size() && continues(segment, to, segments.get(i)); i++) {
      to = segments.get(i).to();
    }
    return new Part(segment, segment.from(), to);
  }

  private static int after(List<LoraSegment> segments, int first, Part part) {
    int i = first;
    while (segments.get(i).to() != part.to()) {
      i++;
    }
    return i + 1;
  }

  private static boolean continues(LoraSegment segment, int to, LoraSegment next) {
    return next.from() == to
        && next.a() == segment.a()
        && next.b() == segment.b()
        && next.gain() == segment.gain()
        && next.shift() == segment.shift()
        && next.scale() == segment.scale();
  }

  private boolean isNarrow(Part part, Tensor x) {
    return widens && x.dtype() == DType.BF16 && part.to() - part.from() <= NARROW_ROWS;
  }

  private void apply(LoraSegment segment, Tensor y, Tensor x) {
    long rows = handle(y);
    Tensor a = segment.a();
    Tensor b = segment.b();
    if (a != null && b != null && a.size(0) > 0) {
      long shrunk = handle(scratch.allocate(x.dtype(), x.size(0), a.size(0)));
      torch.mm(shrunk, handle(x), a.transposedHandle(torch, passing));
      long expand = b.transposedHandle(torch, passing);
      if (y.dtype() == x.dtype()) {
        torch.addmm(rows, rows, shrunk, expand, 1, segment.scale());
      } else {
        long product = handle(scratch.allocate(x.dtype(), y.shape()));
        torch.mm(product, shrunk, expand);
        torch.copy(rows, passing.add(torch.sum(rows, product, segment.scale())));
      }
    }
    finish(segment, rows);
  }

  private void finish(LoraSegment segment, long rows) {
    Tensor gain = segment.gain();
    if (gain != null) {
      torch.apply(Operator.MULTIPLY, rows, handle(gain), rows);
    }
    Tensor shift = segment.shift();
    if (shift != null) {
      torch.copy(rows, passing.add(torch.sum(rows, handle(shift))));
    }
  }

  private void addNarrow(Tensor y, Tensor x, int firstRow, List<LoraSegment> segments) {
    Tensor wideY = widened(y);
    Tensor wideX = widened(x);
    Widened a = new Widened();
    Widened b = new Widened();
    Tensor shrunk = null;
    long shrunkHandle = 0;
    for (int i = 0; i < segments.size(); ) {
      Part part = part(segments, i);
      LoraSegment segment = part.segment();
      int from = part.from() - firstRow;
      int to = part.to() - firstRow;
      long rows = handle(wideY.rows(from, to));
      Tensor segmentA = segment.a();
      Tensor segmentB = segment.b();
      if (segmentA != null && segmentB != null && segmentA.size(0) > 0) {
        long rank = segmentA.size(0);
        if (shrunk == null || shrunk.size(0) != to - from || shrunk.size(1) != rank) {
          shrunk = scratch.allocate(DType.F32, to - from, rank);
          shrunkHandle = handle(shrunk);
        }
        torch.mm(shrunkHandle, handle(wideX.rows(from, to)), a.transposed(segmentA));
        torch.addmm(rows, rows, shrunkHandle, b.transposed(segmentB), 1, segment.scale());
      }
      finish(segment, rows);
      i = after(segments, i, part);
    }
    if (wideY != y) {
      torch.copy(handle(y), handle(wideY));
    }
  }

  /** One F32 copy of a matrix at a time, in the same memory, so that it stays in the cache. */
  private final class Widened {
    private @Nullable Tensor memory;
    private long[] shape = {};
    private long handle;
    private long transposed;

    long transposed(Tensor matrix) {
      if (shape.length == 0 || shape[0] != matrix.size(0) || shape[1] != matrix.size(1)) {
        resize(matrix);
      }
      torch.copy(handle, matrix.handle(torch, passing));
      return transposed;
    }

    private void resize(Tensor matrix) {
      Tensor last = memory;
      if (last == null || last.elements() < matrix.elements()) {
        last = scratch.allocate(DType.F32, matrix.elements());
        memory = last;
      }
      shape = matrix.shape();
      Tensor wide = last.rows(0, matrix.elements()).reshape(shape);
      handle = handle(wide);
      transposed = handle(wide.transpose());
    }

    private long handle(Tensor tensor) {
      return TorchLora.this.handle(tensor);
    }
  }

  private Tensor widened(Tensor x) {
    if (x.dtype() == DType.F32) {
      return x;
    }
    Tensor wide = scratch.allocate(DType.F32, x.shape());
    torch.copy(handle(wide), handle(x));
    return wide;
  }

  private long handle(Tensor tensor) {
    return tensor.handle(torch, passing);
  }
}
