package dev.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatanetCommandTest {
  private static final String ALICE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  private static final String BOB = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";

  @TempDir private Path work = Path.of("");

  @Test
  void whatWasAskedWronglyExitsWithTwoAndOneLine() throws IOException {
    String file = write("rows.txt", "one\n").toString();
    String missing = work.resolve("none.txt").toString();
    Map<List<String>, String> wrong =
        Map.of(
            List.of("datanet"), "datanet: add, list, show or verify?",
            List.of("datanet", "add", "legends", file), "Missing required options",
            add("Legends", file), "name: 'Legends' (expected: ",
            add("legends", missing), "no such file: " + missing,
            List.of("datanet", "show", "le gends"), "name: 'le gends' (expected: ",
            List.of("datanet", "show", "legends@x"), "'legends@x' (expected: a Datanet's name",
            List.of("datanet", "show", "legends", "--rows", "-1"), "--rows: -1 (expected: 0 or",
            List.of("datanet", "verify"), "datanet verify: which one? (expected: NAME, or --all)");

    wrong.forEach((arguments, message) -> {
      CommandOutcome outcome = run(arguments);
      assertThat(outcome.status()).as("%s", arguments).isEqualTo(2);
      assertThat(outcome.err()).startsWith("openlora: " + message).doesNotContain("\tat ");
      assertThat(outcome.out()).isEmpty();
    });
  }

  @Test
  void aWrongAddressAndLicenceNameTheirFlags() throws IOException {
    String file = write("rows.txt", "one\n").toString();

    assertThat(run("datanet", "add", "legends", file, "--contributor", "0x12", "--licence", "MIT"))
        .isEqualTo(
            new CommandOutcome(
                2,
                "",
                "openlora: --contributor: '0x12' (expected: an address, 0x and 40 hexadecimal"
                    + " digits)\n"));
    assertThat(run("datanet", "add", "legends", file, "--contributor", ALICE, "--licence", "é"))
        .extracting(CommandOutcome::err)
        .asString()
        .startsWith("openlora: --licence: 'é' (expected: an SPDX name");
  }

  @Test
  void aBadRowExitsWithOneAndItsPlace() throws IOException {
    Path file = write("rows.jsonl", "{\"text\":\"one\"}\n{\"text\":\"\"}\n");

    assertThat(run(add("legends", file.toString())))
        .isEqualTo(
            new CommandOutcome(
                1, "", "openlora: " + file + ":2: text: blank (expected: some text)\n"));
    assertThat(run("datanet", "list")).isEqualTo(new CommandOutcome(0, "", ""));
  }

  @Test
  void anUnknownDatanetExitsWithOne() {
    CommandOutcome outcome = run("datanet", "show", "legends");

    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err()).isEqualTo("openlora: " + folder("legends") + ": no Datanet there\n");
  }

  @Test
  void aFolderThatCannotBeMadeExitsWithOneAndOneLine() throws IOException {
    write("datanets", "a file in the way\n");

    CommandOutcome outcome = run(add("legends", write("rows.txt", "one\n").toString()));

    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err()).startsWith("openlora: reading or writing failed: ").hasLineCount(1);
  }

  @Test
  void duplicatesAreRefusedUnlessTheyAreToBeSkipped() throws IOException {
    Path one = write("one.txt", "first\n\nsecond\n");
    Path two = write("two.csv", "text\nthird\nsecond\n");
    assertThat(run(add("legends", one.toString())).status()).isZero();

    assertThat(run(add("legends", two.toString())))
        .isEqualTo(
            new CommandOutcome(
                1, "", "openlora: " + two + ":3: the same row as row 2 of legends@1\n"));
    CommandOutcome skipped = run(add("legends", two.toString(), "--skip-duplicates"));

    assertThat(skipped.status()).isZero();
    assertThat(skipped.out().lines())
        .startsWith(two + ":3: skipped: the same row as row 2 of legends@1", "1 duplicates skipped")
        .element(2)
        .asString()
        .startsWith("legends@2: 3 rows, root ");
  }

  @Test
  void addedRowsAreListedShownAndVerified() throws IOException {
    Path one = write("one.txt", "A text\u001b[2J that clears the screen.\n");
    Path two =
        write(
            "two.jsonl",
            "{\"prompt\":\"Who?\",\"completion\":\"Me.\",\"licence\":\"MIT\",\"contributor\":\""
                + BOB
                + "\"}\n");
    assertThat(run(add("legends", one.toString(), two.toString())).status()).isZero();
    assertThat(run(add("recipes", one.toString())).status()).isZero();

    assertThat(run("datanet", "list").out().lines())
        .satisfiesExactly(
            line -> assertThat(line).matches("legends@1 +2 rows +[0-9.]+ KiB  root [0-9a-f]{16}"),
            line -> assertThat(line).matches("recipes@1 +1 rows +[0-9.]+ KiB  root [0-9a-f]{16}"));
    CommandOutcome shown = run("datanet", "show", "legends@1");
    assertThat(shown.status()).isZero();
    assertThat(shown.out())
        .contains("legends@1\n", "  parent    none\n", "  rows      2 in ")
        .containsPattern(ALICE + " +1 rows")
        .containsPattern(BOB + " +1 rows")
        .containsPattern("CC-BY-4.0 +1 rows")
        .containsPattern("MIT +1 rows")
        .contains("    A text?[2J that clears the screen.\n")
        .contains("    user: Who? | assistant: Me.\n");
    assertThat(run("datanet", "show", "legends", "--rows", "0").out()).doesNotContain("first rows");
    assertThat(run("datanet", "verify", "legends").out())
        .startsWith("legends@1: right: 2 rows in 1 versions, root ");
    assertThat(run("datanet", "verify", "--all").out().lines()).hasSize(2);
  }

  @Test
  void damageExitsWithOneAndTheOthersAreStillChecked() throws IOException {
    Path file = write("one.txt", "apple\n");
    run(add("legends", file.toString()));
    run(add("recipes", file.toString()));
    Path segment;
    try (Stream<Path> segments = Files.list(folder("legends").resolve("segments"))) {
      segment = segments.findFirst().orElseThrow();
    }
    Files.writeString(segment, Files.readString(segment).replace("apple", "maple"));

    CommandOutcome outcome = run("datanet", "verify", "--all");

    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err()).startsWith("openlora: " + segment + ":1: id: ");
    assertThat(outcome.out()).startsWith("recipes@1: right: ");
    Files.delete(segment);
    CommandOutcome list = run("datanet", "list");
    assertThat(list.status()).isEqualTo(1);
    assertThat(list.err()).startsWith("openlora: " + segment + ": missing");
    assertThat(list.out()).startsWith("recipes@1 ");
  }

  @Test
  void theFolderComesFromTheFlagThenTheEnvironment() {
    Map<String, String> set = Map.of("OPENLORA_DATANETS", "/data");

    assertThat(DatanetCommand.Folder.path(Path.of("here"), set)).isEqualTo(Path.of("here"));
    assertThat(DatanetCommand.Folder.path(null, set)).isEqualTo(Path.of("/data"));
    assertThat(DatanetCommand.Folder.path(null, Map.of("OPENLORA_DATANETS", "")))
        .isEqualTo(Path.of("datanets"));
    assertThat(DatanetCommand.Folder.path(null, Map.of())).isEqualTo(Path.of("datanets"));
  }

  private Path write(String name, String content) throws IOException {
    return Files.writeString(work.resolve(name), content);
  }

  private Path folder(String datanet) {
    return work.resolve("datanets").resolve(datanet);
  }

  private static List<String> add(String name, String... more) {
    List<String> arguments = new ArrayList<>(List.of("datanet", "add", name));
    arguments.addAll(List.of(more));
    if (!arguments.contains("--contributor")) {
      arguments.addAll(List.of("--contributor", ALICE));
    }
    arguments.addAll(List.of("--licence", "CC-BY-4.0"));
    return arguments;
  }

  private CommandOutcome run(String... arguments) {
    return run(List.of(arguments));
  }

  /** Every command but the bare one works in this test's folder. */
  private CommandOutcome run(List<String> command) {
    List<String> arguments = new ArrayList<>(command);
    if (arguments.size() > 1) {
      arguments.addAll(List.of("--dir", work.resolve("datanets").toString()));
    }
    return CommandOutcome.of(arguments.toArray(String[]::new));
  }
}
