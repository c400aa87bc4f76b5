package dev.openlora.engine.training;

import dev.openlora.engine.model.Architecture;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One batch's way through a decoder: forward to the loss, and back to the gradients. Logits are had
 * only for rows that something is learned from, a block of them at a time; of layers below which
 * nothing is trained nothing is kept. Lives for a batch.
 */
final class DecoderPass {
  private static final long LOGIT_BYTES_MAX = 32L << 20;
  private static final int BLOCK_ROWS_MIN = 16;

  private final TrainedDecoder decoder;
  private final TrainingOps ops;
  private final TensorArena step;
  private final LayerPass.Batch batch;
  private final int[] rowIds;
  private final Tensor ids;
  private final int[] learnedRows;
  private final int[] targets;
  private final List<LayerPass> kept = new ArrayList<>();
  private @Nullable Tensor embeddingShrunk;

  DecoderPass(
      TrainedDecoder decoder,
      TrainingOps ops,
      TensorArena step,
      RotationTable rotations,
      TrainingBatch batch) {
    check(batch);
    this.decoder = decoder;
    this.ops = ops;
    this.step = step;
    rotations.reach(Arrays.stream(batch.positions()).max().orElse(0) + 1);
    this.batch =
        new LayerPass.Batch(
            decoder.architecture(),
            ops,
            step,
            batch.rows(),
            batch.starts(),
            step.copyOf(batch.positions()),
            rotations.cos(),
            rotations.sin(),
            new PassScratch(step),
            new PassScratch(step));
    rowIds = batch.ids();
    ids = step.copyOf(rowIds);
    learnedRows = new int[batch.learnedTokens()];
    targets = new int[learnedRows.length];
    int n = 0;
    for (int row = 0; row < batch.rows(); row++) {
      if (batch.targets()[row] != TrainingBatch.NOT_LEARNED) {
        learnedRows[n] = row;
        targets[n++] = batch.targets()[row];
      }
    }
  }

  private static void check(TrainingBatch batch) {
    int rows = batch.rows();
    if (batch.positions().length != rows || batch.targets().length != rows) {
      throw new IllegalArgumentException(
          "batch: "
              + rows
              + " ids, "
              + batch.positions().length
              + " positions, "
              + batch.targets().length
              + " targets (expected: the same number)");
    }
  }

  /** The summed loss, without gradients. */
  double loss() {
    return learnedRows.length == 0 ? 0 : head(forward(false), null, 0);
  }

  /** The summed loss; adds the gradients of {@code scale} times it. */
  double accumulate(float scale) {
    if (learnedRows.length == 0 || scale == 0) {
      return loss();
    }
    Tensor hidden = forward(true);
    Tensor dHidden = decoder.wantsHidden() ? batch.matrix(hidden.size(1)) : null;
    double loss = head(hidden, dHidden, scale);
    if (dHidden != null) {
      backward(dHidden);
    }
    return loss;
  }

  /** The residual stream after the last layer. */
  private Tensor forward(boolean keep) {
    Architecture a = decoder.architecture();
    Tensor hidden = embed();
    LayerTape shared = null;
    for (TrainedLayer layer : decoder.layers()) {
      boolean keepLayer = keep && layer.wantsOutput();
      LayerTape tape = keepLayer || shared == null ? new LayerTape(a, step, batch.rows()) : shared;
      LayerPass pass = new LayerPass(layer, batch, tape);
      hidden = pass.forward(hidden, keepLayer);
      if (keepLayer) {
        kept.add(pass);
      } else {
        shared = tape;
      }
    }
    return hidden;
  }

  private Tensor embed() {
    TrainedEmbedding embedding = decoder.embedding();
    ReplacedRows rows = embedding.rows();
    ReplacedRows headRows = decoder.head().rows();
    if (rows != null) {
      rows.refresh(ops);
    }
    if (headRows != null && headRows != rows) {
      headRows.refresh(ops);
    }
    Tensor hidden = batch.matrix(decoder.architecture().hiddenSize());
    ops.embedding(hidden, embedding.table(), ids);
    LoraPair pair = embedding.pair();
    if (pair != null) {
      Tensor shrunk = batch.matrix(pair.a().value().size(1));
      ops.embedding(shrunk, pair.a().value(), ids);
      ops.multiplyExactly(hidden, shrunk, pair.b().value().transpose(), pair.scale(), 1);
      embeddingShrunk = shrunk;
    }
    return hidden;
  }

