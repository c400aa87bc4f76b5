package dev.openlora.attribution.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.openlora.engine.sampling.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damage of each kind is found, and named where it is. */
class VerifyTest {
  @TempDir private Path work = Path.of("");
  private DatanetStore store = new DatanetStore(work);
  private Path segment = work;
  private Path manifest = work;

  @BeforeEach
  void makeTwoVersions() throws IOException {
    store = new DatanetStore(work.resolve("datanets"));
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("1.jsonl"), "apple", "berry")));
    Datanet datanet =
        store.add(Rows.addition("legends", Rows.jsonl(work.resolve("2.jsonl"), "cherry", "date")));
    segment = datanet.manifest().segments().get(1).in(datanet.folder());
    manifest = Manifest.file(datanet.folder(), 2);
  }

  @Test
  void aChangedTextIsNamedByItsLine() throws IOException {
    change(segment, content -> content.replace("date", "dote"));

    DatanetException found = found();

    assertThat(found.file()).isEqualTo(segment.toString());
    assertThat(found.line()).isEqualTo(2);
    assertThat(found.reason()).startsWith("id: ").endsWith(", the SHA-256 of the content)");
  }

  @Test
  void aChangedTextStopsReadersToo() throws IOException {
    change(segment, content -> content.replace("date", "dote"));

    try (Stream<Row> rows = store.open("legends").rows()) {
      assertThatThrownBy(rows::toList).hasMessageStartingWith(segment + ":2: id: ");
    }
    Path more = Rows.jsonl(work.resolve("3.jsonl"), "elder");
    assertThatThrownBy(() -> store.add(Rows.addition("legends", more)))
        .hasMessageStartingWith(segment + ":2: id: ");
  }

  @Test
  void aChangedContributorIsFound() throws IOException {
    String lower = Rows.ALICE.address().toLowerCase(java.util.Locale.ROOT);
    change(segment, content -> content.replace(Rows.ALICE.address(), Rows.BOB.address()));
    assertThat(found().reason()).startsWith("its SHA-256 is ");

    change(segment, content -> content.replace(Rows.BOB.address(), lower));
    assertThat(found().reason()).startsWith("its SHA-256 is ");
  }

  @Test
  void aDatanetWhoseContributorChangedTakesNoMoreRows() throws IOException {
    change(segment, content -> content.replace(Rows.ALICE.address(), Rows.BOB.address()));
    Path more = Rows.jsonl(work.resolve("3.jsonl"), "elder");

    assertThatThrownBy(() -> store.add(Rows.addition("legends", more)))
        .hasMessageEndingWith("legends@2 is damaged (see datanet verify)");
  }

  @Test
  void aRowThatStandsTwiceIsNamed() throws IOException {
    String line = Files.readAllLines(segment).getFirst() + "\n";
    replaceSegment(line + line);

    DatanetException found = found();

    assertThat(found.line()).isEqualTo(2);
    assertThat(found.reason()).isEqualTo("row 4 is the same as row 3");
  }

  @Test
  void aForgedSegmentDoesNotFitTheRoot() throws IOException {
    replaceSegment(Files.readString(segment).replace(Rows.ALICE.address(), Rows.BOB.address()));

    assertThat(found().file()).isEqualTo(manifest.toString());
    assertThat(found().reason()).startsWith("root: ");
  }

  @Test
  void aMissingOrCutSegmentIsNamedAtOnce() throws IOException {
    byte[] bytes = Files.readAllBytes(segment);
    Files.write(segment, java.util.Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> store.open("legends"))
        .hasMessage(
            segment + ": " + (bytes.length - 1) + " bytes (expected: " + bytes.length + ")");

    Files.delete(segment);
    assertThatThrownBy(() -> store.open("legends")).hasMessageStartingWith(segment + ": missing");
    assertThat(store.open("legends@1").verify(n -> {}).rows()).isEqualTo(2);
  }

  @Test
  void aChangedManifestIsRefused() throws IOException {
    String right = Files.readString(manifest);
    for (UnaryOperator<String> wrong :
        List.<UnaryOperator<String>>of(
            text -> text.replace("\"rows\":4", "\"rows\":5"),
            text -> text.replace("\"version\":2", "\"version\":3"),
            text -> text.replace("legends", "Legends"),
            text -> text.replace("legends", "myths"),
            text -> text.replace("openlora-datanet/1", "openlora-datanet/2"),
            text -> text.replace("\"root\"", "\"toor\""),
            text -> text.replace("{\"format\"", "{\"extra\":1,\"format\""),
            text -> text.replaceFirst("\"parent\":\"[0-9a-f]+\"", "\"parent\":null"),
            text -> text.substring(0, text.length() / 2),
            text -> "")) {
      Files.writeString(manifest, wrong.apply(right));

      assertThatThrownBy(() -> store.open("legends"))
          .isInstanceOf(DatanetException.class)
          .hasMessageContaining(manifest.toString());
    }
  }

  @Test
  void aParentThatChangedIsNamed() throws IOException {
    Path parent = manifest.resolveSibling("1.json");
    change(parent, content -> content + " ");

    DatanetException found = found();

    assertThat(found.file()).isEqualTo(manifest.toString());
    assertThat(found.reason()).startsWith("parent: ");
  }

  @Test
  void anyByteThatChangesIsFound() throws IOException {
    SplittableRandom random = new SplittableRandom(Seeds.next("anyByteThatChangesIsFound"));
    for (int i = 0; i < 200; i++) {
      Path file = random.nextBoolean() ? segment : manifest;
      byte[] right = Files.readAllBytes(file);
      byte[] wrong = right.clone();
      wrong[random.nextInt(wrong.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, wrong);

      String hash = new String(wrong, java.nio.charset.StandardCharsets.ISO_8859_1);
      if (file.equals(segment)) {
        assertThatThrownBy(() -> store.open("legends").verify(n -> {}))
            .as(hash)
            .isInstanceOf(DatanetException.class);
      } else {
        // White space is the one thing in the newest manifest that only its hash shows.
        assertThat(isRefusedOrHasAnotherHash(right)).as(hash).isTrue();
      }
      Files.write(file, right);
    }
    assertThat(store.open("legends").verify(n -> {}).rows()).isEqualTo(4);
  }

  private boolean isRefusedOrHasAnotherHash(byte[] right) throws IOException {
    try {
      Datanet datanet = store.open("legends");
      datanet.verify(n -> {});
      return !datanet.manifestHash().equals(Sha256.hex(right));
    } catch (DatanetException e) {
      return true;
    }
  }

  private DatanetException found() {
    DatanetException found =
        catchThrowableOfType(
            DatanetException.class, () -> store.open("legends").verify(bytes -> {}));
    assertThat(found).isNotNull();
    return found;
  }

  /** A change that keeps the file's length, so that only reading it shows the change. */
  private static void change(Path file, UnaryOperator<String> change) throws IOException {
    String before = Files.readString(file);
    String after = change.apply(before);
    assertThat(after).isNotEqualTo(before);
    Files.writeString(file, after);
  }

  /** Puts other rows under a name that fits them, in the manifest too, but not in its root. */
  private void replaceSegment(String content) throws IOException {
    String before = segment.getFileName().toString().replace(".jsonl", "");
    long bytes = Files.size(segment);
    byte[] after = content.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    Files.write(segment.resolveSibling(Sha256.hex(after) + ".jsonl"), after);
    change(
        manifest,
        text ->
            text.replace(before, Sha256.hex(after))
                .replace("\"bytes\":" + bytes + "}]", "\"bytes\":" + after.length + "}]"));
  }
}
