package dev.openlora.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The slow, obvious twin of every {@link Ops}: loops over host memory, sums in double, one rounding
 * at the end. Needs no libtorch. One thread at a time.
 */
public final class ReferenceOps implements Ops {
  private final Function<String, TensorArena> arenas;

  public ReferenceOps() {
    this(HostArena::new);
  }

  /** Over arenas of the caller's, opened by name. */
  ReferenceOps(Function<String, TensorArena> arenas) {
    this.arenas = arenas;
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public String description() {
    return "reference (cpu, 1 thread)";
  }

  @Override
  public TensorArena newArena(String name) {
    return arenas.apply(name);
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    Shapes.copy(dst, src);
    Elements to = new Elements(dst);
    Elements from = new Elements(src);
    for (long i = 0; i < src.elements(); i++) {
      to.set(i, from.get(i));
    }
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    Shapes.embedding(out, table, ids);
    Elements index = new Elements(ids);
    for (int row = 0; row < ids.size(0); row++) {
      copyRow(out, row, table, (long) index.get(row));
    }
  }

  private static void copyRow(Tensor out, long row, Tensor x, long from) {
    if (from < 0 || from >= x.size(0)) {
      throw new IllegalArgumentException("row: " + from + " of " + x);
    }
    Elements to = new Elements(out);
    Elements source = new Elements(x);
    long width = x.size(1);
    for (long i = 0; i < width; i++) {
      to.set(row * width + i, source.get(from * width + i));
    }
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    Shapes.linear(out, x, weight, bias);
    double[] xs = new Elements(x).all();
    double[] w = new Elements(weight).all();
    int in = (int) x.size(1);
    int width = (int) weight.size(0);
    Elements to = new Elements(out);
    Elements b = bias == null ? null : new Elements(bias);
    for (int row = 0; row < x.size(0); row++) {
      for (int column = 0; column < width; column++) {
        double sum = b == null ? 0 : b.get(column);
        for (int i = 0; i < in; i++) {
          sum += xs[row * in + i] * w[column * in + i];
        }
        to.set((long) row * width + column, sum);
      }
    }
  }

  @Override
  public void add(Tensor y, Tensor x) {
    Shapes.add(y, x);
    Elements to = new Elements(y);
    Elements other = new Elements(x);
    for (long i = 0; i < y.elements(); i++) {
      to.set(i, to.get(i) + other.get(i));
    }
  }

  @Override
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    Shapes.rmsNorm(out, x, weight);
    Elements to = new Elements(out);
    Elements from = new Elements(x);
    Elements w = new Elements(weight);
    long width = x.size(1);
    for (long row = 0; row < x.size(0); row++) {
      double squares = 0;
      for (long i = 0; i < width; i++) {
        squares += from.get(row * width + i) * from.get(row * width + i);
      }
      double factor = 1 / Math.sqrt(squares / width + epsilon);
      for (long i = 0; i < width; i++) {
        to.set(row * width + i, from.get(row * width + i) * factor * w.get(i));
      }
    }
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    Shapes.rope(x, cos, sin, positions);
    Elements both = new Elements(x);
    Elements c = new Elements(cos);
    Elements s = new Elements(sin);
    Elements position = new Elements(positions);
    long size = x.size(2);
    long half = size / 2;
    for (long row = 0; row < x.size(0); row++) {
      long angle = (long) position.get(row) * half;
      for (long head = 0; head < x.size(1); head++) {
        for (long i = 0; i < half; i++) {
          long at = (row * x.size(1) + head) * size + i;
          double first = both.get(at);
          double second = both.get(at + half);
          both.set(at, first * c.get(angle + i) - second * s.get(angle + i));
          both.set(at + half, second * c.get(angle + i) + first * s.get(angle + i));
        }
      }
    }
  }

  private record Pages(Shape shape, Tensor keys, Tensor values) implements KvPages {
    /** The first element of a position's head. */
    long at(int layer, int[] table, int position, int head) {
      int page = table[position / shape.pageSize()];
      if (page < 0 || page >= shape.pages()) {
        throw new IllegalArgumentException("page: " + page + " of " + shape);
      }
      long slot = ((long) layer * shape.pages() + page) * shape.pageSize();
      return ((slot + position % shape.pageSize()) * shape.kvHeads() + head) * shape.headSize();
    }
  }

  private record Plan(Pages pages, AttentionBatch batch) implements AttentionPlan {}

  @Override
  public KvPages newKvPages(TensorArena arena, KvPages.Shape shape) {
    long elements = shape.bytesPerPage() / 2 / shape.dtype().bytes() * shape.pages();
    Tensor keys = arena.allocate(shape.dtype(), elements);
    Tensor values = arena.allocate(shape.dtype(), elements);
    keys.memory().fill((byte) 0);
    values.memory().fill((byte) 0);
    return new Pages(shape, keys, values);
  }

