package dev.openlora.server.assembly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.demo.Demo;
import dev.openlora.server.demo.DemoFolder;
import dev.openlora.server.demo.OpenAiClient;
import dev.openlora.server.demo.RandomModels;
import dev.openlora.server.demo.Voice;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.node.StringNode;

/** Everything together: a real model of random numbers, real libtorch, real sockets. */
class RunningServerTest {
  @TempDir private static Path folder = Path.of("");
  private static RandomModels model = new RandomModels(folder);

  @BeforeAll
  static void makeModel() throws IOException {
    model = new RandomModels(folder);
    model.prepare(done -> {});
  }

  @Test
  void everyVoiceAnswersTogetherAndInItsOwnWay() throws Exception {
    DemoFolder voices = new DemoFolder(Path.of("..", "demo"));
    assertThat(voices.isComplete()).as("the repository's demo folder").isTrue();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Demo demo = new Demo(new PrintStream(bytes, true, StandardCharsets.UTF_8), false, 120);
    ServerConfig config =
        config("--model", voices.base().toString(), "--adapters", voices.adapters().toString());
    try (RunningServer server = RunningServer.start(config, List.of(demo))) {
      List<String> names = new ArrayList<>(List.of(server.modelName()));
      Voice.ALL.forEach(voice -> names.add(voice.name()));
      assertThat(server.adapters().list()).hasSize(Voice.ALL.size());

      assertThat(demo.ask(server.uri(), names)).isZero();

      String told = bytes.toString(StandardCharsets.UTF_8);
      assertThat(told).contains("9 streams").contains("8 different adapters");
      assertThat(server.adapters().openLeases()).isZero();
    }
  }

  @Test
  void aBrokenAdapterIsSkippedAndTheOthersAreServed() throws Exception {
    Path adapters = folderWithABrokenAdapter("skipped");
    try (RunningServer server =
            RunningServer.start(config("--adapters", adapters.toString()), List.of());
        OpenAiClient client = new OpenAiClient(server.uri(), null)) {
      assertThat(server.adapters().list()).hasSize(1);
      assertThatThrownBy(() -> client.complete(call("broken"))).hasMessageContaining("HTTP 404");
      assertThat(client.complete(call("good")).outputTokens()).isEqualTo(4);
    }
  }

  @Test
  void strictRefusesToStartAndNamesTheAdapter() throws Exception {
    Path adapters = folderWithABrokenAdapter("strict");

    assertThatThrownBy(() ->
            RunningServer.start(
                config("--adapters", adapters.toString(), "--strict-adapters"), List.of()))
        .isInstanceOf(StartupException.class)
        .hasMessageContaining("broken");
  }

  @Test
  void saysWhatKeepsItFromStarting() {
    assertThatThrownBy(() -> RunningServer.start(config("--model", folder + "/nothing"), List.of()))
        .isInstanceOf(StartupException.class)
        .hasMessageContaining("nothing");
    assertThatThrownBy(() -> RunningServer.start(config("--host", "0.0.0.0"), List.of()))
        .isInstanceOf(StartupException.class)
        .hasMessageContaining("API key");
  }

  @Test
  void twoServersCannotHaveOnePort() throws Exception {
    try (RunningServer first = RunningServer.start(config(), List.of())) {
      String port = String.valueOf(first.uri().getPort());

      assertThatThrownBy(() -> RunningServer.start(config("--port", port), List.of()))
          .isInstanceOf(StartupException.class)
          .hasMessageContaining(port);
    }
  }

  @Test
  void findsAdaptersUnderARelativeRootAndMissesOthersWith404() throws Exception {
    Path here = Path.of("").toAbsolutePath();
    String relative = here.relativize(model.adapters().toAbsolutePath()).toString();
    try (RunningServer server =
        RunningServer.start(config("--adapter-root", relative), List.of())) {
      assertThat(load(server, "lora-r4-000")).isEqualTo(200);
      assertThat(load(server, "nosuch")).isEqualTo(404);
      assertThat(load(server, "x/../../nosuch")).isEqualTo(403);
    }
  }

  private static int load(RunningServer server, String path) throws Exception {
    String body =
        "{\"lora_name\":\"" + path.replace('.', '-') + "\",\"lora_path\":\"" + path + "\"}";
    HttpRequest request =
        HttpRequest.newBuilder(server.uri().resolve("/v1/load_lora_adapter"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
    }
  }

  private static OpenAiClient.Call call(String name) {
    return new OpenAiClient.Call(name, StringNode.valueOf("bala"), 4, 0, 1);
  }

  private static Path folderWithABrokenAdapter(String name) throws IOException {
    Path adapters = Files.createDirectories(folder.resolve(name));
    Path good = Files.createDirectories(adapters.resolve("good"));
    for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
      Files.copy(model.adapters().resolve("lora-r4-000").resolve(file), good.resolve(file));
    }
    Path broken = Files.createDirectories(adapters.resolve("broken"));
    Files.writeString(broken.resolve("adapter_config.json"), "{\"peft_type\": \"IA3\"}");
    return adapters;
  }

  private static ServerConfig config(String... more) {
    Map<String, String> valued = new LinkedHashMap<>();
    valued.put("--model", model.base().toString());
    valued.put("--port", "0");
    valued.put("--threads", "1");
    valued.put("--kv-memory-mib", "64");
    valued.put("--adapter-memory-mib", "256");
    List<String> args = new ArrayList<>();
    for (int i = 0; i < more.length; i++) {
      if (i + 1 < more.length && !more[i + 1].startsWith("--")) {
        valued.put(more[i], more[++i]);
      } else {
        args.add(more[i]);
      }
    }
    valued.forEach((flag, value) -> args.addAll(List.of(flag, value)));
    CommandSpec flags = CommandSpec.create();
    ConfigFlags.addTo(flags);
    return ServerConfig.from(
        ConfigFlags.read(new CommandLine(flags).parseArgs(args.toArray(String[]::new)), Map.of()));
  }
}
