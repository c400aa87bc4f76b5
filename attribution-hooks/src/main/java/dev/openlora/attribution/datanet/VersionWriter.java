package dev.openlora.attribution.datanet;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes one version. The order is what makes it safe: the segment completely (temporary file,
 * force, rename), then the manifest in the same way; its rename is the moment at which the version
 * exists. A segment that no manifest names is what a kill may leave, and hurts nobody. The caller
 * holds the {@link FolderLock}.
 */
final class VersionWriter {
  private static final String TEMPORARY = "incoming.tmp";

  private final Path folder;
  private final Disk disk;
  private final Addition addition;
  private final AdditionListener listener;
  private final RowTree tree = new RowTree();

  /** Where each row is: the number of a row that was there, or −1 − (file × 2^40 + line). */
  private final Map<RowId, Long> places = new HashMap<>();

  private long rowsAdded;
  private long rowsRead;

  VersionWriter(Path folder, Disk disk, Addition addition, AdditionListener listener) {
    this.folder = folder;
    this.disk = disk;
    this.addition = addition;
    this.listener = listener;
  }

  Datanet write(Optional<Datanet> before) throws IOException {
    before.ifPresent(this::readExisting);
    Segment segment = writeSegment(before.orElse(null));
    if (segment == null) {
      return before.orElseThrow();
    }
    List<Segment> segments = new ArrayList<>();
    before.ifPresent(datanet -> segments.addAll(datanet.manifest().segments()));
    segments.add(segment);
    Path temporary = folder.resolve(Manifest.FOLDER).resolve(TEMPORARY);
    int version = segments.size();
    try {
      if (version > Manifest.VERSIONS_MAX) {
        throw new DatanetException(
            folder.toString(),
            0,
            "version " + version + " (expected: at most " + Manifest.VERSIONS_MAX + ")");
      }
      Manifest manifest =
          new Manifest(
              addition.name(),
              version,
              before.map(Datanet::manifestHash).orElse(null),
              tree.root(),
              segments);
      try (Disk.Output out = disk.create(temporary)) {
        out.write(manifest.write());
        out.force();
      }
    } catch (IOException | RuntimeException e) {
      undo(e, temporary, segment.in(folder));
      throw e;
    }
    Path file = Manifest.file(folder, version);
    try {
      disk.rename(temporary, file);
    } catch (IOException e) {
      if (!Files.exists(file)) {
        undo(e, temporary, segment.in(folder));
      }
      throw e;
    }
    return Datanet.open(folder, version);
  }

  private void readExisting(Datanet datanet) {
    try (Stream<Row> rows = datanet.rows()) {
      rows.forEach(row -> {
        tree.add(row);
        places.put(row.id(), tree.size());
      });
    }
    if (!tree.root().equals(datanet.root())) {
      throw new DatanetException(
          datanet.folder().toString(), 0, datanet + " is damaged (see datanet verify)");
    }
  }

  /** Null when there was no new row. */
  private @Nullable Segment writeSegment(@Nullable Datanet before) throws IOException {
    Path temporary = folder.resolve(Segment.FOLDER).resolve(TEMPORARY);
    MessageDigest sha256 = Sha256.start();
    try {
      long bytes = 0;
      try (Disk.Output file = disk.create(temporary);
          OutputStream out = new DigestOutputStream(new BufferedOutputStream(file), sha256)) {
        for (int i = 0; i < addition.files().size(); i++) {
          bytes += writeRows(i, before, out);
        }
        out.flush();
        file.force();
      }
      if (rowsAdded == 0) {
        disk.delete(temporary);
        return null;
      }
      Segment segment = new Segment(HexFormat.of().formatHex(sha256.digest()), rowsAdded, bytes);
      disk.rename(temporary, segment.in(folder));
      return segment;
    } catch (IOException | RuntimeException e) {
      undo(e, temporary);
      throw e;
    }
  }

  /** Returns the bytes written. */
  private long writeRows(int fileIndex, @Nullable Datanet before, OutputStream out)
      throws IOException {
    Path path = addition.files().get(fileIndex);
    String file = path.toString();
    long bytes = 0;
    long read = 0;
    try (RowReader reader = RowReader.open(path, addition.limits())) {
      for (ParsedRow parsed; (parsed = reader.next()) != null; ) {
        listener.onRead(reader.bytesRead() - read);
        read = reader.bytesRead();
        if (++rowsRead > addition.limits().rowsPerAddition()) {
          throw new DatanetException(
              file,
              parsed.line(),
              "row "
                  + rowsRead
                  + " (expected: at most "
                  + addition.limits().rowsPerAddition()
                  + ")");
        }
        Row row =
            Row.of(
                parsed.content(),
                Objects.requireNonNullElse(parsed.contributor(), addition.contributor()),
                Objects.requireNonNullElse(parsed.licence(), addition.licence()));
        Long place = places.putIfAbsent(row.id(), -1 - (((long) fileIndex << 40) + parsed.line()));
        if (place != null) {
          skipOrRefuse(file, parsed.line(), placeName(place, before));
          continue;
        }
        tree.add(row);
        if (tree.size() > Datanet.ROWS_MAX) {
          throw new DatanetException(
              file,
              parsed.line(),
              "row "
                  + tree.size()
                  + " of the Datanet (expected: at most "
                  + Datanet.ROWS_MAX
                  + ")");
        }
        byte[] line = (RowJson.write(row) + "\n").getBytes(StandardCharsets.UTF_8);
        out.write(line);
        bytes += line.length;
        rowsAdded++;
      }
    }
    return bytes;
  }

  private void skipOrRefuse(String file, long line, String before) {
    switch (addition.duplicates()) {
      case REFUSE -> throw new DatanetException(file, line, "the same row as " + before);
      case SKIP -> listener.onSkipped(file, line, before);
    }
  }

  private String placeName(long place, @Nullable Datanet before) {
    if (place > 0) {
      return "row " + place + " of " + before;
    }
    long packed = -1 - place;
    return addition.files().get((int) (packed >>> 40)) + ":" + (packed & ((1L << 40) - 1));
  }

  /** Frees the space again, as far as the disk lets us. */
  private void undo(Exception failure, Path... leftovers) {
    for (Path leftover : leftovers) {
      try {
        if (Files.exists(leftover)) {
          disk.delete(leftover);
        }
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }
  }
}
