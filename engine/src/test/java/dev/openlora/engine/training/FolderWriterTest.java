package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderWriterTest {
  @TempDir private Path parent;

  private static Map<String, FolderWriter.Content> files() {
    Map<String, FolderWriter.Content> files = new LinkedHashMap<>();
    files.put("a.txt", FolderWriter.Content.of("first".getBytes(StandardCharsets.UTF_8)));
    files.put("b.txt", FolderWriter.Content.of("second".getBytes(StandardCharsets.UTF_8)));
    return files;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> entries = Files.list(parent)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void refusesAFolderThatIsThere() throws IOException {
    Path folder = Files.createDirectory(parent.resolve("x"));
    assertThatThrownBy(() -> new FolderWriter().write(folder, files()))
        .isInstanceOf(FileAlreadyExistsException.class)
        .hasMessage(folder + " (expected: a new folder)");
  }

  @Test
  void everythingIsOnDiskBeforeTheFolderHasItsName() throws IOException {
    CrashingDisk sound = CrashingDisk.sound();
    Files.createDirectory(parent.resolve("in"));
    new FolderWriter(sound).write(parent.resolve("in").resolve("x"), files());
    assertThat(sound.log())
        .containsExactly(
            "create .x.partial",
            "write a.txt",
            "sync a.txt",
            "write b.txt",
            "sync b.txt",
            "write SHA256SUMS",
            "sync SHA256SUMS",
            "sync .x.partial",
            "move .x.partial",
            "sync in");
  }

  @Test
  void leavesNothingBehindWhereAChangeFails() throws IOException {
    CrashingDisk sound = CrashingDisk.sound();
    new FolderWriter(sound).write(parent.resolve("whole"), files());
    for (int change = 1; change < sound.changes(); change++) {
      FolderWriter writer = new FolderWriter(new CrashingDisk(change, false));
      Path folder = parent.resolve("x");
      assertThatThrownBy(() -> writer.write(folder, files()))
          .isInstanceOf(IOException.class)
          .hasMessage("No space left on device, at change " + change);
      assertThat(names()).as("change %d", change).containsExactly("whole");
    }
  }

  @Test
  void aKillLeavesTheWholeFolderOrOneThatHasNotItsName() throws IOException {
    CrashingDisk sound = CrashingDisk.sound();
    new FolderWriter(sound).write(parent.resolve("whole"), files());
    for (int change = 1; change <= sound.changes(); change++) {
      Path folder = parent.resolve("killed-" + change);
      FolderWriter writer = new FolderWriter(new CrashingDisk(change, true));
      assertThatThrownBy(() -> writer.write(folder, files())).isInstanceOf(IOException.class);
      if (change < sound.changes()) {
        assertThat(folder).doesNotExist();
      } else {
        FolderWriter.check(folder, files().keySet());
      }
      new FolderWriter().sweep(parent);
      assertThat(names()).noneMatch(name -> name.startsWith("."));
    }
  }

  @Test
  void aKillDuringARemovalLeavesTheFolderWholeOrWithoutItsName() throws IOException {
    for (int change = 1; change <= 5; change++) {
      Path folder = parent.resolve("x");
      new FolderWriter().write(folder, files());
      FolderWriter writer = new FolderWriter(new CrashingDisk(change, true));
      assertThatThrownBy(() -> writer.remove(folder)).isInstanceOf(IOException.class);
      if (change == 1) {
        FolderWriter.check(folder, files().keySet());
        new FolderWriter().remove(folder);
      }
      assertThat(folder).doesNotExist();
      new FolderWriter().sweep(parent);
      assertThat(names()).isEmpty();
    }
  }

  @Test
  void findsEveryDamage() throws IOException {
    Path folder = parent.resolve("x");
    new FolderWriter().write(folder, files());
    assertThatCode(() -> FolderWriter.check(folder, List.of("a.txt"))).doesNotThrowAnyException();
    assertThatThrownBy(() -> FolderWriter.check(folder, List.of("c.txt")))
        .hasMessage(folder.resolve("c.txt") + ": not in SHA256SUMS (expected: there)");
    Files.writeString(folder.resolve("b.txt"), "secand");
    assertThatThrownBy(() -> FolderWriter.check(folder, List.of()))
        .hasMessageStartingWith(folder.resolve("b.txt") + ": SHA-256 ");
    Files.delete(folder.resolve("a.txt"));
    assertThatThrownBy(() -> FolderWriter.check(folder, List.of()))
        .hasMessage(folder.resolve("a.txt") + ": missing (expected: a file)");
    Files.writeString(folder.resolve(FolderWriter.SUMS), "0".repeat(64) + "  ../a.txt\n");
    assertThatThrownBy(() -> FolderWriter.check(folder, List.of()))
        .hasMessageContaining("line 1 (expected: <hex>  <name>)");
    Files.delete(folder.resolve(FolderWriter.SUMS));
    assertThatThrownBy(() -> FolderWriter.check(folder, List.of()))
        .hasMessageContaining("SHA256SUMS: missing");
  }
}
