package dev.openlora.server.demo;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * A safetensors file of random numbers, drawn one tensor after the other while it is written. The
 * same seed and names give the same bytes. One thread; write once.
 */
final class RandomTensors {
  private final long seed;
  private final DType dtype;
  private final List<Entry> entries = new ArrayList<>();

  /** Elements are mean + deviation · normal. */
  private record Entry(String name, long[] shape, float mean, float deviation) {}

  RandomTensors(long seed, DType dtype) {
    this.seed = seed;
    this.dtype = dtype;
  }

  RandomTensors add(String name, long[] shape, double mean, double deviation) {
    entries.add(new Entry(name, shape, (float) mean, (float) deviation));
    return this;
  }

  long bytes() {
    return entries.stream().mapToLong(this::bytes).sum();
  }

  private long bytes(Entry entry) {
    return ModelShape.elements(entry.shape()) * dtype.bytes();
  }

  /** Writes the file; {@code progress} hears the bytes of each tensor. */
  void write(Path file, LongConsumer progress) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
    for (Entry entry : entries) {
      writer.add(
          entry.name(),
          SafetensorsType.valueOf(dtype.name()),
          entry.shape(),
          () -> {
            progress.accept(bytes(entry));
            return values(entry);
          });
    }
    writer.writeTo(file);
  }

  private float[] values(Entry entry) {
    NormalNumbers numbers = new NormalNumbers(seed, entry.name());
    float[] values = new float[Math.toIntExact(ModelShape.elements(entry.shape()))];
    for (int i = 0; i < values.length; i++) {
      values[i] = entry.mean() + entry.deviation() * numbers.next();
    }
    return values;
  }
}
