package dev.openlora.engine.training;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.ReferenceTrainingOps;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** The smallest language model: logits[next] = table[id][next] + bias[next]. */
final class BigramModel implements Trainable {
  final int vocabulary;
  private final TrainingOps ops = new ReferenceTrainingOps();
  private final TensorArena memory = ops.newArena("bigram");
  private final Parameter table;
  private final Parameter bias;

  BigramModel(int vocabulary, long seed) {
    this.vocabulary = vocabulary;
    Random random = new Random(seed);
    table = parameter("table", random, true, vocabulary, vocabulary);
    bias = parameter("bias", random, false, vocabulary);
  }

  private Parameter parameter(String name, Random random, boolean decayed, long... shape) {
    int elements = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Tensor gradient = memory.allocate(DType.F32, shape);
    float[] noise = new float[elements];
    Arrays.fill(noise, Float.NaN);
    gradient.write(noise);
    return new Parameter(name, memory.copyOf(values, shape), gradient, decayed);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(table, bias);
  }

  float[] values() {
    float[] first = table.value().toFloats();
    float[] second = bias.value().toFloats();
    float[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  @Override
  public TrainingOps ops() {
    return ops;
  }

  @Override
  public double accumulate(TrainingBatch batch, double scale) {
    return pass(batch, scale);
  }

  @Override
  public double loss(TrainingBatch batch) {
    return pass(batch, 0);
  }

  private double pass(TrainingBatch batch, double scale) {
    float[] rows = table.value().toFloats();
    float[] biases = bias.value().toFloats();
    float[] rowGradients = table.gradient().toFloats();
    float[] biasGradients = bias.gradient().toFloats();
    double loss = 0;
    for (int row = 0; row < batch.rows(); row++) {
      int target = batch.targets()[row];
      if (target == TrainingBatch.NOT_LEARNED) {
        continue;
      }
      int at = batch.ids()[row] * vocabulary;
      double sum = 0;
      for (int next = 0; next < vocabulary; next++) {
        sum += Math.exp(rows[at + next] + biases[next]);
      }
      loss += Math.log(sum) - rows[at + target] - biases[target];
      for (int next = 0; next < vocabulary; next++) {
        double share = Math.exp(rows[at + next] + biases[next]) / sum;
        double gradient = scale * (share - (next == target ? 1 : 0));
        rowGradients[at + next] += (float) gradient;
        biasGradients[next] += (float) gradient;
      }
    }
    if (scale != 0) {
      table.gradient().write(rowGradients);
      bias.gradient().write(biasGradients);
    }
    return loss;
  }

  @Override
  public void close() {
    memory.close();
    ops.close();
  }
}
