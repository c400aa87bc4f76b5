package dev.openlora.engine.model;

import dev.openlora.engine.model.HuggingFaceModel.Layer;
import dev.openlora.kernels.AttentionPlan;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.KvPages;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.Arrays;
import java.util.List;

/**
 * The forward pass of a Llama-like decoder over one batch, each row through the adapters of its
 * run. Base weights are never changed; {@link AdaptedLayers} does what adapters do. Engine thread
 * only.
 */
public final class Decoder implements AutoCloseable {
  private final HuggingFaceModel model;
  private final Ops ops;
  private final TensorArena arena;
  private final Tensor cos;
  private final Tensor sin;
  private final KvPages pages;

  /**
   * @param positions the longest sequence
   */
  public Decoder(HuggingFaceModel model, Ops ops, int positions, int kvPageCount, int kvPageSize) {
    this.model = model;
    this.ops = ops;
    arena = ops.newArena("decoder");
    Architecture a = model.architecture();
    RopeTable table = RopeTable.of(a.rope(), a.headSize(), positions);
    cos = arena.copyOf(table.cos(), positions, table.half());
    sin = arena.copyOf(table.sin(), positions, table.half());
    pages =
        ops.newKvPages(
            arena,
            new KvPages.Shape(
                a.layers(), kvPageCount, kvPageSize, a.kvHeads(), a.headSize(), model.dtype()));
  }

  /**
   * Runs a batch; returns the normalised hidden states of its output rows, [outputRows, hidden].
   */
  public Tensor forward(StepInput input, TensorArena step) {
    Architecture a = model.architecture();
    AdaptedLayers adapted = new AdaptedLayers(model, ops, step, input.runs());
    AttentionPlan plan = ops.plan(step, pages, input.attention());
    Tensor positions = step.copyOf(input.positions());
    int rows = input.rows();
    Tensor hidden = sum(step, rows, a.hiddenSize());
    Tensor embedded = activation(step, rows, a.hiddenSize());
    adapted.embed(embedded, input.tokenIds());
    ops.copy(hidden, embedded);
    Scratch s = new Scratch(step, rows);
    for (int i = 0; i < a.layers(); i++) {
      Layer layer = model.layerModules().get(i);
      adapted.norm(s.normed, hidden, layer.inputNorm(), a.rmsNormEpsilon());
      attention(s, adapted, plan, layer, i, positions);
      adapted.linear(s.output, s.attended, layer.output());
      ops.add(hidden, s.output);
      adapted.norm(s.normed, hidden, layer.postAttentionNorm(), a.rmsNormEpsilon());
      adapted.gatedLinear(s.activated, s.normed, layer.gate(), layer.up(), s.gate, s.up);
      adapted.linear(s.output, s.activated, layer.down());
      ops.add(hidden, s.output);
    }
    int[] outputRows = input.outputRows();
    Tensor last = sum(step, outputRows.length, a.hiddenSize());
    ops.gatherRows(last, hidden, outputRows);
    Tensor normed = activation(step, outputRows.length, a.hiddenSize());
    adapted.ofRows(outputRows).norm(normed, last, model.finalNorm(), a.rmsNormEpsilon());
    return normed;
  }

  private void attention(
      Scratch s,
      AdaptedLayers adapted,
      AttentionPlan plan,
      Layer layer,
      int index,
      Tensor positions) {
    Architecture a = model.architecture();
    adapted.linear(
        List.of(s.query, s.key, s.value), s.normed, layer.query(), layer.key(), layer.value());
    long rows = s.query.size(0);
    Tensor query = s.query.reshape(rows, a.heads(), a.headSize());
    Tensor key = s.key.reshape(rows, a.kvHeads(), a.headSize());
    if (layer.queryNorm() >= 0) {
      adapted.headNorm(s.queryNormed, s.query, layer.queryNorm(), a.heads(), a.rmsNormEpsilon());
      adapted.headNorm(s.keyNormed, s.key, layer.keyNorm(), a.kvHeads(), a.rmsNormEpsilon());
      query = s.queryNormed.reshape(rows, a.heads(), a.headSize());
      key = s.keyNormed.reshape(rows, a.kvHeads(), a.headSize());
    }
    ops.rope(query, cos, sin, positions);
    ops.rope(key, cos, sin, positions);
    ops.writeKv(plan, index, key, s.value.reshape(rows, a.kvHeads(), a.headSize()));
    float scale = (float) (1 / Math.sqrt(a.headSize()));
    ops.attention(
        plan,
        index,
        s.attended.reshape(rows, a.heads(), a.headSize()),
        query,
        scale,
        a.windows()[index]);
  }

  /**
   * Logits of some output rows, [to - from, vocabulary], in the model's dtype.
   *
   * @param normed what {@link #forward} returned for the same input
   */
  public Tensor logits(StepInput input, Tensor normed, int from, int to, TensorArena step) {
    int[] rows = Arrays.copyOfRange(input.outputRows(), from, to);
    AdaptedLayers adapted = new AdaptedLayers(model, ops, step, input.runs()).ofRows(rows);
    Tensor logits = step.allocate(model.dtype(), to - from, model.vocabularySize());
    adapted.head(logits, normed.rows(from, to));
    return logits;
  }

  /** Brings logits to host memory; the tensor itself on the CPU. */
  public Tensor toHost(Tensor tensor, TensorArena host) {
    if (tensor.device().equals(host.device())) {
      return tensor;
    }
    Tensor copy = host.allocate(tensor.dtype(), tensor.shape());
    ops.copy(copy, tensor);
    return copy;
  }

  /**
   * Where base and adapters add up, and the residual stream: F32, since BF16 would round at every
   * addition.
   */
  private static Tensor sum(TensorArena step, long rows, long width) {
    return step.allocate(DType.F32, rows, width);
  }

  private Tensor activation(TensorArena step, long rows, long width) {
    return step.allocate(model.dtype(), rows, width);
  }

  @Override
  public void close() {
    arena.close();
  }

  /** The activations of a step that all layers share. */
  private final class Scratch {
    final Tensor normed;
    final Tensor query;
    final Tensor key;
    final Tensor value;
    final Tensor queryNormed;
    final Tensor keyNormed;
    final Tensor attended;
    final Tensor output;
    final Tensor gate;
    final Tensor up;
    final Tensor activated;

    Scratch(TensorArena step, int rows) {
      Architecture a = model.architecture();
      normed = activation(step, rows, a.hiddenSize());
      query = sum(step, rows, a.queryWidth());
      key = sum(step, rows, a.kvWidth());
      value = sum(step, rows, a.kvWidth());
      queryNormed = a.qkNorm() ? sum(step, rows, a.queryWidth()) : query;
      keyNormed = a.qkNorm() ? sum(step, rows, a.kvWidth()) : key;
      attended = activation(step, rows, a.queryWidth());
      output = sum(step, rows, a.hiddenSize());
      gate = sum(step, rows, a.intermediateSize());
      up = sum(step, rows, a.intermediateSize());
      activated = activation(step, rows, a.intermediateSize());
    }
  }
}
