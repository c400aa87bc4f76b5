package dev.openlora.server.tuning;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TrainingOps.Precision;
import java.io.IOException;
import java.util.Locale;

/**
 * In what numbers, and on how many threads. Both decide the last bits of a result.
 *
 * @param threads 0: one per core
 */
public record Computation(Precision precision, int threads) {
  private static final int THREADS_MAX = 1024;

  public Computation {
    if (threads < 0 || threads > THREADS_MAX) {
      throw TuningException.wrong("--threads: " + threads + " (expected: 0.." + THREADS_MAX + ")");
    }
  }

  /** The precision by its name. */
  public static Precision precision(String name) {
    return switch (name) {
      case "float32" -> Precision.F32;
      case "bfloat16" -> Precision.BF16;
      default ->
          throw TuningException.wrong(
              "--precision: '" + name + "' (expected: float32 or bfloat16)");
    };
  }

  String precisionName() {
    return precision == Precision.F32 ? "float32" : "bfloat16";
  }

  /** What frozen weights are held in. */
  DType weights() {
    return precision == Precision.F32 ? DType.F32 : DType.BF16;
  }

  int threadsUsed() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }

  TorchLibrary library() throws IOException {
    boolean told =
        System.getenv("OMP_WAIT_POLICY") != null || System.getenv("GOMP_SPINCOUNT") != null;
    return TorchLibrary.load(
        new TorchLibrary.Options(
            null,
            threadsUsed(),
            told ? TorchLibrary.Waiting.ENVIRONMENT : TorchLibrary.Waiting.SLEEP));
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s, %d threads", precisionName(), threadsUsed());
  }
}
