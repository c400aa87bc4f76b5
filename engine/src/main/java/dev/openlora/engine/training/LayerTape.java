package dev.openlora.engine.training;

import dev.openlora.engine.model.Architecture;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import org.jspecify.annotations.Nullable;

/**
 * What one layer computes on the way forward, and needs on the way back; F32, a row for each row of
 * the batch. Without a way back the layers take turns in one.
 */
final class LayerTape {
  final Tensor inputInverse;
  final Tensor inputNormed;
  final Tensor queryProduct;
  final Tensor keyProduct;
  final Tensor query;
  final Tensor key;
  final Tensor value;
  final Tensor queryInverse;
  final Tensor keyInverse;
  final Tensor attended;
  final Tensor middle;
  final Tensor middleInverse;
  final Tensor middleNormed;
  final Tensor gate;
  final Tensor up;
  final Tensor activated;
  final Tensor output;
  @Nullable Tensor input;
  TrainingOps.@Nullable AttentionTape attention;

  LayerTape(Architecture a, TensorArena step, int rows) {
    inputInverse = step.allocate(DType.F32, rows);
    inputNormed = step.allocate(DType.F32, rows, a.hiddenSize());
    queryProduct = step.allocate(DType.F32, rows, a.queryWidth());
    keyProduct = step.allocate(DType.F32, rows, a.kvWidth());
    query = a.qkNorm() ? step.allocate(DType.F32, rows, a.queryWidth()) : queryProduct;
    key = a.qkNorm() ? step.allocate(DType.F32, rows, a.kvWidth()) : keyProduct;
    value = step.allocate(DType.F32, rows, a.kvWidth());
    queryInverse = step.allocate(DType.F32, a.qkNorm() ? (long) rows * a.heads() : 0);
    keyInverse = step.allocate(DType.F32, a.qkNorm() ? (long) rows * a.kvHeads() : 0);
    attended = step.allocate(DType.F32, rows, a.queryWidth());
    middle = step.allocate(DType.F32, rows, a.hiddenSize());
    middleInverse = step.allocate(DType.F32, rows);
    middleNormed = step.allocate(DType.F32, rows, a.hiddenSize());
    gate = step.allocate(DType.F32, rows, a.intermediateSize());
    up = step.allocate(DType.F32, rows, a.intermediateSize());
    activated = step.allocate(DType.F32, rows, a.intermediateSize());
    output = step.allocate(DType.F32, rows, a.hiddenSize());
  }

  /** The residual stream as it came in. */
  Tensor input() {
    if (input == null) {
      throw new IllegalStateException("layer tape: empty (expected: the way forward was gone)");
    }
    return input;
  }

  TrainingOps.AttentionTape attention() {
    if (attention == null) {
      throw new IllegalStateException("layer tape: no attention (expected: it was to be kept)");
    }
    return attention;
  }
}
