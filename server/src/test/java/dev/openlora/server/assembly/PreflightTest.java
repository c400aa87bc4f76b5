package dev.openlora.server.assembly;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class PreflightTest {
  private static final Machine PLAIN =
      new Machine("A CPU", Set.of("avx2", "avx512_bf16"), 2, 4096, 2048, List.of());

  @TempDir private Path folder = Path.of("");

  @Test
  void aGoodFolderOnAPlainMachineHasNoObstacle() throws IOException {
    Files.writeString(folder.resolve("config.json"), "{}");
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    Files.write(folder.resolve("model.safetensors"), new byte[3 * 1024 * 1024]);

    Preflight preflight = assess(PLAIN, "--model", folder.toString());

    assertThat(preflight.servable()).isTrue();
    assertThat(preflight.notices()).isEmpty();
    assertThat(preflight.lines())
        .anyMatch(line -> line.contains("A CPU, 2 cores, "))
        .anyMatch(line -> line.contains("2048 of 4096 MiB"))
        .anyMatch(line -> line.contains("3 MiB of weights"));
  }

  @Test
  void namesWhatTheFolderLacks() throws IOException {
    assertThat(assess(PLAIN, "--model", folder.toString()).obstacles())
        .singleElement()
        .asString()
        .contains("config.json");
    Files.writeString(folder.resolve("config.json"), "{}");
    assertThat(assess(PLAIN, "--model", folder.toString()).obstacles())
        .singleElement()
        .asString()
        .contains("tokenizer.json");
  }

  @Test
  void cudaNeedsADriverAndALibtorchForIt() {
    assertThat(assess(PLAIN, "--device", "cuda").obstacles())
        .anyMatch(line -> line.contains("nvidia-smi"))
        .anyMatch(line -> line.contains("--libtorch DIR"));
  }

  @Test
  void aLibtorchFolderMustHoldOne() {
    assertThat(assess(PLAIN, "--libtorch", folder.toString()).obstacles())
        .singleElement()
        .asString()
        .contains("libtorch_cpu.so");
  }

  @Test
  void saysWhatMakesItSlow() {
    Machine old = new Machine("Old", Set.of(), 1, 0, 0, List.of());

    assertThat(assess(old).notices())
        .anyMatch(line -> line.contains("AVX2"))
        .anyMatch(line -> line.contains("bfloat16"));
    assertThat(assess(old, "--dtype", "float32").notices())
        .noneMatch(line -> line.contains("bfloat16"));
  }

  private static Preflight assess(Machine machine, String... args) {
    CommandSpec command = CommandSpec.create();
    ConfigFlags.addTo(command);
    ServerConfig config =
        ServerConfig.from(ConfigFlags.read(new CommandLine(command).parseArgs(args), Map.of()));
    return Preflight.assess(config, machine, 25);
  }
}
