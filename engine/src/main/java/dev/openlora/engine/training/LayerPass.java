package dev.openlora.engine.training;

import dev.openlora.engine.model.Architecture;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import org.jspecify.annotations.Nullable;

/** One layer's way forward over a batch, and back no further than something trained asks for. */
final class LayerPass {
  private final TrainedLayer layer;
  private final Batch batch;
  private final TrainingOps ops;
  private final Architecture architecture;
  private final LayerTape tape;
  private final LinearPass query;
  private final LinearPass key;
  private final LinearPass value;
  private final LinearPass output;
  private final LinearPass gate;
  private final LinearPass up;
  private final LinearPass down;

  /** What all layers of a pass share; positions [rows] I32, cos and sin as the rotations have. */
  record Batch(
      Architecture architecture,
      TrainingOps ops,
      TensorArena step,
      int rows,
      int[] starts,
      Tensor positions,
      Tensor cos,
      Tensor sin,
      PassScratch wide,
      PassScratch narrow) {
    LinearPass linear(TrainedLinear module) {
      return new LinearPass(module, ops, step, rows, wide, narrow);
    }

    Tensor matrix(long width) {
      return step.allocate(DType.F32, rows, width);
    }
  }

  /** Where gradients are on their way through the layers; one set for all of them. */
  static final class Gradients {
    final Tensor normed;
    final Tensor query;
    final Tensor key;
    final Tensor value;
    final Tensor queryProduct;
    final Tensor keyProduct;
    final Tensor attended;
    final Tensor activated;

    Gradients(Batch batch) {
      Architecture a = batch.architecture();
      normed = batch.matrix(a.hiddenSize());
      query = batch.matrix(a.queryWidth());
      key = batch.matrix(a.kvWidth());
      value = batch.matrix(a.kvWidth());
      queryProduct = a.qkNorm() ? batch.matrix(a.queryWidth()) : query;
      keyProduct = a.qkNorm() ? batch.matrix(a.kvWidth()) : key;
      attended = batch.matrix(a.queryWidth());
      activated = batch.matrix(a.intermediateSize());
    }
  }

  LayerPass(TrainedLayer layer, Batch batch, LayerTape tape) {
    this.layer = layer;
    this.batch = batch;
    this.ops = batch.ops();
    this.architecture = batch.architecture();
    this.tape = tape;
    query = batch.linear(layer.query());
    key = batch.linear(layer.key());
    value = batch.linear(layer.value());
    output = batch.linear(layer.output());
    gate = batch.linear(layer.gate());
    up = batch.linear(layer.up());
    down = batch.linear(layer.down());
  }

  /**
   * Gives the residual stream after the layer.
   *
   * @param kept whether the way back comes through the layer
   */
  Tensor forward(Tensor input, boolean kept) {
    float epsilon = architecture.rmsNormEpsilon();
    tape.input = input;
    ops.rmsNorm(tape.inputNormed, tape.inputInverse, input, layer.inputNorm().weight(), epsilon);
    query.forward(tape.queryProduct, tape.inputNormed, false);
    key.forward(tape.keyProduct, tape.inputNormed, false);
    value.forward(tape.value, tape.inputNormed, false);
    headNorm(tape.query, tape.queryInverse, tape.queryProduct, layer.queryNorm(), epsilon);
    headNorm(tape.key, tape.keyInverse, tape.keyProduct, layer.keyNorm(), epsilon);
    ops.rope(queryHeads(tape.query), batch.cos(), batch.sin(), batch.positions());
    ops.rope(keyHeads(tape.key), batch.cos(), batch.sin(), batch.positions());
    tape.attention =
        ops.attention(
            queryHeads(tape.attended),
            queryHeads(tape.query),
            keyHeads(tape.key),
            keyHeads(tape.value),
            batch.starts(),
            (float) (1 / Math.sqrt(architecture.headSize())),
            layer.window(),
            kept && layer.wantsAttended() ? batch.step() : null);
    ops.copy(tape.middle, input);
    output.forward(tape.middle, tape.attended, true);
    ops.rmsNorm(
        tape.middleNormed,
        tape.middleInverse,
        tape.middle,
        layer.postAttentionNorm().weight(),
        epsilon);
    gate.forward(tape.gate, tape.middleNormed, false);
    up.forward(tape.up, tape.middleNormed, false);
    ops.siluMul(tape.activated, tape.gate, tape.up);
    ops.copy(tape.output, tape.middle);
    down.forward(tape.output, tape.activated, true);
    return tape.output;
  }

