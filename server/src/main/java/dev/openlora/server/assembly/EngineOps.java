package dev.openlora.server.assembly;

import dev.openlora.kernels.CpuOps;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.config.ServerConfig.Kernels;
import dev.openlora.server.config.ServerConfig.Quantization;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operations of an engine, as a configuration asks for them and the machine has them. */
final class EngineOps {
  private static final Logger LOG = LoggerFactory.getLogger(EngineOps.class);
  private static final long SPIN_NANOS = 50_000;

  private EngineOps() {}

  /**
   * Opens operations on a device.
   *
   * @throws IOException when the configuration needs native kernels and they do not run here
   */
  static Ops open(ServerConfig config, TorchLibrary library, Device device) throws IOException {
    Ops torch = new TorchOps(library, device);
    Ops chosen = torch;
    boolean cpu = device.kind() == Device.Kind.CPU;
    try {
      if (cpu && config.engine().kernels() != Kernels.PORTABLE) {
        chosen = CpuOps.open(torch, options(config));
      } else if (needs(config) != null) {
        throw new IOException(
            needs(config)
                + " needs native kernels (expected: --device cpu, and not --kernels portable)");
      }
    } catch (IOException e) {
      if (needs(config) != null) {
        torch.close();
        throw e;
      }
      LOG.warn("{}; the portable operations run instead, which are slower", e.getMessage());
    }
    LOG.info("operations: {}", chosen.description());
    return chosen;
  }

  private static CpuOps.Options options(ServerConfig config) {
    int threads = config.engine().threads();
    return new CpuOps.Options(
        threads > 0 ? threads : Runtime.getRuntime().availableProcessors(),
        config.engine().cpuIsa(),
        SPIN_NANOS,
        config.model().quantization() == Quantization.INT8
            ? CpuOps.Weights.INT8
            : CpuOps.Weights.BF16,
        config.engine().deterministic());
  }

  /** What of the configuration only native kernels can do, or null. */
  private static @Nullable String needs(ServerConfig config) {
    if (config.engine().kernels() == Kernels.NATIVE) {
      return "engine.kernels: native";
    }
    if (config.engine().deterministic()) {
      return "engine.deterministic";
    }
    return config.model().quantization() == Quantization.INT8 ? "model.quantization: int8" : null;
  }

  /** Refuses a model in whose numbers the configuration cannot be kept. */
  static void check(ServerConfig config, DType dtype) throws IOException {
    boolean packed =
        config.engine().deterministic() || config.model().quantization() == Quantization.INT8;
    if (packed && dtype != DType.BF16) {
      throw new IOException(
          (config.engine().deterministic() ? "engine.deterministic" : "model.quantization: int8")
              + ": the model computes in "
              + dtype
              + " (expected: --dtype bfloat16)");
    }
  }
}
