package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.adapter.AdapterId;
import dev.openlora.adapter.AdapterLoader;
import dev.openlora.adapter.LoadedAdapter;
import dev.openlora.attribution.datanet.Addition;
import dev.openlora.attribution.datanet.Contributor;
import dev.openlora.attribution.datanet.Datanet;
import dev.openlora.attribution.datanet.DatanetStore;
import dev.openlora.attribution.lineage.Lineage;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Device;
import dev.openlora.kernels.TorchLibrary;
import dev.openlora.kernels.TorchOps;
import dev.openlora.server.assembly.RunningServer;
import dev.openlora.server.config.ConfigFlags;
import dev.openlora.server.config.ServerConfig;
import dev.openlora.server.tuning.TinyBase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TuneCommandTest {
  @TempDir private static Path shared = Path.of("");

  private static Path base = Path.of("");
  private static Path chats = Path.of("");

  private Path out = Path.of("");

  @BeforeAll
  static void writeBaseAndRows() throws IOException {
    base = TinyBase.write(shared.resolve("tiny"));
    chats = TinyBase.writeChats(shared.resolve("chats.jsonl"), 40);
    Files.writeString(shared.resolve("bad.jsonl"), "{\"text\": \"ba\"}\n{\"text\": 7}\n");
    Files.writeString(shared.resolve("long.jsonl"), "{\"text\": \"" + "x ".repeat(300) + "\"}\n");
    Files.writeString(shared.resolve("one.jsonl"), "{\"text\": \"ba be\"}\n");
    Files.writeString(shared.resolve("other.json"), "{\"peft_type\": \"IA3\"}");
    Files.writeString(shared.resolve("list.json"), "[]");
    Files.createDirectories(shared.resolve("there"));
  }

  @BeforeEach
  void chooseOutput(TestInfo test) {
    out = shared.resolve("out-" + test.getDisplayName().replaceAll("[^A-Za-z0-9]", ""));
  }

  static Stream<Arguments> wrongQuestions() {
    return Stream.of(
        wrong("Missing required option: '--model=DIR'", "--out", "x", "--data", "y"),
        wrong("Unknown option: '--lerning-rate'", flags("--lerning-rate", "1")),
        wrong("--model: 'nowhere' (expected: a folder", "--model", "nowhere", "--out", "x"),
        wrong("data: none (expected: --datanet or --data)", "--model", "BASE", "--out", "x"),
        wrong("nofile.jsonl: no such file", flags("--data", "nofile.jsonl")),
        wrong("bad.jsonl:2: text: number (expected: text)", flags("--data", "SHARED/bad.jsonl")),
        wrong("long.jsonl:1: ", flags("--data", "SHARED/long.jsonl")),
        wrong(
            "nets/nothing: no Datanet there",
            flags("--datanet", "nothing", "--datanets", "SHARED/nets")),
        wrong("--out: 'SHARED/there' is there already", flags("--out", "SHARED/there")),
        wrong("--resume: no checkpoint in '", flags("--resume")),
        wrong("--kind: 'qlora' (expected: lora, rslora or dora)", flags("--kind", "qlora")),
        wrong("--rank: 0 (expected: at least 1)", flags("--rank", "0")),
        wrong("--alpha: -1.0 (expected: above 0", flags("--alpha", "-1")),
        wrong("--targets: 'q_proj,' (expected: names", flags("--targets", "q_proj,")),
        wrong("adapter config: target_modules", flags("--targets", "query")),
        wrong("adapter config: bias", flags("--bias", "some")),
        wrong(
            "--rank: beside --adapter-config (expected: that key in the file)",
            flags("--rank", "4", "--adapter-config", "SHARED/other.json")),
        wrong("adapter config: peft_type", flags("--adapter-config", "SHARED/other.json")),
        wrong("(expected: a JSON object)", flags("--adapter-config", "SHARED/list.json")),
        wrong("--adapter-config: no such file", flags("--adapter-config", "SHARED/none.json")),
        wrong("--epochs and --max-steps: both", flags("--epochs", "1", "--max-steps", "5")),
        wrong("--learning-rate: 'fast' (expected: a number)", flags("--learning-rate", "fast")),
        wrong("--learning-rate: -1.0 (expected: above 0", flags("--learning-rate", "-1")),
        wrong("--batch-tokens: 0 (expected: from 1", flags("--batch-tokens", "0")),
        wrong("--held-out: 1.0 (expected: from 0, below 1)", flags("--held-out", "1")),
        wrong(
            "--held-out: 0.01 takes 0 of 1 rows",
            "--model",
            "BASE",
            "--out",
            "x",
            "--data",
            "SHARED/one.jsonl",
            "--held-out",
            "0.01"),
        wrong(
            "--patience: 2 without held-out examples", flags("--patience", "2", "--held-out", "0")),
        wrong("--precision: 'int8' (expected: float32 or bfloat16)", flags("--precision", "int8")),
        wrong("--threads: -1 (expected: 0..1024)", flags("--threads", "-1")),
        wrong("--progress: 'loud' (expected: bar, plain or json)", flags("--progress", "loud")),
        wrong("--register: 'ftp://x' (expected: a server", flags("--register", "ftp://x")));
  }

  private static Arguments wrong(String message, String... args) {
    return Arguments.of(message, args);
  }

  /** Flags that are right together, and then these; of two of a name the last is taken. */
  private static String[] flags(String... more) {
    List<String> all = new ArrayList<>(List.of("--model", "BASE"));
    if (!List.of(more).contains("--out")) {
      all.addAll(List.of("--out", "OUT"));
    }
    if (!List.of(more).contains("--data") && !List.of(more).contains("--datanet")) {
      all.addAll(List.of("--data", "CHATS"));
    }
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  private CommandOutcome tune(String... args) {
    List<String> line = new ArrayList<>(List.of("tune"));
    for (String arg : args) {
      line.add(
          switch (arg) {
            case "BASE" -> base.toString();
            case "CHATS" -> chats.toString();
            case "OUT" -> out.toString();
            default -> arg.replace("SHARED", shared.toString());
          });
    }
    return CommandOutcome.of(line.toArray(String[]::new));
  }

  @ParameterizedTest
  @MethodSource("wrongQuestions")
  void aWrongQuestionExitsWithTwoAndOneLine(String message, String[] args) {
    CommandOutcome outcome = tune(args);

    assertThat(outcome.err()).contains(message.replace("SHARED", shared.toString()));
    assertThat(outcome.err().strip().lines().filter(line -> line.contains("\tat "))).isEmpty();
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(out).doesNotExist();
  }

  @Test
  void jsonTellsOfAFailureToo() {
    CommandOutcome outcome = tune(flags("--data", "nofile.jsonl", "--progress", "json"));

    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.events("failed").getFirst().path("message").stringValue())
        .isEqualTo("nofile.jsonl: no such file");
  }

  @Test
  void learnsAndWritesAnAdapterThatLoads() throws Exception {
    CommandOutcome outcome = tune(flags(QUICK));
    JsonNode done = outcome.done();

    assertThat(outcome.status()).isZero();
    List<JsonNode> steps = outcome.events("step");
    JsonNode started = outcome.events("started").getFirst();
    assertThat(steps).hasSize(started.path("steps").intValue());
    assertThat(started.path("examples").intValue() + started.path("held_out").intValue())
        .isEqualTo(40);
    assertThat(steps.getLast().path("epoch").doubleValue()).isEqualTo(4);
    assertThat(steps.getLast().path("eta_seconds").doubleValue()).isZero();
    assertThat(steps.getLast().path("loss").doubleValue())
        .isLessThan(steps.getFirst().path("loss").doubleValue() - 0.2);
    assertThat(out.resolveSibling(out.getFileName() + ".work")).doesNotExist();
    assertThat(Files.readString(out.resolve("loss.svg"))).startsWith("<svg");
    assertThat(Files.readString(out.resolve("README.md"))).contains("base_model: \"tiny\"");
    JsonNode metrics = JsonMapper.shared().readTree(Files.readString(out.resolve("metrics.json")));
    assertThat(metrics.path("training").size()).isEqualTo(steps.size());
    assertThat(metrics.path("held_out_loss")).isEqualTo(done.path("held_out_loss"));
    try (TorchOps ops =
            new TorchOps(TorchLibrary.load(TorchLibrary.Options.defaults()), Device.CPU);
        HuggingFaceModel model = HuggingFaceModel.open("tiny", base, ops, DType.F32);
        LoadedAdapter adapter = AdapterLoader.load("a", out, model, ops)) {
      assertThat(adapter.id().sha256()).isEqualTo(done.path("sha256").stringValue());
      Lineage lineage = Lineage.read(out);
      assertThat(lineage.contentSha256()).isEqualTo(adapter.id().sha256());
      assertThat(lineage.base()).isEqualTo(new Lineage.Base("tiny", model.contentHash()));
      assertThat(lineage.training().count()).isEqualTo(started.path("examples").longValue());
      assertThat(lineage.heldOut().count()).isEqualTo(started.path("held_out").longValue());
      assertThat(lineage.hyperparameters().path("learning_rate").doubleValue()).isEqualTo(0.02);
    }
  }

  private static final String[] QUICK = {
    "--progress",
    "json",
    "--epochs",
    "4",
    "--batch-tokens",
    "128",
    "--learning-rate",
    "0.02",
    "--threads",
    "1",
    "--held-out",
    "0.2",
    "--checkpoint-every",
    "3"
  };

  private static String[] quick(String... more) {
    List<String> all = new ArrayList<>(List.of(QUICK));
    all.addAll(List.of(more));
    return flags(all.toArray(String[]::new));
  }

  @Test
  void oneSeedIsOneAdapterAndAnotherSeedAnother() throws Exception {
    String first = tune(quick("--kind", "dora", "--rank", "2")).done().path("sha256").stringValue();
    Path twin = out.resolveSibling(out.getFileName() + "-twin");
    Path other = out.resolveSibling(out.getFileName() + "-other");

    assertThat(
            tune(quick("--kind", "dora", "--rank", "2", "--out", twin.toString()))
                .done()
                .path("sha256")
                .stringValue())
        .isEqualTo(first);
    assertThat(Lineage.read(twin).toJson()).isEqualTo(Lineage.read(out).toJson());
    assertThat(
            tune(quick("--kind", "dora", "--rank", "2", "--out", other.toString(), "--seed", "2"))
                .done()
                .path("sha256")
                .stringValue())
        .isNotEqualTo(first);
  }

  @Test
  void takesAWholePeftConfigAndBfloat16() throws Exception {
    Path config = shared.resolve("config.json");
    Files.writeString(
        config,
        """
        {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "use_rslora": true,
         "target_modules": ["q_proj", "down_proj"], "rank_pattern": {"down_proj": 4}}
        """);
    CommandOutcome outcome =
        tune(quick("--adapter-config", config.toString(), "--precision", "bfloat16"));

    assertThat(outcome.done().path("loss").doubleValue())
        .isLessThan(outcome.events("step").getFirst().path("loss").doubleValue());
    assertThat(String.valueOf(Lineage.read(out).adapterConfig())).contains("\"down_proj\":4");
    assertThat(Lineage.read(out).hyperparameters().path("precision").stringValue())
        .isEqualTo("bfloat16");
  }

  @Test
  void namesTheVersionOfADatanet() throws Exception {
    DatanetStore store = new DatanetStore(shared.resolve("nets"));
    Datanet datanet =
        store.add(
            new Addition(
                "legends", List.of(chats), new Contributor("0x" + "1".repeat(40)), "CC-BY-4.0"));
    tune(quick("--datanet", "legends", "--datanets", shared.resolve("nets").toString())).done();

    assertThat(Lineage.read(out).sources())
        .containsExactly(
            new Lineage.Source.Datanet(
                "legends", 1, datanet.manifestHash(), datanet.root(), datanet.rowCount()));
    assertThat(Files.readString(out.resolve("README.md"))).contains("CC-BY-4.0", "legends@1");
  }

  @Test
  void doesWithoutHeldOutRowsWhereThereAreFew() {
    CommandOutcome outcome =
        CommandOutcome.of(
            "tune",
            "--model",
            base.toString(),
            "--out",
            out.toString(),
            "--data",
            shared.resolve("one.jsonl").toString(),
            "--max-steps",
            "2",
            "--progress",
            "json",
            "--held-out=0");

    assertThat(outcome.done().path("held_out_loss").isNull()).isTrue();
    assertThat(outcome.events("step")).hasSize(2);
  }

  @Test
  void registersTheAdapterWithARunningServer(@TempDir Path elsewhere) throws Exception {
    CommandSpec serverFlags = CommandSpec.create();
    ConfigFlags.addTo(serverFlags);
    ServerConfig config =
        ServerConfig.from(
            ConfigFlags.read(
                new CommandLine(serverFlags)
                    .parseArgs(
                        "--model",
                        base.toString(),
                        "--adapter-root",
                        shared.toString(),
                        "--port",
                        "0",
                        "--kv-memory-mib",
                        "16"),
                Map.of()));
    try (RunningServer server = RunningServer.start(config, List.of())) {
      CommandOutcome outcome = tune(quick("--register", server.uri().toString()));

      assertThat(outcome.status()).isZero();
      assertThat(server.adapters().list().getFirst().id())
          .isEqualTo(
              new AdapterId(
                  out.getFileName().toString(), outcome.done().path("sha256").stringValue()));

      Path outside = elsewhere.resolve("adapter");
      CommandOutcome refused =
          tune(quick("--register", server.uri().toString(), "--out", outside.toString()));
      assertThat(refused.status()).isEqualTo(1);
      assertThat(refused.err()).contains("answered 403", "the adapter is whole in " + outside);
      assertThat(outside.resolve("adapter_model.safetensors")).isNotEmptyFile();
    }
  }
}
