package dev.openlora.kernels;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operations as C++ kernels for x86-64, for BF16 models; what they do not cover goes to the
 * portable twin, and the log says so once per reason. Rows are independent: what a row comes to
 * depends neither on its company in the batch, nor on how a prompt is cut, nor on the threads.
 * Threads as {@link Ops} says.
 */
public final class CpuOps implements Ops {
  private static final Logger LOG = LoggerFactory.getLogger(CpuOps.class);

  private final Ops twin;
  private final CpuKernels kernels;
  private final int threads;
  private final Weights weights;
  private final boolean deterministic;
  private final TensorArena scratch;
  private final Map<Long, PackedWeight> packedByAddress = new HashMap<>();
  private final Set<String> reasons = new HashSet<>();
  private boolean closed;

  /**
   * What {@link #prepare} makes of a weight for {@link #linear}; other operations read it as is.
   */
  public enum Weights {
    /** Its own values in another order. */
    BF16,
    /**
     * Rounded to a byte each, a scale per row of the weight: half the memory to read for a token.
     * Inputs stay BF16 and sums F32.
     */
    INT8
  }

  /**
   * How the kernels run.
   *
   * @param threads that work on one operation, the caller's among them
   * @param best the newest instruction set to use
   * @param spinNanos how long an idle thread polls for the next operation before it sleeps
   * @param weights how weights are kept that were prepared
   * @param deterministic whether rows keep their bits where a faster way rounds otherwise for many
   *     rows than for one
   */
  public record Options(
      int threads, CpuIsa best, long spinNanos, Weights weights, boolean deterministic) {
    public Options {
      if (threads < 1 || threads > 1024) {
        throw new IllegalArgumentException("threads: " + threads + " (expected: 1..1024)");
      }
      if (spinNanos < 0) {
        throw new IllegalArgumentException("spin: " + spinNanos + " ns (expected: 0 or more)");
      }
    }

    public Options(int threads, CpuIsa best, long spinNanos) {
      this(threads, best, spinNanos, Weights.BF16, false);
    }

    public static Options of(int threads) {
      return new Options(threads, CpuIsa.newest(), 50_000);
    }

    public Options withWeights(Weights form) {
      return new Options(threads, best, spinNanos, form, deterministic);
    }

    public Options withDeterministic(boolean on) {
      return new Options(threads, best, spinNanos, weights, on);
    }
  }

  private CpuOps(Ops twin, CpuKernels kernels, Options options) {
    this.twin = twin;
    this.kernels = kernels;
    threads = options.threads();
    weights = options.weights();
    deterministic = options.deterministic();
    scratch = twin.newArena("packed on the way");
    kernels.setDeterministic(deterministic);
  }

  /**
   * Opens the kernels.
   *
   * @param twin operations on the host for what the kernels do not cover; closed with these
   * @throws IOException when the kernels were not built, or not for this machine; the twin is open
   */
  public static CpuOps open(Ops twin, Options options) throws IOException {
    if (twin.device().kind() != Device.Kind.CPU) {
      throw new IllegalArgumentException("twin: on " + twin.device() + " (expected: the host)");
    }
    return new CpuOps(
        twin, CpuKernels.open(options.threads(), options.best(), options.spinNanos()), options);
  }

  @Override
  public Device device() {
    return twin.device();
  }

  @Override
  public String description() {
    String form =
        (weights == Weights.INT8 ? ", int8 weights" : "")
            + (deterministic ? ", deterministic" : "");
    return "native "
        + kernels.isa()
        + " ("
        + threads
        + " threads"
        + form
        + "), "
        + twin.description();
  }

  @Override
  public TensorArena newArena(String name) {
    return twin.newArena(name);
  }

  @Override
  public TensorArena newHostArena(String name) {
    return twin.newHostArena(name);
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    twin.copy(dst, src);
  }

