package dev.openlora.attribution.datanet;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.SortedMap;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * One version of a Datanet: rows in a fixed order, each once, under one Merkle root. A version adds
 * rows behind its parent's and changes none. Immutable, any thread; rows stay on disk and are
 * checked against their ids whenever they are read. Rows are counted from 1 in messages.
 *
 * <pre>
 * NAME/versions/3.json          manifest of version 3
 * NAME/segments/SHA256.jsonl    rows of one addition, shared by all later versions
 * NAME/lock                     held while rows are added
 * </pre>
 */
public final class Datanet {
  static final long ROWS_MAX = 2_000_000;

  private static final Pattern VERSION_FILE = Pattern.compile("([1-9][0-9]{0,8})\\.json");

  private final Path folder;
  private final Manifest manifest;
  private final String manifestHash;

  private Datanet(Path folder, Manifest manifest, String manifestHash) {
    this.folder = folder;
    this.manifest = manifest;
    this.manifestHash = manifestHash;
  }

  /** Who brought how many rows, and under which licences. */
  public record Shares(
      SortedMap<Contributor, Long> contributors, SortedMap<String, Long> licences) {}

  /** What {@link #verify} went through and found right. */
  public record Verification(int versions, long rows, long bytes) {}

  /** The newest version. */
  public static Datanet open(Path folder) throws IOException {
    return newest(folder)
        .orElseThrow(() -> new DatanetException(folder.toString(), 0, "no Datanet there"));
  }

  /** One version; {@link DatanetException} when it is missing or visibly damaged. */
  public static Datanet open(Path folder, int version) throws IOException {
    Path file = Manifest.file(folder, version);
    byte[] bytes = manifestBytes(file);
    Manifest manifest = DatanetException.at(file.toString(), 0, () -> Manifest.parse(bytes));
    if (manifest.version() != version) {
      throw new DatanetException(
          file.toString(),
          0,
          "version: " + manifest.version() + " (expected: " + version + ", as the file is named)");
    }
    for (Segment segment : manifest.segments()) {
      Path path = segment.in(folder);
      if (!Files.isRegularFile(path)) {
        throw new DatanetException(
            path.toString(), 0, "missing (expected: a segment of " + file + ")");
      }
      if (Files.size(path) != segment.bytes()) {
        throw new DatanetException(
            path.toString(), 0, Files.size(path) + " bytes (expected: " + segment.bytes() + ")");
      }
    }
    return new Datanet(folder, manifest, Sha256.hex(bytes));
  }

