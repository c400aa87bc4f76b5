package dev.openlora.attribution.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.attribution.datanet.FailingDisk.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An addition is interrupted at every one of its changes on disk, one after the other. */
class CrashTest {
  @TempDir private Path work = Path.of("");
  private Path one = work;
  private Path two = work;

  @BeforeEach
  void writeSources() throws IOException {
    one = Rows.jsonl(work.resolve("one.jsonl"), "a", "b");
    // Long enough for several writes of a buffer each.
    two =
        Rows.jsonl(
            work.resolve("two.jsonl"), "c".repeat(9_000), "d".repeat(9_000), "e".repeat(9_000));
  }

  @ParameterizedTest
  @EnumSource(Failure.class)
  void aSecondVersionIsThereCompletelyOrNotAtAll(Failure failure) throws IOException {
    Datanet undisturbed = addBoth(work.resolve("undisturbed"));
    int failures = 0;
    for (int n = 1; ; n++) {
      Path root = work.resolve("datanets" + n);
      DatanetStore store = new DatanetStore(root);
      Datanet first = store.add(Rows.addition("legends", one));
      FailingDisk disk = new FailingDisk(failure, n);
      if (succeeds(new DatanetStore(root, disk), two)) {
        assertThat(disk.hasFailed()).isFalse();
        break;
      }
      failures++;

      Datanet after = store.open("legends");
      assertThat(after.manifestHash()).isEqualTo(first.manifestHash());
      assertThat(after.verify(bytes -> {}).rows()).isEqualTo(2);
      if (failure == Failure.FULL) {
        assertThat(files(root)).containsExactlyElementsOf(expected(after));
      }

      Datanet second = store.add(Rows.addition("legends", two));
      assertThat(second.manifestHash()).isEqualTo(undisturbed.manifestHash());
      assertThat(second.verify(bytes -> {}).versions()).isEqualTo(2);
    }
    // Folders, create, writes, force and rename of the segment, then of the manifest.
    assertThat(failures).isGreaterThanOrEqualTo(12);
  }

  @ParameterizedTest
  @EnumSource(Failure.class)
  void aFirstVersionIsThereCompletelyOrNotAtAll(Failure failure) throws IOException {
    Datanet undisturbed = new DatanetStore(work.resolve("u")).add(Rows.addition("legends", two));
    for (int n = 1; ; n++) {
      Path root = work.resolve("datanets" + n);
      if (succeeds(new DatanetStore(root, new FailingDisk(failure, n)), two)) {
        assertThat(n).isGreaterThan(10);
        return;
      }
      DatanetStore store = new DatanetStore(root);
      assertThat(store.names()).isEmpty();
      assertThatThrownBy(() -> store.open("legends")).hasMessageEndingWith("no Datanet there");
      assertThat(store.add(Rows.addition("legends", two)).manifestHash())
          .isEqualTo(undisturbed.manifestHash());
    }
  }

  @Test
  void aVersionThatExistsIsNotUndoneWhenItsFolderCannotBeForced() throws IOException {
    Path root = work.resolve("datanets");
    Disk disk =
        new Disk() {
          @Override
          public Output create(Path file) throws IOException {
            return LOCAL.create(file);
          }

          @Override
          public void rename(Path from, Path to) throws IOException {
            LOCAL.rename(from, to);
            if (to.endsWith("1.json")) {
              throw new IOException("Input/output error");
            }
          }

          @Override
          public void createFolder(Path folder) throws IOException {
            LOCAL.createFolder(folder);
          }

          @Override
          public void delete(Path file) throws IOException {
            LOCAL.delete(file);
          }
        };

    assertThatThrownBy(() -> new DatanetStore(root, disk).add(Rows.addition("legends", one)))
        .isInstanceOf(IOException.class);

    assertThat(new DatanetStore(root).open("legends").verify(bytes -> {}).rows()).isEqualTo(2);
  }

  private Datanet addBoth(Path root) throws IOException {
    DatanetStore store = new DatanetStore(root);
    store.add(Rows.addition("legends", one));
    return store.add(Rows.addition("legends", two));
  }

  private static boolean succeeds(DatanetStore store, Path file) {
    try {
      store.add(Rows.addition("legends", file));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static List<Path> files(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static List<Path> expected(Datanet datanet) {
    List<Path> files = new ArrayList<>();
    files.add(datanet.folder().resolve(FolderLock.FILE));
    datanet.manifest().segments().forEach(segment -> files.add(segment.in(datanet.folder())));
    for (int version = 1; version <= datanet.version(); version++) {
      files.add(Manifest.file(datanet.folder(), version));
    }
    return files.stream().sorted().toList();
  }
}
