package dev.openlora.bench.step;

import dev.openlora.adapter.BaseModel;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * How fast the operations multiply many rows by one matrix: a big square one, and those of a model.
 * One thread, which is the operations' caller.
 */
final class ProductPeak {
  static final int ROWS = 512;
  private static final int SQUARE = 4096;

  private final Ops ops;
  private final TensorArena arena;
  private final DType dtype;
  private final int passes;
  private final SplittableRandom random = new SplittableRandom(1);

  /**
   * @param arena stays open as long as the operations: they may keep what they prepared of a weight
   */
  ProductPeak(Ops ops, TensorArena arena, DType dtype, int passes) {
    this.ops = ops;
    this.arena = arena;
    this.dtype = dtype;
    this.passes = passes;
  }

  /** FLOP per second of the best pass, by shape of the weight: [out, in]. */
  Map<String, Double> measure(HuggingFaceModel model) {
    Map<String, Double> flops = new LinkedHashMap<>();
    Tensor square = arena.allocate(dtype, SQUARE, SQUARE);
    fill(square);
    ops.prepare(square, arena);
    flops.put(name(SQUARE, SQUARE), best(square));
    for (BaseModel.LinearModule linear : model.linears()) {
      flops.computeIfAbsent(name(linear.out(), linear.in()), shape -> best(linear.weight()));
    }
    return flops;
  }

  private static String name(int out, int in) {
    return out + " x " + in;
  }

  private double best(Tensor weight) {
    try (TensorArena step = ops.newArena("products")) {
      Tensor x = step.allocate(dtype, ROWS, weight.size(1));
      fill(x);
      Tensor out = step.allocate(DType.F32, ROWS, weight.size(0));
      long nanos = Long.MAX_VALUE;
      for (int pass = 0; pass <= passes; pass++) {
        long begin = System.nanoTime();
        ops.linear(out, x, weight, null);
        nanos = Math.min(nanos, System.nanoTime() - begin);
      }
      return 2.0 * ROWS * weight.elements() / (nanos / 1e9);
    }
  }

  private void fill(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() - 0.5);
    }
    tensor.write(values);
  }
}
