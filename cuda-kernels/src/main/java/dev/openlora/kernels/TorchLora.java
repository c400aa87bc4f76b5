package dev.openlora.kernels;

import dev.openlora.kernels.Torch.Operator;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adapters applied segment by segment, neighbours with the same matrices as one. Segments of a few
 * BF16 rows are worked on in F32, matrices widened as they are read: libtorch's BF16 product of one
 * row costs some 15 to 30 microseconds before it multiplies anything, its F32 product one or two.
 * BF16 rows are then rounded once, at the end of their run; F32 rows, which is what the decoder
 * sums in, not at all. On a GPU the product has no such price and stays as it is.
 */
final class TorchLora implements AutoCloseable {
  private static final int NARROW_ROWS = 4;
  private static final int GAP_ROWS = 8;

  private final Torch torch;
  private final TorchArena scratch;
  private final TorchHandles passing;
  private final boolean widens;
  private final LoraLanes lanes;

  TorchLora(Torch torch, TorchLibrary library, TorchArena scratch, TorchHandles passing) {
    this.torch = torch;
    this.scratch = scratch;
    this.passing = passing;
    this.widens = torch.device().kind() == Device.Kind.CPU;
    this.lanes = new LoraLanes(torch, library);
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
    List<LoraLanes.Job> jobs = new ArrayList<>();
    for (int i = 0; i < segments.size(); ) {
      Part part = part(segments, i);
      jobs.add(job(part, wideY, wideX, firstRow));
      i = after(segments, i, part);
    }
    lanes.run(jobs);
    if (wideY != y) {
      torch.copy(handle(y), handle(wideY));
    }
  }

  private LoraLanes.Job job(Part part, Tensor y, Tensor x, int firstRow) {
    LoraSegment segment = part.segment();
    int from = part.from() - firstRow;
    int to = part.to() - firstRow;
    Tensor a = segment.a();
    Tensor b = segment.b();
    boolean pair = a != null && b != null && a.size(0) > 0;
    return new LoraLanes.Job(
        from,
        to,
        handle(y.rows(from, to)),
        handle(x.rows(from, to)),
        pair && a != null ? handle(a) : 0,
        pair && b != null ? handle(b) : 0,
        pair && a != null ? a.size(0) : 0,
        x.size(1),
        y.size(1),
        segment.scale(),
        handleOrNone(segment.gain()),
        handleOrNone(segment.shift()));
  }

  private long handleOrNone(@Nullable Tensor tensor) {
    return tensor == null ? 0 : handle(tensor);
  }

  private Tensor widened(Tensor x) {
    if (x.dtype() == DType.F32) {
      return x;
    }
    Tensor wide = scratch.allocate(DType.F32, x.shape());
    torch.copy(handle(wide), handle(x));
    return wide;
  }

  @Override
  public void close() {
    lanes.close();
  }

  private long handle(Tensor tensor) {
    return tensor.handle(torch, passing);
  }
}
