package dev.openlora.server.assembly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.server.config.ConfigException;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class EngineOpsTest {
  private static ServerConfig config(String... flags) {
    CommandSpec spec = CommandSpec.create();
    ConfigFlags.addTo(spec);
    return ServerConfig.from(ConfigFlags.read(new CommandLine(spec).parseArgs(flags), Map.of()));
  }

  private static String description(String... flags) throws IOException {
    try (Ops ops = open(config(flags))) {
      return ops.description();
    }
  }

  private static Ops open(ServerConfig config) throws IOException {
    return EngineOps.open(config, TorchLibrary.load(TorchLibrary.Options.defaults()), Device.CPU);
  }

  @Test
  void runsNativeKernelsUnlessToldOtherwise() throws IOException {
    assertThat(description("--threads", "3")).startsWith("native ").contains("(3 threads)");
    assertThat(description("--kernels", "portable")).startsWith("torch ");
    assertThat(description("--cpu-isa", "avx2")).startsWith("native AVX2 ");
    assertThat(description("--quantization", "int8", "--deterministic"))
        .contains("int8 weights")
        .contains("deterministic");
  }

  @Test
  void refusesWhatThePortableOperationsCannotKeep() {
    for (String[] flags : new String[][] {{"--deterministic"}, {"--quantization", "int8"}}) {
      String[] all = new String[flags.length + 2];
      System.arraycopy(flags, 0, all, 0, flags.length);
      all[flags.length] = "--kernels";
      all[flags.length + 1] = "portable";
      assertThatThrownBy(() -> open(config(all)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("needs native kernels");
    }
  }

  @Test
  void refusesFloat32WhereWeightsArePacked() {
    assertThatThrownBy(() -> EngineOps.check(config("--deterministic"), DType.F32))
        .hasMessageContaining("engine.deterministic")
        .hasMessageContaining("bfloat16");
    assertThatThrownBy(() -> EngineOps.check(config("--quantization", "int8"), DType.F32))
        .hasMessageContaining("model.quantization");
  }

  @Test
  void refusesNamesItDoesNotKnow() {
    for (String flag : new String[] {"--kernels", "--cpu-isa", "--quantization"}) {
      assertThatThrownBy(() -> config(flag, "fast"))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("'fast'");
    }
  }
}
