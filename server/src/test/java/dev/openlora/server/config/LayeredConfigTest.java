package dev.openlora.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

class LayeredConfigTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void defaultsAreAConfigurationThatIsValid() {
    ServerConfig config = ServerConfig.from(new LayeredConfig());

    assertThat(config.server().host()).isEqualTo("127.0.0.1");
    assertThat(config.server().port()).isEqualTo(8080);
    assertThat(config.engine().prefixCache()).isTrue();
    assertThat(config.model().dtype()).isEqualTo(ServerConfig.NumberType.AUTO);
  }

  @Test
  void readsAFileInSections() throws IOException {
    ServerConfig config =
        ServerConfig.from(
            new LayeredConfig()
                .withFile(
                    yaml(
                        """
                        server:
                          port: 9000
                          apiKeys: [alpha, beta]
                        model:
                          path: /models/one
                          servedName: 405
                        adapters:
                          roots: /adapters
                        """)));

    assertThat(config.server().port()).isEqualTo(9000);
    assertThat(config.server().apiKeys()).containsExactly("alpha", "beta");
    assertThat(config.model().requiredPath()).isEqualTo(Path.of("/models/one"));
    assertThat(config.model().name()).isEqualTo("405");
    assertThat(config.adapters().allowedRoots()).containsExactly(Path.of("/adapters"));
  }

  @Test
  void namesTheUnknownKeyAndTheKnownOnes() throws IOException {
    Path file = yaml("server:\n  prot: 80\n");

    assertThatThrownBy(() -> new LayeredConfig().withFile(file))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith("server.prot: unknown key in " + file)
        .hasMessageContaining("known here: host, port, apiKeys");
  }

  @Test
  void namesAnUnknownSection() throws IOException {
    Path file = yaml("sever: {}\n");

    assertThatThrownBy(() -> new LayeredConfig().withFile(file))
        .hasMessageContaining("sever: unknown key")
        .hasMessageContaining("known here: server, model, adapters, engine, tuning, log");
  }

  @Test
  void namesAValueOfTheWrongKind() throws IOException {
    Path file = yaml("server:\n  port: eighty\n");

    assertThatThrownBy(() -> new LayeredConfig().withFile(file))
        .hasMessage("server.port: 'eighty' from " + file + " (expected: a whole number)");
  }

  @Test
  void refusesAKeyThatIsThereTwice() throws IOException {
    Path file = yaml("server:\n  port: 1\n  port: 2\n");

    assertThatThrownBy(() -> new LayeredConfig().withFile(file))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("port");
  }

  @Test
  void saysWhichFileIsMissingOrBroken() throws IOException {
    assertThatThrownBy(() -> new LayeredConfig().withFile(folder.resolve("none.yaml")))
        .hasMessageContaining("none.yaml")
        .hasMessageContaining("no such file");
    Path broken = yaml("server: [\n");
    assertThatThrownBy(() -> new LayeredConfig().withFile(broken))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("is not YAML");
  }

  @Test
  void saysTheRangeOfANumberThatIsOutsideOfIt() throws IOException {
    LayeredConfig layers = new LayeredConfig().withFile(yaml("server:\n  port: 80800\n"));

    assertThatThrownBy(() -> ServerConfig.from(layers))
        .hasMessage("server.port: 80800 (expected: 0..65535)");
  }

  @Test
  void refusesMoreSequencesThanTokensInAStep() {
    assertThatThrownBy(() -> parse(Map.of(), "--max-batch-tokens", "8", "--max-num-seqs", "9"))
        .hasMessageContaining("engine.maxSequences: 9")
        .hasMessageContaining("8");
  }

  @Test
  void refusesANameThatCannotBeToldFromAVersion() {
    assertThatThrownBy(() -> parse(Map.of(), "--served-model-name", "base@1"))
        .hasMessageContaining("model.servedName: 'base@1'");
  }

  @Test
  void flagsWinOverEnvironmentAndEnvironmentOverTheFile() throws IOException {
    Path file =
        yaml("server:\n  port: 1000\n  apiKeys: [fromFile]\nengine:\n  prefixCache: true\n");
    Map<String, String> environment =
        Map.of("OPENLORA_API_KEY", "fromEnvironment", "OPENLORA_ADMIN_KEY", "admin");

    ServerConfig config =
        parse(environment, "--config", file.toString(), "--port", "2000", "--no-prefix-cache");

    assertThat(config.server().port()).isEqualTo(2000);
    assertThat(config.server().apiKeys()).containsExactly("fromEnvironment");
    assertThat(config.server().adminKeys()).containsExactly("admin");
    assertThat(config.engine().prefixCache()).isFalse();
    assertThat(parse(environment, "--api-key", "a", "--api-key", "b").server().apiKeys())
        .containsExactly("a", "b");
  }

  @Test
  void theAdapterDirectoryIsAlsoARoot() {
    ServerConfig config = parse(Map.of(), "--adapters", "/a", "--adapter-root", "/b");

    assertThat(config.adapters().allowedRoots()).containsExactly(Path.of("/a"), Path.of("/b"));
  }

  @Test
  void printsEverySettingWithItsOriginAndMasksSecrets() throws IOException {
    LayeredConfig layers =
        layers(Map.of("OPENLORA_ADMIN_KEY", "topsecret"), "--api-key", "hidden", "--port", "7");

    String printed = layers.toYaml();

    assertThat(printed).doesNotContain("topsecret").doesNotContain("hidden");
    assertThat(printed).containsPattern("port: 7 +# --port");
    assertThat(printed).containsPattern("adminKeys: \\[\"\\*\\*\\*\"] +# OPENLORA_ADMIN_KEY");
    assertThat(printed).containsPattern("maxBatchTokens: 512 +# default");
    for (Setting setting : Settings.ALL) {
      assertThat(printed).contains(setting.key().substring(setting.key().indexOf('.') + 1) + ":");
    }
  }

  @Test
  void whatIsPrintedCanBeReadBack() throws IOException {
    LayeredConfig layers =
        layers(Map.of(), "--model", "/models/My \"odd\": name", "--served-model-name", "no");

    ServerConfig again = ServerConfig.from(new LayeredConfig().withFile(yaml(layers.toYaml())));

    assertThat(again).isEqualTo(ServerConfig.from(layers));
  }

  @Test
  void aSecretOfTheWrongKindIsNotShown() throws IOException {
    Path file = yaml("server:\n  apiKeys: {a: letmein}\n");

    assertThatThrownBy(() -> new LayeredConfig().withFile(file))
        .isInstanceOf(ConfigException.class)
        .hasMessageNotContaining("letmein");
  }

  @Test
  void everySettingHasItsOwnKeyAndFlag() {
    List<Setting> all = Settings.ALL;

    assertThat(all.stream().map(Setting::key)).doesNotHaveDuplicates();
    assertThat(all.stream().map(Setting::flag)).doesNotHaveDuplicates();
  }

  private Path yaml(String text) throws IOException {
    return Files.writeString(folder.resolve("openlora.yaml"), text);
  }

  private static ServerConfig parse(Map<String, String> environment, String... args) {
    return ServerConfig.from(layers(environment, args));
  }

  private static LayeredConfig layers(Map<String, String> environment, String... args) {
    CommandSpec command = CommandSpec.create();
    ConfigFlags.addTo(command);
    return ConfigFlags.read(new CommandLine(command).parseArgs(args), environment);
  }
}
