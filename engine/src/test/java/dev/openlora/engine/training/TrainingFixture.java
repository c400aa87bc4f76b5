package dev.openlora.engine.training;

import dev.openlora.kernels.ReferenceTrainingOps;
import dev.openlora.kernels.TorchTrainingOps;
import dev.openlora.kernels.TrainingOps;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Batches, directions and values for tests of a training. */
final class TrainingFixture {
  private TrainingFixture() {}

  /** What runs the operations. */
  enum Operations {
    REFERENCE,
    TORCH;

    TrainingOps open() throws IOException {
      return switch (this) {
        case REFERENCE -> new ReferenceTrainingOps();
        case TORCH -> TorchTrainingOps.openDefault(TrainingOps.Precision.F32);
      };
    }
  }

  /** Sequences of random ids; about two of three targets are learned, and at least one. */
  static TrainingBatch batch(Random random, int vocabulary, int sequences) {
    List<TrainingBatch> all = new ArrayList<>();
    for (int i = 0; i < sequences; i++) {
      int rows = 1 + random.nextInt(12);
      int[] ids = random.ints(rows, 0, vocabulary).toArray();
      int[] positions = new int[rows];
      int[] targets = new int[rows];
      for (int row = 0; row < rows; row++) {
        positions[row] = row;
        boolean learned = random.nextInt(3) > 0 || (i == 0 && row == rows - 1);
        targets[row] = learned ? random.nextInt(vocabulary) : TrainingBatch.NOT_LEARNED;
      }
      all.add(new TrainingBatch(ids, positions, new int[] {0, rows}, targets));
    }
    return join(all);
  }

  static TrainingBatch join(List<TrainingBatch> batches) {
    List<Integer> starts = new ArrayList<>(List.of(0));
    for (TrainingBatch batch : batches) {
      int before = starts.getLast();
      for (int i = 1; i < batch.starts().length; i++) {
        starts.add(before + batch.starts()[i]);
      }
    }
    return new TrainingBatch(
        batches.stream().flatMapToInt(b -> Arrays.stream(b.ids())).toArray(),
        batches.stream().flatMapToInt(b -> Arrays.stream(b.positions())).toArray(),
        starts.stream().mapToInt(i -> i).toArray(),
        batches.stream().flatMapToInt(b -> Arrays.stream(b.targets())).toArray());
  }

  /** Moves every parameter a little, so that nothing is zero any more. */
  static void disturb(Trainable training, Random random) {
    for (Parameter parameter : training.parameters()) {
      float[] values = parameter.value().toFloats();
      double size = 0.1 + Math.sqrt(squares(values) / values.length);
      for (int i = 0; i < values.length; i++) {
        values[i] += (float) (0.3 * size * random.nextGaussian());
      }
      parameter.value().write(values);
    }
  }

  /** Only the target of one row. */
  static TrainingBatch only(TrainingBatch batch, int row) {
    int[] targets = new int[batch.rows()];
    Arrays.fill(targets, TrainingBatch.NOT_LEARNED);
    targets[row] = batch.targets()[row];
    return new TrainingBatch(batch.ids(), batch.positions(), batch.starts(), targets);
  }

  /** Copies of all gradients. */
  static List<float[]> gradients(Trainable training) {
    return training.parameters().stream().map(p -> p.gradient().toFloats()).toList();
  }

  static void zeroGradients(Trainable training) {
    for (Parameter parameter : training.parameters()) {
      training.ops().fill(parameter.gradient(), 0);
    }
  }

  static double squares(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return sum;
  }

  /** The length of the difference over the length of the expected. */
  static double relativeDifference(float[] actual, float[] expected) {
    double sum = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = (double) actual[i] - expected[i];
      sum += difference * difference;
    }
    return Math.sqrt(sum) / Math.max(1e-12, Math.sqrt(squares(expected)));
  }
}