  private void headNorm(
      Tensor out, Tensor inverse, Tensor x, @Nullable TrainedNorm norm, float epsilon) {
    if (norm != null) {
      ops.rmsNorm(perHead(out, norm), inverse, perHead(x, norm), norm.weight(), epsilon);
    }
  }

  private static Tensor perHead(Tensor x, TrainedNorm norm) {
    return x.reshape(x.elements() / norm.width(), norm.width());
  }

  private Tensor queryHeads(Tensor x) {
    return x.reshape(batch.rows(), architecture.heads(), architecture.headSize());
  }

  private Tensor keyHeads(Tensor x) {
    return x.reshape(batch.rows(), architecture.kvHeads(), architecture.headSize());
  }

  /**
   * Turns the gradient of the stream after the layer into that of the stream before it, in place,
   * as far as something trained wants it. The tape is used up: gate and up are overwritten.
   */
  void backward(Tensor dHidden, Gradients d) {
    down.backward(layer.wantsActivated() ? d.activated : null, false, dHidden, tape.activated);
    if (!layer.wantsActivated()) {
      return;
    }
    ops.siluMulBackward(tape.gate, tape.up, d.activated, tape.gate, tape.up);
    Tensor dNormed = layer.wantsMiddleNormed() ? d.normed : null;
    gate.backward(dNormed, false, tape.gate, tape.middleNormed);
    up.backward(dNormed, true, tape.up, tape.middleNormed);
    if (!layer.wantsMiddleNormed()) {
      return;
    }
    ops.rmsNormBackward(
        layer.wantsMiddle() ? dHidden : null,
        layer.postAttentionNorm().gradient(),
        d.normed,
        tape.middle,
        tape.middleInverse,
        layer.postAttentionNorm().weight());
    if (!layer.wantsMiddle()) {
      return;
    }
    output.backward(layer.wantsAttended() ? d.attended : null, false, dHidden, tape.attended);
    if (layer.wantsAttended()) {
      attentionBackward(dHidden, d);
    }
  }

  private void attentionBackward(Tensor dHidden, Gradients d) {
    ops.fill(d.query, 0);
    ops.fill(d.key, 0);
    ops.fill(d.value, 0);
    ops.attentionBackward(
        tape.attention(),
        queryHeads(d.query),
        keyHeads(d.key),
        keyHeads(d.value),
        queryHeads(d.attended),
        queryHeads(tape.query),
        keyHeads(tape.key),
        keyHeads(tape.value));
    ops.ropeBackward(queryHeads(d.query), batch.cos(), batch.sin(), batch.positions());
    ops.ropeBackward(keyHeads(d.key), batch.cos(), batch.sin(), batch.positions());
    headNormBackward(
        d.queryProduct, d.query, tape.queryProduct, tape.queryInverse, layer.queryNorm());
    headNormBackward(d.keyProduct, d.key, tape.keyProduct, tape.keyInverse, layer.keyNorm());
    Tensor dNormed = layer.wantsInputNormed() ? d.normed : null;
    query.backward(dNormed, false, d.queryProduct, tape.inputNormed);
    key.backward(dNormed, true, d.keyProduct, tape.inputNormed);
    value.backward(dNormed, true, d.value, tape.inputNormed);
    if (layer.wantsInputNormed()) {
      ops.rmsNormBackward(
          layer.below() ? dHidden : null,
          layer.inputNorm().gradient(),
          d.normed,
          tape.input(),
          tape.inputInverse,
          layer.inputNorm().weight());
    }
  }

  private void headNormBackward(
      Tensor dX, Tensor dOut, Tensor x, Tensor inverse, @Nullable TrainedNorm norm) {
    if (norm != null) {
      ops.fill(dX, 0);
      ops.rmsNormBackward(
          perHead(dX, norm),
          norm.gradient(),
          perHead(dOut, norm),
          perHead(x, norm),
          inverse,
          norm.weight());
    }
  }
}