  /**
   * Packs a BF16 matrix; to a byte each where the options say so.
   *
   * @throws IllegalArgumentException when it is to be rounded and has a NaN or an infinity
   */
  @Override
  public void prepare(Tensor weight, TensorArena arena) {
    if (weight.rank() != 2 || weight.dtype() != DType.BF16 || !hasPlainRows(weight)) {
      return;
    }
    packedByAddress.values().removeIf(packed -> !packed.memory().isAlive());
    PackedWeight before = packedByAddress.get(weight.address());
    if (before != null && before.holds(weight)) {
      return;
    }
    long bytes = kernels.packedBytes(weights, weight.size(0), weight.size(1));
    Tensor place = arena.allocate(DType.BF16, bytes / DType.BF16.bytes());
    switch (weights) {
      case BF16 -> kernels.pack(place, weight);
      case INT8 -> kernels.packInt8(place, weight);
    }
    packedByAddress.put(weight.address(), new PackedWeight(weight, place, weights));
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    Shapes.embedding(out, table, ids);
    boolean empty = out.elements() == 0 || table.elements() == 0;
    boolean floating = table.dtype() == DType.BF16 || table.dtype() == DType.F32;
    if (empty || !floating || !hasPlainRows(out) || !hasPlainRows(table) || !ids.isContiguous()) {
      twin.embedding(out, table, ids);
      return;
    }
    kernels.embedding(out, table, ids);
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    PackedWeight ready = packed(weight);
    if (ready == null || !hasPlainRows(out) || !hasPlainRows(x) || !isPlain(bias)) {
      linearAsIs(out, x, weight, bias);
      return;
    }
    Shapes.linear(out, x, weight, bias);
    kernels.linear(List.of(out), x, List.of(ready), List.of(new AdaptedLinear(weight, bias)));
  }

  /** What {@link #prepare} made of a weight, or null. */
  private @Nullable PackedWeight packed(Tensor weight) {
    PackedWeight ready = packedByAddress.get(weight.address());
    return ready != null && ready.holds(weight) ? ready : null;
  }

  @Override
  public void linear(Tensor out, Tensor x, AdaptedLinear layer) {
    if (!fuses(out, x, layer)) {
      Ops.super.linear(out, x, layer);
      return;
    }
    linear(List.of(out), x, List.of(layer));
  }

  @Override
  public void linear(List<Tensor> outs, Tensor x, List<AdaptedLinear> layers) {
    List<PackedWeight> weights = new ArrayList<>(layers.size());
    for (int i = 0; i < layers.size(); i++) {
      if (!fuses(outs.get(i), x, layers.get(i))) {
        Ops.super.linear(outs, x, layers);
        return;
      }
      check(outs.get(i), x, layers.get(i));
      weights.add(Objects.requireNonNull(packed(layers.get(i).weight())));
    }
    kernels.linear(outs, x, weights, layers);
  }

  @Override
  public void gatedLinear(
      Tensor out, Tensor x, AdaptedLinear gate, AdaptedLinear up, Tensor gated, Tensor raised) {
    if (!fuses(out, x, gate) || !fuses(out, x, up)) {
      Ops.super.gatedLinear(out, x, gate, up, gated, raised);
      return;
    }
    check(gated, x, gate);
    check(raised, x, up);
    Shapes.siluMul(out, gated, raised);
    kernels.gatedLinear(
        out,
        x,
        Objects.requireNonNull(packed(gate.weight())),
        gate,
        Objects.requireNonNull(packed(up.weight())),
        up);
  }

  /** Whether one kernel does a layer and its adapters. */
  private boolean fuses(Tensor out, Tensor x, AdaptedLinear layer) {
    return packed(layer.weight()) != null
        && hasPlainRows(out)
        && hasPlainRows(x)
        && isPlain(layer.bias())
        && layer.segments().stream().allMatch(segment -> covers(x, segment));
  }

  private static void check(Tensor out, Tensor x, AdaptedLinear layer) {
    Shapes.linear(out, x, layer.weight(), layer.bias());
    Shapes.addLora(out, x, layer.segments());
  }

  /** By a weight that nobody prepared: one that an adapter brought. */
  private void linearAsIs(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    boolean packable = weight.dtype() == DType.BF16 && hasPlainRows(weight);
    if (!deterministic || !packable || !hasPlainRows(out) || !hasPlainRows(x) || !isPlain(bias)) {
      portable("linear", "of a weight that is not packed");
      twin.linear(out, x, weight, bias);
      return;
    }
    Shapes.linear(out, x, weight, bias);
    long bytes = kernels.packedBytes(Weights.BF16, weight.size(0), weight.size(1));
    Tensor packed = scratch.allocate(DType.BF16, bytes / DType.BF16.bytes());
    kernels.pack(packed, weight);
    kernels.linear(
        List.of(out),
        x,
        List.of(new PackedWeight(weight, packed, Weights.BF16)),
        List.of(new AdaptedLinear(weight, bias)));
    scratch.reset();
  }

