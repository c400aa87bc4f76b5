package dev.openlora.engine.training;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes folders that appear whole or not at all, whenever the process is killed or the disk full:
 * files go into a hidden folder beside it, each is synced, then the folder, then it takes its name.
 * {@value #SUMS} holds the SHA-256 of every file, as sha256sum writes it, so that {@link #check}
 * also finds what the disk has damaged since. Any thread, one writer for a name.
 */
public final class FolderWriter {
  public static final String SUMS = "SHA256SUMS";

  private static final String PARTIAL = ".partial";
  private static final long SUMS_BYTES_MAX = 1 << 20;
  private static final Pattern LINE = Pattern.compile("([0-9a-f]{64})  ([^/\\\\]+)");

  /** Writes one file, which is not there yet. */
  public interface Content {
    void writeTo(Path file) throws IOException;

    static Content of(byte[] bytes) {
      return file -> Files.write(file, bytes, StandardOpenOption.CREATE_NEW);
    }
  }

  /** What changes the disk, one call per change, so that a test can fail any of them. */
  interface Disk {
    void createFolder(Path folder) throws IOException;

    void write(Path file, Content content) throws IOException;

    void sync(Path fileOrFolder) throws IOException;

    void move(Path from, Path to) throws IOException;

    void delete(Path fileOrFolder) throws IOException;
  }

  private static final Disk DISK =
      new Disk() {
        @Override
        public void createFolder(Path folder) throws IOException {
          Files.createDirectory(folder);
        }

        @Override
        public void write(Path file, Content content) throws IOException {
          content.writeTo(file);
        }

        @Override
        public void sync(Path fileOrFolder) throws IOException {
          try (FileChannel channel = FileChannel.open(fileOrFolder, StandardOpenOption.READ)) {
            channel.force(true);
          }
        }

        @Override
        public void move(Path from, Path to) throws IOException {
          Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        }

        @Override
        public void delete(Path fileOrFolder) throws IOException {
          Files.delete(fileOrFolder);
        }
      };

  private final Disk disk;

  public FolderWriter() {
    this(DISK);
  }

  FolderWriter(Disk disk) {
    this.disk = disk;
  }

  static Disk disk() {
    return DISK;
  }

  /** Writes a new folder; its parent exists. Files are written in the order of the map. */
  public void write(Path folder, Map<String, Content> files) throws IOException {
    if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(folder + " (expected: a new folder)");
    }
    Path partial = partial(folder);
    try {
      disk.createFolder(partial);
      StringBuilder sums = new StringBuilder();
      for (Map.Entry<String, Content> file : files.entrySet()) {
        Path path = partial.resolve(file.getKey());
        write(path, file.getValue());
        sums.append(sha256(path)).append("  ").append(file.getKey()).append('\n');
      }
      byte[] bytes = sums.toString().getBytes(StandardCharsets.UTF_8);
      write(partial.resolve(SUMS), Content.of(bytes));
      disk.sync(partial);
      disk.move(partial, folder);
      disk.sync(parent(folder));
    } catch (IOException | RuntimeException e) {
      try {
        delete(partial);
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw e;
    }
  }

  private void write(Path file, Content content) throws IOException {
    disk.write(file, content);
    disk.sync(file);
  }

  /** Removes a folder of files: it loses its name first, so that no half of it is ever seen. */
  public void remove(Path folder) throws IOException {
    Path partial = partial(folder);
    disk.move(folder, partial);
    delete(partial);
  }

  /** Removes what killed writers have left in a folder that nobody else writes to. */
  public void sweep(Path parent) throws IOException {
    try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(parent, ".*" + PARTIAL)) {
      for (Path leftover : leftovers) {
        delete(leftover);
      }
    }
  }

  private void delete(Path folder) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        disk.delete(file);
      }
    }
    disk.delete(folder);
  }

  private static Path partial(Path folder) {
    return parent(folder).resolve("." + folder.getFileName() + "." + UUID.randomUUID() + PARTIAL);
  }

  private static Path parent(Path folder) {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IllegalArgumentException("folder: " + folder + " (expected: one with a parent)");
    }
    return parent;
  }

  /**
   * Reads every file and throws an IOException that names the first one that is missing or not as
   * it was written.
   *
   * @param required files that must be among them
   */
  public static void check(Path folder, Collection<String> required) throws IOException {
    Map<String, String> sums = sums(folder.resolve(SUMS));
    for (String name : required) {
      if (!sums.containsKey(name)) {
        throw new IOException(folder.resolve(name) + ": not in " + SUMS + " (expected: there)");
      }
    }
    for (Map.Entry<String, String> sum : sums.entrySet()) {
      Path file = folder.resolve(sum.getKey());
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + ": missing (expected: a file)");
      }
      String found = sha256(file);
      if (!found.equals(sum.getValue())) {
        throw new IOException(file + ": SHA-256 " + found + " (expected: " + sum.getValue() + ")");
      }
    }
  }

  private static Map<String, String> sums(Path file) throws IOException {
    if (!Files.isRegularFile(file) || Files.size(file) > SUMS_BYTES_MAX) {
      throw new IOException(
          file + ": missing or too large (expected: at most " + SUMS_BYTES_MAX + " bytes)");
    }
    Map<String, String> sums = new LinkedHashMap<>();
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    if (!text.endsWith("\n")) {
      throw new IOException(file + ": cut off (expected: a whole last line)");
    }
    for (String line : text.lines().toList()) {
      Matcher matcher = LINE.matcher(line);
      if (!matcher.matches()) {
        throw new IOException(file + ": line " + (sums.size() + 1) + " (expected: <hex>  <name>)");
      }
      sums.put(matcher.group(2), matcher.group(1));
    }
    return sums;
  }

  /** The SHA-256 of a file, in hex. */
  public static String sha256(Path file) throws IOException {
    MessageDigest digest = ExampleDigest.sha256();
    byte[] block = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int count; (count = in.read(block)) > 0; ) {
        digest.update(block, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
