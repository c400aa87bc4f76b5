package dev.openlora.bench.micro;

import dev.openlora.kernels.SafetensorsFile;
import dev.openlora.kernels.SafetensorsType;
import dev.openlora.kernels.SafetensorsWriter;
import dev.openlora.kernels.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to take a row of bfloat16 logits to Java, as floats? Into a new array, as the
 * engine does for each sampled token, and into one that is there. The host memory is a mapped
 * file's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class LogitsBenchmark {
  private static final int ROWS = 8;

  @Param({"512", "32000", "151936"})
  int vocabulary;

  private Path path;
  private SafetensorsFile file;
  private Tensor logits;
  private float[] kept;
  private int next;

  @Setup
  public void map() throws IOException {
    float[] values = new float[ROWS * vocabulary];
    Random random = new Random(1);
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(256) - 128; // whole numbers that bfloat16 keeps
    }
    path = Files.createTempFile("openlora-logits-", ".safetensors");
    new SafetensorsWriter()
        .add("logits", SafetensorsType.BF16, new long[] {ROWS, vocabulary}, () -> values)
        .writeTo(path);
    file = SafetensorsFile.open(path);
    logits = file.tensor("logits");
    kept = new float[vocabulary];
    int last = ROWS - 1;
    logits.readRow(last, kept);
    for (int i = 0; i < vocabulary; i++) {
      if (kept[i] != values[last * vocabulary + i]) {
        throw new IllegalStateException(
            "logit " + i + ": " + kept[i] + " (expected: " + values[last * vocabulary + i] + ")");
      }
    }
  }

  @TearDown
  public void delete() throws IOException {
    file.close();
    Files.delete(path);
  }

  private int row() {
    next = (next + 1) % ROWS;
    return next;
  }

  @Benchmark
  public float[] intoNewRow() {
    float[] values = new float[vocabulary];
    logits.readRow(row(), values);
    return values;
  }

  @Benchmark
  public float[] intoKeptRow() {
    logits.readRow(row(), kept);
    return kept;
  }
}