  /**
   * From the residual stream to the loss, and back to its gradient.
   *
   * @param dHidden overwritten; null where nobody wants it
   * @param scale 0 for no gradients at all
   */
  private double head(Tensor hidden, @Nullable Tensor dHidden, float scale) {
    boolean all = learnedRows.length == batch.rows();
    long width = hidden.size(1);
    TrainedNorm norm = decoder.finalNorm();
    Tensor learned = all ? hidden : step.allocate(DType.F32, learnedRows.length, width);
    if (!all) {
      ops.gatherRows(learned, hidden, learnedRows);
    }
    Tensor inverse = step.allocate(DType.F32, learnedRows.length);
    Tensor normed = step.allocate(DType.F32, learnedRows.length, width);
    float epsilon = decoder.architecture().rmsNormEpsilon();
    ops.rmsNorm(normed, inverse, learned, norm.weight(), epsilon);
    boolean wantsNormed = scale != 0 && (dHidden != null || norm.isTrained());
    Tensor dNormed = wantsNormed ? step.allocate(DType.F32, learnedRows.length, width) : null;
    double loss = logits(normed, dNormed, scale);
    if (dNormed != null) {
      Tensor dLearned =
          dHidden == null || all ? dHidden : step.allocate(DType.F32, learnedRows.length, width);
      if (dLearned != null) {
        ops.fill(dLearned, 0);
      }
      ops.rmsNormBackward(dLearned, norm.gradient(), dNormed, learned, inverse, norm.weight());
      if (dHidden != null && dLearned != null && !all) {
        ops.fill(dHidden, 0);
        ops.scatterAddRows(dHidden, dLearned, learnedRows);
      }
    }
    return loss;
  }

  private double logits(Tensor normed, @Nullable Tensor dNormed, float scale) {
    TrainedLinear head = decoder.head();
    long fitting = Math.max(BLOCK_ROWS_MIN, LOGIT_BYTES_MAX / (Float.BYTES * head.out()));
    int block = (int) Math.min(targets.length, fitting);
    LinearPass pass = new LinearPass(head, ops, step, block, batch.wide(), batch.narrow());
    Tensor logits = step.allocate(DType.F32, block, head.out());
    double loss = 0;
    for (int from = 0; from < targets.length; from += block) {
      int to = Math.min(targets.length, from + block);
      Tensor x = normed.rows(from, to);
      Tensor y = logits.rows(0, to - from);
      pass.forward(y, x, false);
      loss += ops.crossEntropy(y, Arrays.copyOfRange(targets, from, to), scale);
      if (scale != 0) {
        pass.backward(dNormed == null ? null : dNormed.rows(from, to), false, y, x);
      }
    }
    return loss;
  }

  private void backward(Tensor dHidden) {
    LayerPass.Gradients gradients = new LayerPass.Gradients(batch);
    for (LayerPass layer : kept.reversed()) {
      layer.backward(dHidden, gradients);
    }
    TrainedEmbedding embedding = decoder.embedding();
    if (embedding.tableGradient() != null) {
      ops.embeddingBackward(embedding.tableGradient(), dHidden, ids, 1);
    }
    if (embedding.rows() != null) {
      replacedRows(embedding.rows(), dHidden);
    }
    LoraPair pair = embedding.pair();
    if (pair != null && embeddingShrunk != null) {
      Tensor dShrunk = batch.matrix(embeddingShrunk.size(1));
      ops.multiplyExactly(dShrunk, dHidden, pair.b().value(), pair.scale(), 0);
      ops.embeddingBackward(pair.a().gradient(), dShrunk, ids, 1);
      ops.multiplyExactly(
          pair.b().gradient(), dHidden.transpose(), embeddingShrunk, pair.scale(), 1);
    }
  }

  private void replacedRows(ReplacedRows replaced, Tensor dHidden) {
    Map<Integer, Integer> places = replaced.places();
    int[] rows = new int[batch.rows()];
    int[] into = new int[batch.rows()];
    int n = 0;
    for (int row = 0; row < batch.rows(); row++) {
      Integer place = places.get(rowIds[row]);
      if (place != null) {
        rows[n] = row;
        into[n++] = place;
      }
    }
    if (n == 0) {
      return;
    }
    Tensor gathered = step.allocate(DType.F32, n, dHidden.size(1));
    ops.gatherRows(gathered, dHidden, Arrays.copyOf(rows, n));
    ops.scatterAddRows(replaced.rows().gradient(), gathered, Arrays.copyOf(into, n));
  }
}