  @Override
  public void add(Tensor y, Tensor x) {
    if (y.rank() != 2 || !hasPlainRows(y) || !hasPlainRows(x)) {
      twin.add(y, x);
      return;
    }
    Shapes.add(y, x);
    kernels.add(y, x);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    Shapes.rmsNorm(out, x, weight);
    if (!hasPlainRows(out) || !hasPlainRows(x) || !weight.isContiguous()) {
      twin.rmsNorm(out, x, weight, epsilon);
      return;
    }
    kernels.rmsNorm(out, x, weight, epsilon);
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    Shapes.rope(x, cos, sin, positions);
    if (!x.isContiguous()
        || !cos.isContiguous()
        || !sin.isContiguous()
        || !positions.isContiguous()) {
      twin.rope(x, cos, sin, positions);
      return;
    }
    kernels.rope(x, cos, sin, positions);
  }

  @Override
  public KvPages newKvPages(TensorArena arena, KvPages.Shape shape) {
    if (!CpuKvPages.fits(shape)) {
      portable("attention", "of " + shape.dtype() + " pages of " + shape.pageSize());
      return twin.newKvPages(arena, shape);
    }
    return new CpuKvPages(arena, shape);
  }

  @Override
  public AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch) {
    return pages instanceof CpuKvPages own
        ? new CpuAttention(step, own, batch)
        : twin.plan(step, pages, batch);
  }

  @Override
  public void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v) {
    if (!(plan instanceof CpuAttention own)) {
      twin.writeKv(plan, layer, k, v);
      return;
    }
    Shapes.keyValues("writeKv k", k, own.batch(), own.pages().shape());
    Shapes.keyValues("writeKv v", v, own.batch(), own.pages().shape());
    Shapes.layer(layer, own.pages().shape());
    requireContiguous("writeKv k", k);
    requireContiguous("writeKv v", v);
    if (own.batch().rows() > 0) {
      kernels.writeKv(own.pages(), layer, k, v, own.slots());
    }
  }

  @Override
  public void attention(
      AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window) {
    if (!(plan instanceof CpuAttention own)) {
      twin.attention(plan, layer, out, q, scale, window);
      return;
    }
    Shapes.attention(own.batch(), own.pages().shape(), layer, out, q, window);
    requireContiguous("attention out", out);
    requireContiguous("attention q", q);
    kernels.attention(own, layer, out, q, scale, window);
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    Shapes.siluMul(out, gate, up);
    if (!hasPlainRows(out) || !hasPlainRows(gate) || !hasPlainRows(up)) {
      twin.siluMul(out, gate, up);
      return;
    }
    kernels.siluMul(out, gate, up);
  }

  @Override
  public void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    if (segments.isEmpty()) {
      return;
    }
    if (!hasPlainRows(y) || !hasPlainRows(x) || !segments.stream().allMatch(s -> covers(x, s))) {
      portable("adapters", "of other types than BF16");
      twin.addLora(y, x, segments);
      return;
    }
    Shapes.addLora(y, x, segments);
    kernels.lora(y, x, segments);
  }

  private static boolean covers(Tensor x, LoraSegment segment) {
    return x.dtype() == DType.BF16
        && isBf16(segment.a())
        && isBf16(segment.b())
        && isBf16(segment.gain())
        && isBf16(segment.shift());
  }

  private static boolean isPlain(@Nullable Tensor vector) {
    return vector == null || vector.isContiguous();
  }

  private static boolean isBf16(@Nullable Tensor matrix) {
    return matrix == null || (matrix.dtype() == DType.BF16 && matrix.isContiguous());
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    twin.gatherRows(out, x, rows);
  }

  @Override
  public void topK(Tensor values, Tensor ids, Tensor x) {
    Shapes.topK(values, ids, x);
    kernels.topK(values, ids, x);
  }

  @Override
  public double sumExp(Tensor x, float greatest, double scale) {
    Shapes.sumExp(x, greatest, scale);
    return kernels.sumExp(x, greatest, (float) scale);
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    twin.loraRowNorms(out, weight, a, b, scale);
  }

  /** Elements of a row lie side by side. */
  private static boolean hasPlainRows(Tensor x) {
    return x.rank() == 2 && (x.size(1) <= 1 || x.strides()[1] == 1);
  }

  private static void requireContiguous(String name, Tensor x) {
    if (!x.isContiguous()) {
      throw new IllegalArgumentException(name + ": " + x + " (expected: contiguous)");
    }
  }

  private void portable(String operation, String reason) {
    if (reasons.add(operation + reason)) {
      LOG.info("{} {}: by the portable operations", operation, reason);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      kernels.close();
      scratch.close();
      twin.close();
    }
  }
}
