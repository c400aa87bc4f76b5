package dev.openlora.attribution.lineage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.attribution.lineage.Lineage.Base;
import dev.openlora.attribution.lineage.Lineage.Rows;
import dev.openlora.attribution.lineage.Lineage.Software;
import dev.openlora.attribution.lineage.Lineage.Source;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class LineageTest {
  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);
  private static final String C = "c".repeat(64);
  private static final JsonMapper JSON = JsonMapper.shared();

  private static Lineage sample() {
    ObjectNode hyperparameters = JSON.createObjectNode();
    hyperparameters.put("learning_rate", 2e-4).put("epochs", 3).put("precision", "float32");
    ObjectNode metrics = JSON.createObjectNode().put("loss", 1.25);
    ObjectNode config = JSON.createObjectNode().put("r", 8).put("lora_alpha", 16.0);
    config.putArray("target_modules").add("q_proj");
    return new Lineage(
        new Base("tiny", A),
        List.of(
            new Source.Datanet("legends", 3, B, C, 12),
            new Source.PlainFile("more.jsonl", C, 5),
            new Source.Generated("demo", 7, 4)),
        new Rows(15, B),
        new Rows(2, C),
        config,
        hyperparameters,
        1,
        metrics,
        new Software("0.1.0", null),
        "Some CPU",
        A);
  }

  static Stream<Arguments> wrongFields() {
    return Stream.of(
        wrong("format", "\"other/1\"", "format: 'other/1' (expected: openlora-lineage/1)"),
        wrong("format", null, "format: missing (expected: a value)"),
        wrong("extra", "1", "extra: an unknown key"),
        wrong("base", "[]", "base: array (expected: an object)"),
        wrong("base", null, "base: missing beside adapter_config"),
        wrong("base/sha256", "\"AB\"", "base.sha256: 'AB' (expected: 64 lower-case"),
        wrong("base/name", "\" \"", "base.name: ' ' (expected: a line of"),
        wrong("sources", "[]", "sources: 0 (expected: 1..10000)"),
        wrong("sources", "3", "sources: 3 (expected: a list)"),
        wrong("sources/0/kind", "\"web\"", "sources.kind: 'web' (expected: datanet, file"),
        wrong("sources/0/version", "0", "sources.version: 0 (expected: at least 1)"),
        wrong("sources/1/root", "\"" + A + "\"", "sources.root: an unknown key"),
        wrong("sources/2/seed", "1.5", "sources.seed: 1.5 (expected: an integer)"),
        wrong("training/rows", "0", "training.rows: 0 (expected: at least 1)"),
        wrong("training/root", "\"x\"", "training.root: 'x' (expected: 64"),
        wrong("held_out/rows", "-1", "held_out.rows: -1 (expected: at least 0)"),
        wrong("hyperparameters", "\"x\"", "hyperparameters: \"x\" (expected: an object)"),
        wrong(
            "hyperparameters/epochs",
            "[1]",
            "hyperparameters.epochs: array (expected: a number, a text or a flag)"),
        wrong("hyperparameters/Epochs", "1", "hyperparameters: the name 'Epochs'"),
        wrong("hyperparameters/epochs", "1e300", "hyperparameters.epochs: number: more than 64"),
        wrong("metrics/loss", "\"low\"", "metrics.loss: \"low\" (expected: a number)"),
        wrong("seed", "1e3", "seed: "),
        wrong("software/version", null, "software.version: missing"),
        wrong("software/commit", "\"abc\"", "software.commit: 'abc' (expected: 40"),
        wrong("cpu", "\"a\\nb\"", "cpu: 'a?b' (expected: a line"),
        wrong("content_sha256", "7", "content_sha256: 7 (expected: a text)"));
  }

  private static Arguments wrong(String path, @Nullable String value, String message) {
    return Arguments.of(path, value, message);
  }

  @ParameterizedTest
  @MethodSource("wrongFields")
  void refusesByField(String path, @Nullable String value, String message) {
    JsonNode json = JSON.readTree(sample().toJson());
    int slash = path.lastIndexOf('/');
    ObjectNode parent = (ObjectNode) json.at(slash < 0 ? "" : "/" + path.substring(0, slash));
    String key = path.substring(slash + 1);
    if (value == null) {
      parent.remove(key);
    } else {
      parent.set(key, JSON.readTree(value));
    }
    String text = JSON.writeValueAsString(json);

    assertThatThrownBy(() -> Lineage.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void refusesWhatIsNoJsonTwoKeysAndTwoValues() {
    assertThatThrownBy(() -> Lineage.parse("{")).hasMessageStartingWith("no valid JSON: ");
    assertThatThrownBy(() -> Lineage.parse("{\"seed\":1,\"seed\":2}"))
        .hasMessageStartingWith("no valid JSON: ");
    assertThatThrownBy(() -> Lineage.parse(sample().toJson() + "{}"))
        .hasMessageStartingWith("no valid JSON: ");
    assertThatThrownBy(() -> Lineage.parse("[".repeat(100) + "]".repeat(100)))
        .hasMessageStartingWith("no valid JSON: ");
    assertThatThrownBy(() -> Lineage.parse("null"))
        .hasMessage("lineage: null (expected: an object)");
  }

  @Test
  void namesTheFileThatItCannotRead(@TempDir Path folder) throws Exception {
    Files.writeString(folder.resolve("lineage.json"), "{}");

    assertThatThrownBy(() -> Lineage.read(folder))
        .isInstanceOf(LineageException.class)
        .hasMessage(folder.resolve("lineage.json") + ": format: missing (expected: a value)");
  }

  @Test
  void comesBackAsItWasWritten(@TempDir Path folder) throws Exception {
    Lineage lineage = sample();
    lineage.write(folder);

    Lineage read = Lineage.read(folder);

    assertThat(read.toJson()).isEqualTo(lineage.toJson());
    assertThat(read.sources()).isEqualTo(lineage.sources());
    assertThat(read.training()).isEqualTo(lineage.training());
  }

  @Test
  void writesOneSpelling() {
    String json = sample().toJson();

    assertThat(json)
        .startsWith(
            "{\"adapter_config\":{\"lora_alpha\":16,\"r\":8,\"target_modules\":[\"q_proj\"]},\"base\":")
        .contains("\"hyperparameters\":{\"epochs\":3,\"learning_rate\":0.0002,\"precision\":")
        .endsWith("}\n");
    assertThat(json.strip()).doesNotContain(" \"", "\n");
    assertThat(CanonicalJson.write(JSON.readTree("{\"b\":1.50,\"a\":[true,null,-0.0,1e2]}")))
        .isEqualTo("{\"a\":[true,null,0,100],\"b\":1.5}");
  }

  @Test
  void aModelFromScratchHasNeitherBaseNorAdapterConfig() {
    Lineage adapter = sample();
    Lineage model =
        new Lineage(
            null,
            adapter.sources(),
            adapter.training(),
            adapter.heldOut(),
            null,
            adapter.hyperparameters(),
            2,
            adapter.metrics(),
            new Software("0.1.0", "0123456789abcdef0123456789abcdef01234567"),
            adapter.cpu(),
            B);

    assertThat(Lineage.parse(model.toJson()).base()).isNull();
    assertThat(Lineage.parse(model.toJson()).adapterConfig()).isNull();
    assertThat(Lineage.parse(model.toJson()).software()).isEqualTo(model.software());
  }
}
