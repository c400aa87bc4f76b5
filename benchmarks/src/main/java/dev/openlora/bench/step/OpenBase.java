package dev.openlora.bench.step;

import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import java.io.IOException;

/** A base model on its operations, opened as the server opens it. One thread; close once. */
final class OpenBase implements AutoCloseable {
  private final Ops ops;
  private final TensorArena arena;
  private final HuggingFaceModel model;
  private final CpuOps.Weights weights;

  private OpenBase(Ops ops, TensorArena arena, HuggingFaceModel model, CpuOps.Weights weights) {
    this.ops = ops;
    this.arena = arena;
    this.model = model;
    this.weights = weights;
  }

  static OpenBase open(BaseFlags flags) throws IOException {
    Ops ops = ops(flags);
    TensorArena arena = ops.newArena("bench");
    try {
      HuggingFaceModel model = HuggingFaceModel.open("base", flags.model(), ops, flags.dtype());
      if (flags.weights() == CpuOps.Weights.INT8 && model.dtype() != DType.BF16) {
        model.close();
        throw new IOException(
            "--quantization int8: the model computes in "
                + model.dtype()
                + " (expected: --dtype bfloat16)");
      }
      return new OpenBase(ops, arena, model, flags.weights());
    } catch (IOException | RuntimeException e) {
      arena.close();
      ops.close();
      throw e;
    }
  }

  private static Ops ops(BaseFlags flags) throws IOException {
    TorchLibrary library =
        TorchLibrary.load(
            new TorchLibrary.Options(null, flags.threads(), TorchLibrary.Waiting.ENVIRONMENT));
    TorchOps portable = new TorchOps(library, Device.CPU);
    if (flags.kernels() == KernelChoice.PORTABLE) {
      return portable;
    }
    try {
      return CpuOps.open(portable, CpuOps.Options.of(flags.threads()).withWeights(flags.weights()));
    } catch (IOException e) {
      portable.close();
      throw new IOException("--kernels native: " + e.getMessage() + "; try --kernels portable", e);
    }
  }

  Ops ops() {
    return ops;
  }

  HuggingFaceModel model() {
    return model;
  }

  /** What a step multiplies by, with weights in the form that the kernels keep. */
  MatrixShapes shapes() {
    return MatrixShapes.of(model, weights == CpuOps.Weights.INT8 ? 1 : model.dtype().bytes());
  }

  /** For tensors that live as long as the model. */
  TensorArena arena() {
    return arena;
  }

  @Override
  public void close() {
    model.close();
    arena.close();
    ops.close();
  }
}