  @Override
  public AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch) {
    Shapes.plan(batch, pages.shape());
    return new Plan((Pages) pages, batch);
  }

  @Override
  public void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v) {
    Plan own = (Plan) plan;
    Pages pages = own.pages();
    Shapes.keyValues("writeKv k", k, own.batch(), pages.shape());
    Shapes.keyValues("writeKv v", v, own.batch(), pages.shape());
    Shapes.layer(layer, pages.shape());
    write(own, layer, new Elements(pages.keys()), new Elements(k));
    write(own, layer, new Elements(pages.values()), new Elements(v));
  }

  private static void write(Plan plan, int layer, Elements slots, Elements x) {
    AttentionBatch batch = plan.batch();
    KvPages.Shape shape = plan.pages().shape();
    for (int s = 0; s < batch.sequences(); s++) {
      for (int r = 0; r < batch.queryRows(s); r++) {
        int position = batch.kvLengths()[s] - batch.queryRows(s) + r;
        long row = batch.queryStarts()[s] + r;
        for (int head = 0; head < shape.kvHeads(); head++) {
          long at = plan.pages().at(layer, batch.pageTables()[s], position, head);
          for (int i = 0; i < shape.headSize(); i++) {
            slots.set(at + i, x.get((row * shape.kvHeads() + head) * shape.headSize() + i));
          }
        }
      }
    }
  }

  @Override
  public void attention(
      AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window) {
    Plan own = (Plan) plan;
    AttentionBatch batch = own.batch();
    Shapes.attention(batch, own.pages().shape(), layer, out, q, window);
    for (int s = 0; s < batch.sequences(); s++) {
      for (int r = 0; r < batch.queryRows(s); r++) {
        int position = batch.kvLengths()[s] - batch.queryRows(s) + r;
        int first = window == 0 ? 0 : Math.max(0, position - window + 1);
        for (int head = 0; head < q.size(1); head++) {
          attend(own, layer, out, q, scale, s, batch.queryStarts()[s] + r, head, first, position);
        }
      }
    }
  }

  private static void attend(
      Plan plan,
      int layer,
      Tensor out,
      Tensor q,
      float scale,
      int sequence,
      int row,
      int head,
      int first,
      int position) {
    KvPages.Shape shape = plan.pages().shape();
    int size = shape.headSize();
    int kvHead = (int) (head / (q.size(1) / shape.kvHeads()));
    int[] table = plan.batch().pageTables()[sequence];
    Elements query = new Elements(q);
    Elements keys = new Elements(plan.pages().keys());
    Elements values = new Elements(plan.pages().values());
    long queryAt = (row * q.size(1) + head) * size;
    double[] weights = new double[position - first + 1];
    double largest = Double.NEGATIVE_INFINITY;
    for (int t = first; t <= position; t++) {
      long at = plan.pages().at(layer, table, t, kvHead);
      double score = 0;
      for (int i = 0; i < size; i++) {
        score += query.get(queryAt + i) * keys.get(at + i);
      }
      weights[t - first] = score * scale;
      largest = Math.max(largest, weights[t - first]);
    }
    double total = 0;
    for (int t = 0; t < weights.length; t++) {
      weights[t] = Math.exp(weights[t] - largest);
      total += weights[t];
    }
    double[] sum = new double[size];
    for (int t = first; t <= position; t++) {
      long at = plan.pages().at(layer, table, t, kvHead);
      for (int i = 0; i < size; i++) {
        sum[i] += weights[t - first] / total * values.get(at + i);
      }
    }
    Elements to = new Elements(out);
    for (int i = 0; i < size; i++) {
      to.set(queryAt + i, sum[i]);
    }
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    Shapes.siluMul(out, gate, up);
    Elements to = new Elements(out);
    Elements g = new Elements(gate);
    Elements u = new Elements(up);
    for (long i = 0; i < out.elements(); i++) {
      to.set(i, g.get(i) / (1 + Math.exp(-g.get(i))) * u.get(i));
    }
  }

  @Override
  public void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    Shapes.addLora(y, x, segments);
    for (LoraSegment segment : segments) {
      for (int row = segment.from(); row < segment.to(); row++) {
        apply(segment, y, x, row);
      }
    }
  }

  private static void apply(LoraSegment segment, Tensor y, Tensor x, int row) {
    Elements to = new Elements(y);
    long width = y.size(1);
    double[] delta = delta(segment, x, row, (int) width);
    for (int i = 0; i < width; i++) {
      double value = to.get(row * width + i) + delta[i];
      Tensor gain = segment.gain();
      Tensor shift = segment.shift();
      value = gain == null ? value : value * new Elements(gain).get(i);
      value = shift == null ? value : value + new Elements(shift).get(i);
      to.set(row * width + i, value);
    }
  }

  private static double[] delta(LoraSegment segment, Tensor x, int row, int width) {
    double[] delta = new double[width];
    if (segment.a() == null || segment.b() == null) {
      return delta;
    }
    Elements from = new Elements(x);
    double[] a = new Elements(segment.a()).all();
    double[] b = new Elements(segment.b()).all();
    int in = (int) x.size(1);
    int rank = (int) segment.a().size(0);
    for (int r = 0; r < rank; r++) {
      double shrunk = 0;
      for (int i = 0; i < in; i++) {
        shrunk += from.get((long) row * in + i) * a[r * in + i];
      }
      for (int i = 0; i < width; i++) {
        delta[i] += segment.scale() * shrunk * b[i * rank + r];
      }
    }
    return delta;
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    Shapes.gatherRows(out, x, rows);
    for (int i = 0; i < rows.length; i++) {
      copyRow(out, i, x, rows[i]);
    }
  }

  @Override
  public void topK(Tensor values, Tensor ids, Tensor x) {
    Shapes.topK(values, ids, x);
    Elements from = new Elements(x);
    Elements to = new Elements(values);
    Elements toIds = new Elements(ids);
    long width = x.size(1);
    long k = values.size(1);
    for (long row = 0; row < x.size(0); row++) {
      double[] all = new double[(int) width];
      for (int i = 0; i < width; i++) {
        double value = from.get(row * width + i);
        all[i] = Double.isNaN(value) ? Double.POSITIVE_INFINITY : value;
      }
      // Adding 0 makes the two zeros equal.
      List<Integer> order =
          IntStream.range(0, all.length)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> -all[i] + 0.0))
              .toList();
      for (int i = 0; i < k; i++) {
        to.set(row * k + i, all[order.get(i)]);
        toIds.set(row * k + i, order.get(i));
      }
    }
  }

  @Override
  public double sumExp(Tensor x, float greatest, double scale) {
    Shapes.sumExp(x, greatest, scale);
    return Arrays.stream(new Elements(x).all()).map(v -> Math.exp((v - greatest) * scale)).sum();
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    Shapes.loraRowNorms(out, weight, a, b);
    double[] w = new Elements(weight).all();
    double[] as = new Elements(a).all();
    double[] bs = new Elements(b).all();
    int in = (int) weight.size(1);
    int rank = (int) a.size(0);
    Elements to = new Elements(out);
    for (int row = 0; row < weight.size(0); row++) {
      double squares = 0;
      for (int i = 0; i < in; i++) {
        double sum = 0;
        for (int r = 0; r < rank; r++) {
          sum += bs[row * rank + r] * as[r * in + i];
        }
        double value = w[row * in + i] + scale * sum;
        squares += value * value;
      }
      to.set(row, Math.sqrt(squares));
    }
  }

  @Override
  public void close() {}

  /** The elements of a host tensor in row-major order, whatever its strides. */
  static final class Elements {
    private final MemorySegment memory;
    private final Tensor tensor;
    private final long[] shape;
    private final long[] strides;
    private final boolean contiguous;

    Elements(Tensor tensor) {
      tensor.checkAlive();
      this.tensor = tensor;
      this.shape = tensor.shape();
      this.strides = tensor.strides();
      this.contiguous = tensor.isContiguous();
      this.memory = MemorySegment.ofAddress(tensor.address()).reinterpret(Long.MAX_VALUE);
    }

    private long at(long index) {
      if (index < 0 || index >= tensor.elements()) {
        throw new IndexOutOfBoundsException(index + " of " + tensor);
      }
      if (contiguous) {
        return index;
      }
      long offset = 0;
      for (int i = shape.length - 1; i >= 0; i--) {
        offset += index % shape[i] * strides[i];
        index /= shape[i];
      }
      return offset;
    }

    double get(long index) {
      long at = at(index);
      return switch (tensor.dtype()) {
        case F32 -> memory.getAtIndex(ValueLayout.JAVA_FLOAT, at);
        case BF16 -> Float.intBitsToFloat(memory.getAtIndex(ValueLayout.JAVA_SHORT, at) << 16);
        case I32 -> memory.getAtIndex(ValueLayout.JAVA_INT, at);
        case I64 -> memory.getAtIndex(ValueLayout.JAVA_LONG, at);
      };
    }

    void set(long index, double value) {
      long at = at(index);
      switch (tensor.dtype()) {
        case F32 -> memory.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) value);
        case BF16 ->
            memory.setAtIndex(ValueLayout.JAVA_SHORT, at, Tensor.toBfloat16((float) value));
        case I32 -> memory.setAtIndex(ValueLayout.JAVA_INT, at, (int) value);
        case I64 -> memory.setAtIndex(ValueLayout.JAVA_LONG, at, (long) value);
      }
    }

    double[] all() {
      double[] all = new double[Math.toIntExact(tensor.elements())];
      for (int i = 0; i < all.length; i++) {
        all[i] = get(i);
      }
      return all;
    }
  }
}
