package dev.openlora.engine;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;

/** Tensors of normally distributed values, to be written as a safetensors file of one dtype. */
final class RandomTensors {
  private final Random random;
  private final SafetensorsType type;
  private final SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");

  RandomTensors(Random random, DType dtype) {
    this.random = random;
    type = SafetensorsType.valueOf(dtype.name());
  }

  void put(String name, double mean, double deviation, long... shape) {
    int elements = 1;
    for (long size : shape) {
      elements *= (int) size;
    }
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    writer.add(name, type, shape, () -> values);
  }

  void write(Path file) throws IOException {
    writer.writeTo(file);
  }
}