  /** Nothing where no version was ever completed. */
  static Optional<Datanet> newest(Path folder) throws IOException {
    int newest = 0;
    try (Stream<Path> files = Files.list(folder.resolve(Manifest.FOLDER))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Matcher name = VERSION_FILE.matcher(String.valueOf(file.getFileName()));
        if (name.matches()) {
          newest = Math.max(newest, Integer.parseInt(name.group(1)));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return Optional.empty();
    }
    return newest == 0 ? Optional.empty() : Optional.of(open(folder, newest));
  }

  public String name() {
    return manifest.name();
  }

  /** From 1. */
  public int version() {
    return manifest.version();
  }

  /** Root of the Merkle tree over all rows (RFC 6962), 64 hexadecimal digits. */
  public String root() {
    return manifest.root();
  }

  /** SHA-256 of the manifest file, 64 hexadecimal digits; the next version names it as parent. */
  public String manifestHash() {
    return manifestHash;
  }

  /** The manifest hash of the version before; empty in version 1. */
  public Optional<String> parent() {
    return Optional.ofNullable(manifest.parent());
  }

  public long rowCount() {
    return manifest.rows();
  }

  /** Bytes of all segments on disk. */
  public long byteCount() {
    return manifest.bytes();
  }

  public Path folder() {
    return folder;
  }

  /**
   * All rows in order, read as the stream goes; close it. {@link DatanetException} on a damaged
   * row, {@link UncheckedIOException} when reading fails.
   */
  public Stream<Row> rows() {
    Rows rows = new Rows();
    return StreamSupport.stream(
            Spliterators.spliterator(
                rows,
                rowCount(),
                Spliterator.ORDERED
                    | Spliterator.DISTINCT
                    | Spliterator.IMMUTABLE
                    | Spliterator.NONNULL),
            false)
        .onClose(rows::close);
  }

  /** Reads all rows to count them. */
  public Shares shares() {
    SortedMap<Contributor, Long> contributors = new TreeMap<>();
    SortedMap<String, Long> licences = new TreeMap<>();
    try (Stream<Row> rows = rows()) {
      rows.forEach(row -> {
        contributors.merge(row.contributor(), 1L, Long::sum);
        licences.merge(row.licence(), 1L, Long::sum);
      });
    }
    return new Shares(contributors, licences);
  }

  /**
   * Recomputes everything from the bytes on disk: the chain of manifests down to version 1, each
   * segment's digest, each row's id, that no row stands twice, and each version's root. Throws
   * {@link DatanetException} for the first thing that is wrong.
   *
   * @param progress told how many more bytes of {@link #byteCount} were read
   */
  public Verification verify(LongConsumer progress) throws IOException {
    String[] roots = chain();
    RowTree tree = new RowTree();
    Map<RowId, Long> numbers = new HashMap<>();
    for (int i = 0; i < manifest.segments().size(); i++) {
      try (SegmentReader segment = new SegmentReader(folder, manifest.segments().get(i))) {
        long read = 0;
        for (Row row; (row = segment.next()) != null; ) {
          tree.add(row);
          Long before = numbers.putIfAbsent(row.id(), tree.size());
          if (before != null) {
            throw new DatanetException(
                segment.file(),
                segment.line(),
                "row " + tree.size() + " is the same as row " + before);
          }
          progress.accept(segment.bytesRead() - read);
          read = segment.bytesRead();
        }
        segment.checkBytes();
      }
      if (!tree.root().equals(roots[i])) {
        throw new DatanetException(
            Manifest.file(folder, i + 1).toString(),
            0,
            "root: " + roots[i] + " (expected: " + tree.root() + ", from the rows)");
      }
    }
    return new Verification(version(), tree.size(), byteCount());
  }

  @Override
  public String toString() {
    return name() + "@" + version();
  }

  Manifest manifest() {
    return manifest;
  }

  /** The roots of all versions up to this one, whose manifests have to fit each other. */
  private String[] chain() throws IOException {
    String[] roots = new String[version()];
    String parent = null;
    for (int version = 1; version <= version(); version++) {
      Datanet link = open(folder, version);
      String file = Manifest.file(folder, version).toString();
      List<Segment> segments = manifest.segments().subList(0, version);
      if (!link.name().equals(name())) {
        throw new DatanetException(
            file, 0, "name: '" + link.name() + "' (expected: '" + name() + "')");
      }
      if (parent != null && !parent.equals(link.manifest.parent())) {
        throw new DatanetException(
            file,
            0,
            "parent: "
                + link.manifest.parent()
                + " (expected: "
                + parent
                + ", the SHA-256 of "
                + (version - 1)
                + ".json)");
      }
      if (!link.manifest.segments().equals(segments)) {
        throw new DatanetException(
            file,
            0,
            "segments: not the first " + version + " of " + this + " (expected: the same)");
      }
      roots[version - 1] = link.root();
      parent = link.manifestHash;
    }
    if (!manifestHash.equals(parent)) {
      throw new DatanetException(
          Manifest.file(folder, version()).toString(), 0, "changed since it was opened");
    }
    return roots;
  }

  private static byte[] manifestBytes(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(Manifest.BYTES_MAX + 1);
      if (bytes.length > Manifest.BYTES_MAX) {
        throw new DatanetException(
            file.toString(), 0, "more than " + Manifest.BYTES_MAX + " bytes (expected: at most)");
      }
      return bytes;
    } catch (NoSuchFileException e) {
      throw new DatanetException(file.toString(), 0, "no such version");
    }
  }

  /** Walks through the segments, one open at a time. */
  private final class Rows implements Iterator<Row>, Closeable {
    private final Iterator<Segment> segments = manifest.segments().iterator();
    private @Nullable SegmentReader reader;
    private @Nullable Row next;

    @Override
    public boolean hasNext() {
      try {
        while (next == null) {
          if (reader == null) {
            if (!segments.hasNext()) {
              return false;
            }
            reader = new SegmentReader(folder, segments.next());
          }
          next = reader.next();
          if (next == null) {
            close();
          }
        }
        return true;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public Row next() {
      if (!hasNext() || next == null) {
        throw new NoSuchElementException();
      }
      Row row = next;
      next = null;
      return row;
    }

    @Override
    public void close() {
      if (reader != null) {
        try {
          reader.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        reader = null;
      }
    }
  }
}
