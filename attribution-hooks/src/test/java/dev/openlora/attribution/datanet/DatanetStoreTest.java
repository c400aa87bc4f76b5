package dev.openlora.attribution.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatanetStoreTest {
  @TempDir private Path work = Path.of("");
  private DatanetStore store = new DatanetStore(work);

  @BeforeEach
  void openStore() {
    store = new DatanetStore(work.resolve("datanets"));
  }

  @Test
  void aDuplicateWithinAFileIsRefusedWithBothPlaces() throws IOException {
    Path file = Rows.jsonl(work.resolve("rows.jsonl"), "a", "b", "a");

    assertThatThrownBy(() -> store.add(Rows.addition("legends", file)))
        .hasMessage(file + ":3: the same row as " + file + ":1");
    assertThat(store.names()).isEmpty();
  }

  @Test
  void aDuplicateOfAnotherFileIsRefusedWithBothPlaces() throws IOException {
    Path one = Rows.jsonl(work.resolve("one.jsonl"), "a", "b");
    Path two = Files.writeString(work.resolve("two.txt"), "c\n\nb\n");

    assertThatThrownBy(() -> store.add(Rows.addition("legends", one, two)))
        .hasMessage(two + ":3: the same row as " + one + ":2");
  }

  @Test
  void aRowOfTheDatanetIsRefusedWhoeverBringsItAgain() throws IOException {
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("one.jsonl"), "a", "b")));
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("two.jsonl"), "c")));
    Path again = Rows.jsonl(work.resolve("again.jsonl"), "d", "b");

    assertThatThrownBy(() -> store.add(new Addition("legends", List.of(again), Rows.BOB, "MIT")))
        .hasMessage(again + ":2: the same row as row 2 of legends@2");
    assertThat(store.open("legends").version()).isEqualTo(2);
  }

  @Test
  void skippedDuplicatesAreToldAndTheRestIsAdded() throws IOException {
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("one.jsonl"), "a", "b")));
    Path more = Rows.jsonl(work.resolve("more.jsonl"), "b", "c", "c", "d");
    List<String> skipped = new ArrayList<>();

    Datanet datanet =
        store.add(
            Rows.skipping(Rows.addition("legends", more)),
            new AdditionListener() {
              @Override
              public void onSkipped(String file, long line, String before) {
                skipped.add(line + "=" + before);
              }
            });

    assertThat(texts(datanet)).containsExactly("a", "b", "c", "d");
    assertThat(skipped).containsExactly("1=row 2 of legends@1", "3=" + more + ":2");
  }

  @Test
  void nothingNewMakesNoVersion() throws IOException {
    Path file = Rows.jsonl(work.resolve("one.jsonl"), "a", "b");
    Datanet first = store.add(Rows.addition("legends", file));

    Datanet second = store.add(Rows.skipping(Rows.addition("legends", file)));

    assertThat(second.version()).isEqualTo(1);
    assertThat(second.manifestHash()).isEqualTo(first.manifestHash());
  }

  @Test
  void rowsBeyondTheLimitOfAnAdditionAreRefused() throws IOException {
    Path one = Rows.jsonl(work.resolve("one.jsonl"), "a", "b");
    Path two = Rows.jsonl(work.resolve("two.jsonl"), "c", "d");
    RowLimits three = new RowLimits(100, 3, 2, 100, 1000);

    assertThatThrownBy(() ->
            store.add(
                new Addition(
                    "legends",
                    List.of(one, two),
                    Rows.ALICE,
                    "MIT",
                    Addition.Duplicates.SKIP,
                    three)))
        .hasMessage(two + ":2: row 4 (expected: at most 3)");
  }

  @Test
  void aSecondThreadIsToldThatSomebodyAdds() throws IOException {
    Path file = Rows.jsonl(work.resolve("one.jsonl"), "a");
    AdditionListener meanwhile =
        new AdditionListener() {
          @Override
          public void onRead(long bytes) {
            assertThatThrownBy(() -> store.add(Rows.addition("legends", file)))
                .isInstanceOf(DatanetException.class)
                .hasMessageContaining("somebody else is adding to it right now");
          }
        };

    assertThat(store.add(Rows.addition("legends", file), meanwhile).rowCount()).isEqualTo(1);
  }

  @Test
  void aSecondProcessIsToldAndAKilledOneLeavesNoLock() throws Exception {
    Path file = Rows.jsonl(work.resolve("one.jsonl"), "a");
    Path folder = Files.createDirectories(work.resolve("datanets/legends"));
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                LockHolder.class.getName(),
                folder.resolve(FolderLock.FILE).toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(holder.inputReader().readLine()).isEqualTo("held");

      assertThatThrownBy(() -> store.add(Rows.addition("legends", file)))
          .hasMessage(
              folder + ": somebody else is adding to it right now (expected: one at a time)");
    } finally {
      holder.destroyForcibly().waitFor();
    }
    assertThat(store.add(Rows.addition("legends", file)).version()).isEqualTo(1);
  }

  /** Another process that adds, until it is killed. */
  static final class LockHolder {
    private LockHolder() {}

    public static void main(String[] args) throws IOException {
      try (FileChannel channel =
              FileChannel.open(
                  Path.of(args[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var _ = channel.lock()) {
        System.out.println("held");
        int end = System.in.read();
        System.out.println(end);
      }
    }
  }

  @Test
  void versionsShareSegmentsAndOldOnesStay() throws IOException {
    Datanet one =
        store.add(Rows.addition("legends", Rows.jsonl(work.resolve("1.jsonl"), "a", "b")));
    Datanet two = store.add(Rows.addition("legends", Rows.jsonl(work.resolve("2.jsonl"), "c")));

    assertThat(two.parent()).contains(one.manifestHash());
    assertThat(two.manifest().segments().subList(0, 1)).isEqualTo(one.manifest().segments());
    assertThat(texts(store.open("legends"))).containsExactly("a", "b", "c");
    assertThat(texts(store.open("legends@1"))).containsExactly("a", "b");
    assertThat(store.open("legends@1").root()).isEqualTo(one.root());
    assertThat(store.list()).extracting(Datanet::toString).containsExactly("legends@2");
    try (Stream<Path> segments = Files.list(two.folder().resolve(Segment.FOLDER))) {
      assertThat(segments).hasSize(2);
    }
  }

  @Test
  void addressesDependOnContentAndNotOnFormatFileNamesOrSteps() throws IOException {
    Path jsonl = Rows.jsonl(work.resolve("x.jsonl"), "a", "b", "c");
    Path text = Files.writeString(work.resolve("y.txt"), "a\n\nb\n\nc\n");
    Path first = Rows.jsonl(work.resolve("first.jsonl"), "a");
    Path rest = Files.writeString(work.resolve("rest.csv"), "text\nb\nc\n");

    Datanet one = store.add(Rows.addition("one", jsonl));
    Datanet other = new DatanetStore(work.resolve("elsewhere")).add(Rows.addition("one", text));
    store.add(Rows.addition("steps", first));
    Datanet steps = store.add(Rows.addition("steps", rest));

    assertThat(other.manifestHash()).isEqualTo(one.manifestHash());
    assertThat(steps.root()).isEqualTo(one.root());
  }

  @Test
  void rowIdsStayWhenSourcesComeInAnotherOrder() throws IOException {
    Path one = Rows.jsonl(work.resolve("1.jsonl"), "a", "b");
    Path two = Rows.jsonl(work.resolve("2.jsonl"), "c");

    Datanet forth = store.add(Rows.addition("forth", one, two));
    Datanet back = store.add(Rows.addition("back", two, one));

    assertThat(ids(back)).containsExactlyInAnyOrderElementsOf(ids(forth));
    assertThat(back.root()).isNotEqualTo(forth.root());
  }

  @Test
  void theRootCoversContributorAndLicence() throws IOException {
    List<Path> files = List.of(Rows.jsonl(work.resolve("1.jsonl"), "a"));

    assertThat(
            List.of(
                store.add(new Addition("a", files, Rows.ALICE, "MIT")).root(),
                store.add(new Addition("b", files, Rows.BOB, "MIT")).root(),
                store.add(new Addition("c", files, Rows.ALICE, "CC0-1.0")).root()))
        .doesNotHaveDuplicates();
  }

  @Test
  void anyNumberOfCarriageReturnsBeforeALineFeedIsOneLineBreak() throws IOException {
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("1.jsonl"), "a\\r\\r\\nb\\rc")));

    assertThat(texts(store.open("legends"))).containsExactly("a\nb\rc");
  }

  @Test
  void randomRowsComeBackUnderTheRootOfRfc6962() throws IOException {
    long seed = Seeds.next("randomRowsComeBack");
    SplittableRandom random = new SplittableRandom(seed);
    List<Row> all = new ArrayList<>();
    for (int step = 0; step < 12; step++) {
      List<Row> rows = new ArrayList<>();
      for (int i = random.nextInt(1, 20); i > 0; i--) {
        Row row = Row.of(Rows.content(random), Rows.contributor(random), "MIT");
        if (Stream.concat(all.stream(), rows.stream()).noneMatch(r -> r.id().equals(row.id()))) {
          rows.add(row);
        }
      }
      if (rows.isEmpty()) {
        continue;
      }
      all.addAll(rows);
      Path file =
          Files.write(
              work.resolve(step + ".jsonl"),
              rows.stream()
                  .map(RowJson::write)
                  .map(line -> line.replaceFirst("\"id\":\"[0-9a-f]+\",", ""))
                  .toList());

      Datanet datanet = store.add(Rows.addition("random", file));

      assertThat(rows(datanet)).isEqualTo(all);
      assertThat(datanet.root()).isEqualTo(HexFormat.of().formatHex(merkle(all)));
      assertThat(datanet.rowCount()).isEqualTo(all.size());
    }
    Datanet datanet = store.open("random");
    assertThat(datanet.verify(bytes -> {}))
        .isEqualTo(new Datanet.Verification(datanet.version(), all.size(), datanet.byteCount()));
  }

  @Test
  void sharesCountRowsOfEachContributorAndLicence() throws IOException {
    Path file =
        Files.writeString(
            work.resolve("rows.csv"),
            "text,contributor,licence\na,,\nb," + Rows.BOB + ",MIT\nc," + Rows.BOB + ",\n");

    Datanet.Shares shares = store.add(Rows.addition("legends", file)).shares();

    assertThat(shares.contributors()).hasToString("{" + Rows.ALICE + "=1, " + Rows.BOB + "=2}");
    assertThat(shares.licences()).hasToString("{CC-BY-4.0=2, MIT=1}");
  }

  @Test
  void aStreamThatIsLeftEarlyCanBeClosed() throws IOException {
    Datanet datanet =
        store.add(Rows.addition("legends", Rows.jsonl(work.resolve("1.jsonl"), "a", "b")));

    try (Stream<Row> rows = datanet.rows()) {
      assertThat(rows.findFirst()).isPresent();
    }
    assertThat(texts(datanet)).containsExactly("a", "b");
  }

  @Test
  void whatIsNotThereIsRefusedByName() throws IOException {
    store.add(Rows.addition("legends", Rows.jsonl(work.resolve("1.jsonl"), "a")));

    assertThatThrownBy(() -> store.open("myths")).hasMessageEndingWith("myths: no Datanet there");
    assertThatThrownBy(() -> store.open("legends@2")).hasMessageEndingWith("no such version");
    assertThatThrownBy(() -> store.open("../legends")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.open("legends@0")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Rows.addition("Legends", work))
        .hasMessageStartingWith("name: 'Legends' (expected: ");
  }

  private static List<Row> rows(Datanet datanet) {
    try (Stream<Row> rows = datanet.rows()) {
      return rows.toList();
    }
  }

  private static List<RowId> ids(Datanet datanet) {
    return rows(datanet).stream().map(Row::id).toList();
  }

  private static List<String> texts(Datanet datanet) {
    return rows(datanet).stream().map(row -> ((RowContent.Text) row.content()).text()).toList();
  }

  /** RFC 6962 §2.1 as it is written there, from the rows' bytes as the Javadoc describes them. */
  private static byte[] merkle(List<Row> rows) {
    if (rows.size() == 1) {
      Row row = rows.getFirst();
      ByteArrayOutputStream leaf = new ByteArrayOutputStream();
      leaf.write(0);
      leaf.writeBytes(digest(row.content().canonicalBytes()));
      leaf.writeBytes(HexFormat.of().parseHex(row.contributor().address().substring(2)));
      leaf.writeBytes(new byte[] {0, 0, 0, (byte) row.licence().length()});
      leaf.writeBytes(row.licence().getBytes(StandardCharsets.US_ASCII));
      return digest(leaf.toByteArray());
    }
    int split = Integer.highestOneBit(rows.size() - 1);
    ByteArrayOutputStream node = new ByteArrayOutputStream();
    node.write(1);
    node.writeBytes(merkle(rows.subList(0, split)));
    node.writeBytes(merkle(rows.subList(split, rows.size())));
    return digest(node.toByteArray());
  }

  private static byte[] digest(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
