package dev.openlora.bench.step;

import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of every measurement that runs a model in its own process. */
final class BaseFlags {
  @Option(names = "--model", required = true, paramLabel = "DIR", description = "base model")
  private Path model = Path.of("");

  @Option(names = "--threads", defaultValue = "0", description = "default: one per core")
  private int threads;

  @Option(
      names = "--kernels",
      defaultValue = "native",
      description = "native or portable; default: native")
  private String kernels = "";

  @Option(
      names = "--dtype",
      defaultValue = "auto",
      description = "auto, float32 or bfloat16; default: auto, as the model says")
  private String dtype = "";

  @Option(
      names = "--quantization",
      paramLabel = "FORM",
      defaultValue = "none",
      description = "none or int8, of the native kernels' weights; default: none")
  private String quantization = "";

  @Option(names = "--seed", defaultValue = "1", description = "of tokens and adapters; default: 1")
  private long seed;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures there as well")
  private @Nullable Path json;

  Path model() {
    return model;
  }

  int threads() {
    if (threads < 0 || threads > 1024) {
      throw new IllegalArgumentException("--threads: " + threads + " (expected: 0..1024)");
    }
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  KernelChoice kernels() {
    return KernelChoice.parse(kernels);
  }

  /** How the native kernels keep weights. */
  CpuOps.Weights weights() {
    return switch (quantization) {
      case "none" -> CpuOps.Weights.BF16;
      case "int8" -> CpuOps.Weights.INT8;
      default ->
          throw new IllegalArgumentException(
              "--quantization: '" + quantization + "' (expected: none or int8)");
    };
  }

  /** Refuses values that no measurement can be made with. */
  void check() {
    threads();
    dtype();
    KernelChoice choice = kernels();
    if (weights() == CpuOps.Weights.INT8 && choice == KernelChoice.PORTABLE) {
      throw new IllegalArgumentException(
          "--quantization, --kernels: int8, portable (expected: native kernels for int8)");
    }
  }

  /** Null as the model says. */
  @Nullable DType dtype() {
    return switch (dtype) {
      case "auto" -> null;
      case "float32" -> DType.F32;
      case "bfloat16" -> DType.BF16;
      default ->
          throw new IllegalArgumentException(
              "--dtype: '" + dtype + "' (expected: auto, float32 or bfloat16)");
    };
  }

  long seed() {
    return seed;
  }

  @Nullable Path json() {
    return json;
  }
}
