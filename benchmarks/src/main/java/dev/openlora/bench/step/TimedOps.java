package dev.openlora.bench.step;

import dev.openlora.kernels.AdaptedLinear;
import dev.openlora.kernels.AttentionBatch;
import dev.openlora.kernels.AttentionPlan;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.KvPages;
import dev.openlora.kernels.LoraSegment;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Operations of another, timed one by one into the tally of the moment. Two clock readings around
 * each call are the cost; on a device that works asynchronously this would time the launches only.
 * Threads as {@link Ops} says.
 */
final class TimedOps implements Ops {
  private final Ops ops;
  private OperationTally tally;

  /**
   * Times into {@code tally}.
   *
   * @param ops closed with these
   */
  TimedOps(Ops ops, OperationTally tally) {
    this.ops = ops;
    this.tally = tally;
  }

  /** Counts into another tally from now on. */
  void into(OperationTally other) {
    tally = other;
  }

  private void count(Operation operation, long start) {
    tally.add(operation, System.nanoTime() - start);
  }

  @Override
  public Device device() {
    return ops.device();
  }

  @Override
  public String description() {
    return ops.description();
  }

  @Override
  public TensorArena newArena(String name) {
    return ops.newArena(name);
  }

  @Override
  public TensorArena newHostArena(String name) {
    return ops.newHostArena(name);
  }

  @Override
  public void copy(Tensor dst, Tensor src) {
    long start = System.nanoTime();
    ops.copy(dst, src);
    count(Operation.COPY, start);
  }

  @Override
  public void prepare(Tensor weight, TensorArena arena) {
    long start = System.nanoTime();
    ops.prepare(weight, arena);
    count(Operation.PREPARE, start);
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    long start = System.nanoTime();
    ops.embedding(out, table, ids);
    count(Operation.EMBEDDING, start);
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    long start = System.nanoTime();
    ops.linear(out, x, weight, bias);
    count(Operation.LINEAR, start);
  }

  @Override
  public void add(Tensor y, Tensor x) {
    long start = System.nanoTime();
    ops.add(y, x);
    count(Operation.ADD, start);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    long start = System.nanoTime();
    ops.rmsNorm(out, x, weight, epsilon);
    count(Operation.RMS_NORM, start);
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    long start = System.nanoTime();
    ops.rope(x, cos, sin, positions);
    count(Operation.ROPE, start);
  }

  @Override
  public KvPages newKvPages(TensorArena arena, KvPages.Shape shape) {
    return ops.newKvPages(arena, shape);
  }

  @Override
  public AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch) {
    long start = System.nanoTime();
    AttentionPlan plan = ops.plan(step, pages, batch);
    count(Operation.PLAN, start);
    return plan;
  }

  @Override
  public void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v) {
    long start = System.nanoTime();
    ops.writeKv(plan, layer, k, v);
    count(Operation.WRITE_KV, start);
  }

  @Override
  public void attention(
      AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window) {
    long start = System.nanoTime();
    ops.attention(plan, layer, out, q, scale, window);
    count(Operation.ATTENTION, start);
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    long start = System.nanoTime();
    ops.siluMul(out, gate, up);
    count(Operation.SILU_MUL, start);
  }

  @Override
  public void linear(Tensor out, Tensor x, AdaptedLinear layer) {
    long start = System.nanoTime();
    ops.linear(out, x, layer);
    count(Operation.LINEAR, start);
  }

  @Override
  public void linear(List<Tensor> outs, Tensor x, List<AdaptedLinear> layers) {
    long start = System.nanoTime();
    ops.linear(outs, x, layers);
    count(Operation.LINEAR, start);
  }

  @Override
  public void gatedLinear(
      Tensor out, Tensor x, AdaptedLinear gate, AdaptedLinear up, Tensor gated, Tensor raised) {
    long start = System.nanoTime();
    ops.gatedLinear(out, x, gate, up, gated, raised);
    count(Operation.GATED_LINEAR, start);
  }

  @Override
  public void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    long start = System.nanoTime();
    ops.addLora(y, x, segments);
    count(Operation.ADD_LORA, start);
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    long start = System.nanoTime();
    ops.gatherRows(out, x, rows);
    count(Operation.GATHER_ROWS, start);
  }

  /** Not counted: it belongs to the sampling, which is timed as a whole. */
  @Override
  public void topK(Tensor values, Tensor ids, Tensor x) {
    ops.topK(values, ids, x);
  }

  @Override
  public double sumExp(Tensor x, float greatest, double scale) {
    return ops.sumExp(x, greatest, scale);
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    long start = System.nanoTime();
    ops.loraRowNorms(out, weight, a, b, scale);
    count(Operation.LORA_ROW_NORMS, start);
  }

  @Override
  public void close() {
    ops.close();
  }
}
