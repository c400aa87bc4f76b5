package dev.openlora.adapter;

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

/** Operations of another, for a test to override one. */
class DelegatingOps implements Ops {
  private final Ops ops;

  DelegatingOps(Ops ops) {
    this.ops = ops;
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
  public void copy(Tensor dst, Tensor src) {
    ops.copy(dst, src);
  }

  @Override
  public void embedding(Tensor out, Tensor table, Tensor ids) {
    ops.embedding(out, table, ids);
  }

  @Override
  public void linear(Tensor out, Tensor x, Tensor weight, @Nullable Tensor bias) {
    ops.linear(out, x, weight, bias);
  }

  @Override
  public void add(Tensor y, Tensor x) {
    ops.add(y, x);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor x, Tensor weight, float epsilon) {
    ops.rmsNorm(out, x, weight, epsilon);
  }

  @Override
  public void rope(Tensor x, Tensor cos, Tensor sin, Tensor positions) {
    ops.rope(x, cos, sin, positions);
  }

  @Override
  public KvPages newKvPages(TensorArena arena, KvPages.Shape shape) {
    return ops.newKvPages(arena, shape);
  }

  @Override
  public AttentionPlan plan(TensorArena step, KvPages pages, AttentionBatch batch) {
    return ops.plan(step, pages, batch);
  }

  @Override
  public void writeKv(AttentionPlan plan, int layer, Tensor k, Tensor v) {
    ops.writeKv(plan, layer, k, v);
  }

  @Override
  public void attention(
      AttentionPlan plan, int layer, Tensor out, Tensor q, float scale, int window) {
    ops.attention(plan, layer, out, q, scale, window);
  }

  @Override
  public void siluMul(Tensor out, Tensor gate, Tensor up) {
    ops.siluMul(out, gate, up);
  }

  @Override
  public void addLora(Tensor y, Tensor x, List<LoraSegment> segments) {
    ops.addLora(y, x, segments);
  }

  @Override
  public void gatherRows(Tensor out, Tensor x, int[] rows) {
    ops.gatherRows(out, x, rows);
  }

  @Override
  public void loraRowNorms(Tensor out, Tensor weight, Tensor a, Tensor b, float scale) {
    ops.loraRowNorms(out, weight, a, b, scale);
  }

  @Override
  public void close() {
    ops.close();
  }
}
