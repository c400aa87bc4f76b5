package dev.openlora.engine.training;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import org.jspecify.annotations.Nullable;

/**
 * One linear layer's way forward and back over at most {@code rows} rows. What hangs on parameters
 * alone (norms, gains, the sum of biases) is computed when the pass begins; a call backward follows
 * the call forward of the same rows. The products with A and B are exact: they are small, and in
 * BF16 a young B would be lost beside W.
 */
final class LinearPass {
  private final TrainedLinear module;
  private final TrainingOps ops;
  private final PassScratch wide;
  private final PassScratch narrow;
  private final @Nullable Tensor shift;
  private @Nullable Tensor shrunk;
  private @Nullable Tensor product;
  private @Nullable Tensor gain;
  private @Nullable Tensor inverseNorms;

  /**
   * @param wide for one matrix of the layer's outputs
   * @param narrow for one of the rank's width
   */
  LinearPass(
      TrainedLinear module,
      TrainingOps ops,
      TensorArena step,
      long rows,
      PassScratch wide,
      PassScratch narrow) {
    this.module = module;
    this.ops = ops;
    this.wide = wide;
    this.narrow = narrow;
    LoraPair pair = module.pair();
    shift = shift(step, pair);
    if (pair != null) {
      shrunk = step.allocate(DType.F32, rows, pair.rank());
      if (pair.magnitude() != null) {
        product = step.allocate(DType.F32, rows, module.out());
        beginGain(step, pair, pair.magnitude());
      }
    }
  }

  private @Nullable Tensor shift(TensorArena step, @Nullable LoraPair pair) {
    if (pair == null || pair.productBias() == null) {
      return module.bias();
    }
    Tensor sum = step.allocate(DType.F32, module.out());
    if (module.bias() == null) {
      ops.fill(sum, 0);
    } else {
      ops.copy(sum, module.bias());
    }
    ops.add(sum, pair.productBias().value(), pair.scale());
    return sum;
  }

  private void beginGain(TensorArena step, LoraPair pair, Parameter magnitude) {
    Tensor norms = step.allocate(DType.F32, module.out());
    ops.loraRowNorms(norms, module.weight(), pair.a().value(), pair.b().value(), pair.scale());
    float[] inverse = norms.toFloats();
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = 1 / inverse[i];
    }
    Tensor row = step.copyOf(inverse, 1, inverse.length);
    Tensor gains = step.allocate(DType.F32, 1, inverse.length);
    inverseNorms = row.reshape(inverse.length);
    ops.multiplyRows(gains, row, magnitude.value());
    gain = gains.reshape(inverse.length);
  }

  /**
   * out = layer(x), or out + layer(x). out: [n, out], x: [n, in]
   *
   * @param onto whether to add to what is in {@code out}
   */
  void forward(Tensor out, Tensor x, boolean onto) {
    long rows = x.size(0);
    LoraPair pair = module.pair();
    Tensor sum = product == null ? out : product.rows(0, rows);
    ops.multiply(sum, x, module.weight().transpose(), 1, onto && product == null ? 1 : 0);
    if (pair != null && shrunk != null) {
      Tensor inner = shrunk.rows(0, rows);
      ops.multiplyExactly(inner, x, pair.a().value().transpose(), 1, 0);
      ops.multiplyExactly(sum, inner, pair.b().value().transpose(), pair.scale(), 1);
    }
    if (gain != null) {
      Tensor gained = onto ? wide.matrix(rows, module.out()) : out;
      ops.multiplyRows(gained, sum, gain);
      if (onto) {
        ops.add(out, gained, 1);
      }
    }
    if (shift != null) {
      ops.addToRows(out, shift);
    }
  }

  /**
   * Adds to the gradients of the layer's parameters, and gives that of its input.
   *
   * @param dX null where nobody below wants it
   * @param onto whether to add to what is in {@code dX}
   */
  void backward(@Nullable Tensor dX, boolean onto, Tensor dOut, Tensor x) {
    LoraPair pair = module.pair();
    if (module.biasGradient() != null) {
      ops.addColumnSums(module.biasGradient(), dOut, 1);
    }
    if (pair != null && pair.productBias() != null) {
      ops.addColumnSums(pair.productBias().gradient(), dOut, pair.scale());
    }
    Tensor dSum = throughGain(dOut);
    if (module.weightGradient() != null) {
      ops.multiply(module.weightGradient(), dSum.transpose(), x, 1, 1);
    }
    if (module.rows() != null) {
      replacedRows(module.rows(), dSum, x);
    }
    if (dX != null) {
      ops.multiply(dX, dSum, module.weight(), 1, onto ? 1 : 0);
    }
    if (pair != null && shrunk != null) {
      long rows = x.size(0);
      Tensor dInner = narrow.matrix(rows, pair.rank());
      ops.multiplyExactly(dInner, dSum, pair.b().value(), pair.scale(), 0);
      ops.multiplyExactly(
          pair.b().gradient(), dSum.transpose(), shrunk.rows(0, rows), pair.scale(), 1);
      ops.multiplyExactly(pair.a().gradient(), dInner.transpose(), x, 1, 1);
      if (dX != null) {
        ops.multiplyExactly(dX, dInner, pair.a().value(), 1, 1);
      }
    }
  }

  /** The norm is a constant on the way back, as PEFT has it: only the magnitude is moved. */
  private Tensor throughGain(Tensor dOut) {
    LoraPair pair = module.pair();
    if (pair == null
        || pair.magnitude() == null
        || product == null
        || gain == null
        || inverseNorms == null) {
      return dOut;
    }
    long rows = dOut.size(0);
    Tensor sums = narrow.matrix(1, module.out());
    ops.fill(sums, 0);
    ops.addColumnProducts(sums.reshape(module.out()), dOut, product.rows(0, rows));
    ops.multiplyRows(sums, sums, inverseNorms);
    ops.add(pair.magnitude().gradient(), sums.reshape(module.out()), 1);
    Tensor dSum = wide.matrix(rows, module.out());
    ops.multiplyRows(dSum, dOut, gain);
    return dSum;
  }

  /** A row's gradient is that of its column of the output, times x. */
  private void replacedRows(ReplacedRows replaced, Tensor dOut, Tensor x) {
    Tensor columns = dOut.transpose();
    for (int i = 0; i < replaced.tokenIds().length; i++) {
      int id = replaced.tokenIds()[i];
      ops.multiplyExactly(
          replaced.rows().gradient().rows(i, i + 1L), columns.rows(id, id + 1L), x, 1, 1);
    }
  }
}
