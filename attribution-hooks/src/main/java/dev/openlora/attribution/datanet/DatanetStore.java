package dev.openlora.attribution.datanet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The Datanets in one folder, a sub-folder each. Any thread, any number of processes. */
public final class DatanetStore {
  private final Path root;
  private final Disk disk;

  /** The folder is made by the first addition. */
  public DatanetStore(Path root) {
    this(root, Disk.LOCAL);
  }

  DatanetStore(Path root, Disk disk) {
    this.root = root;
    this.disk = disk;
  }

  /**
   * Adds rows as a new version, completely or not at all: killed at any moment, or out of space, it
   * leaves the versions that were there. Without a single new row ({@link
   * Addition.Duplicates#SKIP}) the newest version stays the newest.
   *
   * @return the newest version now
   * @throws DatanetException bad rows, a damaged Datanet, or somebody else who adds right now
   */
  public Datanet add(Addition addition, AdditionListener listener) throws IOException {
    Path folder = root.resolve(addition.name());
    disk.createFolder(folder.resolve(Segment.FOLDER));
    disk.createFolder(folder.resolve(Manifest.FOLDER));
    try (FolderLock _ = FolderLock.take(folder)) {
      Optional<Datanet> before = Datanet.newest(folder);
      before.ifPresent(datanet -> checkName(datanet, addition.name()));
      return new VersionWriter(folder, disk, addition, listener).write(before);
    }
  }

  public Datanet add(Addition addition) throws IOException {
    return add(addition, AdditionListener.SILENT);
  }

  /** Names of the Datanets that have a version, sorted. */
  public List<String> names() throws IOException {
    List<String> names = new ArrayList<>();
    try (Stream<Path> folders = Files.list(root)) {
      for (Path folder : (Iterable<Path>) folders.sorted()::iterator) {
        if (Files.exists(Manifest.file(folder, 1))) {
          names.add(String.valueOf(folder.getFileName()));
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    }
    return names;
  }

  /** The newest version of each; throws for the first that cannot be opened. */
  public List<Datanet> list() throws IOException {
    List<Datanet> all = new ArrayList<>();
    for (String name : names()) {
      all.add(open(name));
    }
    return all;
  }

  /** {@code name} or {@code name@version}. */
  public Datanet open(String reference) throws IOException {
    return open(DatanetReference.parse(reference));
  }

  public Datanet open(DatanetReference reference) throws IOException {
    Path folder = root.resolve(reference.name());
    Datanet datanet =
        reference.version() == 0 ? Datanet.open(folder) : Datanet.open(folder, reference.version());
    checkName(datanet, reference.name());
    return datanet;
  }

  private static void checkName(Datanet datanet, String name) {
    if (!datanet.name().equals(name)) {
      throw new DatanetException(
          Manifest.file(datanet.folder(), datanet.version()).toString(),
          0,
          "name: '" + datanet.name() + "' (expected: '" + name + "', as its folder)");
    }
  }
}
