package dev.openlora.server.finetuning;

import dev.openlora.server.finetuning.FineTuningException.Reason;
import dev.openlora.server.finetuning.StoredFile.Purpose;
import dev.openlora.server.http.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Files that clients uploaded. Bytes are kept under their SHA-256, so the same content takes its
 * room once; beside them a small file for each upload. An upload that does not come to its end, for
 * whatever reason, leaves nothing. Any thread; {@code lock} is never held while bytes come.
 */
public final class FileStore {
  private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);
  private static final int UPLOADS_MAX = 8;
  private static final String RECORD = ".json";

  private final Path folder;
  private final Path content;
  private final Path incoming;
  private final FineTuningLimits limits;
  private final Clock clock;

  private final Object lock = new Object();
  private final Map<String, StoredFile> files = new LinkedHashMap<>(); // guarded by lock
  private long bytes; // of files and of uploads under way; guarded by lock
  private int uploads; // guarded by lock
  private long latestMillis; // guarded by lock

  /** Opens a folder, making it if need be; what a server left unfinished there is deleted. */
  public FileStore(Path folder, FineTuningLimits limits, Clock clock) throws IOException {
    this.folder = folder;
    this.content = folder.resolve("content");
    this.incoming = folder.resolve("incoming");
    this.limits = limits;
    this.clock = clock;
    DurableFile.deleteFolder(incoming);
    Files.createDirectories(content);
    Files.createDirectories(incoming);
    List<StoredFile> found = new ArrayList<>();
    for (Path path : paths(folder)) {
      String name = path.getFileName().toString();
      if (name.endsWith(DurableFile.UNFINISHED)) {
        Files.delete(path);
      } else if (name.endsWith(RECORD)) {
        StoredFile file = read(path);
        if (Files.isRegularFile(content.resolve(file.contentName()))) {
          found.add(file);
        } else {
          LOG.error("file {} ({}) has lost its content, {}", file.id(), file.name(), path);
        }
      }
    }
    found.sort(Comparator.comparingLong(StoredFile::createdMillis).thenComparing(StoredFile::id));
    Set<String> kept = found.stream().map(StoredFile::contentName).collect(Collectors.toSet());
    for (Path path : paths(content)) {
      if (!kept.contains(path.getFileName().toString())) {
        Files.delete(path);
      }
    }
    synchronized (lock) {
      for (StoredFile file : found) {
        files.put(file.id(), file);
        bytes += file.bytes();
        latestMillis = Math.max(latestMillis, file.createdMillis());
      }
    }
  }

  public long fileBytesMax() {
    return limits.fileBytesMax();
  }

  /** All files, the oldest first. */
  public List<StoredFile> list() {
    synchronized (lock) {
      return List.copyOf(files.values());
    }
  }

  public StoredFile get(String id) throws FineTuningException {
    StoredFile file = find(id);
    if (file == null) {
      throw unknown(id);
    }
    return file;
  }

  @Nullable StoredFile find(String id) {
    synchronized (lock) {
      return files.get(id);
    }
  }

  static FineTuningException unknown(String id) {
    return new FineTuningException(
        Reason.NOT_FOUND, "id", "No such File object: " + Excerpt.of(id) + ".");
  }

  /** Where a file's bytes are; they stay while the file does. */
  public Path content(StoredFile file) {
    return content.resolve(file.contentName());
  }

  /** Deletes a file; its bytes go with the last file that has them. */
  void delete(String id) throws FineTuningException, IOException {
    synchronized (lock) {
      StoredFile file = get(id);
      Files.deleteIfExists(folder.resolve(id + RECORD));
      files.remove(id);
      bytes -= file.bytes();
      if (files.values().stream().noneMatch(f -> f.contentName().equals(file.contentName()))) {
        Files.deleteIfExists(content.resolve(file.contentName()));
      }
    }
  }

  /** Begins an upload; close it whether or not it was kept. */
  public Upload begin() throws FineTuningException, IOException {
    synchronized (lock) {
      if (uploads == UPLOADS_MAX) {
        throw new FineTuningException(
            Reason.BUSY, null, UPLOADS_MAX + " files are being uploaded already.");
      }
      checkCount();
      uploads++;
    }
    boolean open = false;
    try {
      Upload upload = new Upload(incoming.resolve(Ids.random(16)));
      open = true;
      return upload;
    } finally {
      if (!open) {
        synchronized (lock) {
          uploads--;
        }
      }
    }
  }

  private void checkCount() throws FineTuningException {
    if (files.size() >= limits.filesMax()) {
      throw new FineTuningException(
          Reason.NO_SPACE,
          "file",
          "There are "
              + files.size()
              + " files already (expected: at most "
              + limits.filesMax()
              + "). Delete some.");
    }
  }

  /** One file on its way in. One thread. */
  public final class Upload implements AutoCloseable {
    private final Path path;
    private final FileChannel out;
    private final MessageDigest digest = sha256();
    private long written;
    private boolean kept;

    private Upload(Path path) throws IOException {
      this.path = path;
      this.out = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }

    public void write(byte[] piece, int from, int length) throws FineTuningException, IOException {
      if (written + length > limits.fileBytesMax()) {
        throw new FineTuningException(
            Reason.TOO_LARGE,
            "file",
            "file has more than " + limits.fileBytesMax() + " bytes (expected: at most).");
      }
      synchronized (lock) {
        if (bytes + length > limits.totalBytesMax()) {
          throw new FineTuningException(
              Reason.NO_SPACE,
              "file",
              "All files together would have more than "
                  + limits.totalBytesMax()
                  + " bytes (expected: at most). Delete some.");
        }
        bytes += length;
      }
      written += length;
      digest.update(piece, from, length);
      ByteBuffer rest = ByteBuffer.wrap(piece, from, length);
      while (rest.hasRemaining()) {
        out.write(rest);
      }
    }

    /** Makes a file of what came. */
    public StoredFile keep(String name, Purpose purpose) throws FineTuningException, IOException {
      out.force(true);
      synchronized (lock) {
        checkCount();
        latestMillis = Math.max(clock.millis(), latestMillis + 1);
        StoredFile file =
            new StoredFile(
                Ids.of("file"),
                written,
                latestMillis,
                name,
                purpose,
                HexFormat.of().formatHex(digest.digest()));
        Path target = content.resolve(file.contentName());
        boolean isNew = !Files.exists(target);
        if (isNew) {
          DurableFile.move(path, target);
        }
        boolean recorded = false;
        try {
          DurableFile.write(folder.resolve(file.id() + RECORD), json(file));
          recorded = true;
        } finally {
          if (!recorded && isNew) {
            Files.deleteIfExists(target);
          }
        }
        files.put(file.id(), file);
        kept = true;
        return file;
      }
    }

    @Override
    public void close() throws IOException {
      synchronized (lock) {
        uploads--;
        if (!kept) {
          bytes -= written;
        }
      }
      try (out) {
        Files.deleteIfExists(path);
      }
    }
  }

  private static byte[] json(StoredFile file) {
    return Json.bytes(json -> {
      json.writeStartObject();
      json.writeStringProperty("id", file.id());
      json.writeNumberProperty("bytes", file.bytes());
      json.writeNumberProperty("created_millis", file.createdMillis());
      json.writeStringProperty("name", file.name());
      json.writeStringProperty("purpose", file.purpose().word());
      json.writeStringProperty("sha256", file.sha256());
      json.writeEndObject();
    });
  }

  private static StoredFile read(Path path) throws IOException {
    try {
      JsonNode json = Json.MAPPER.readTree(Files.readAllBytes(path));
      Purpose purpose = Purpose.of(json.get("purpose").stringValue());
      if (purpose == null) {
        throw new IOException(path + ": purpose: " + json.get("purpose"));
      }
      return new StoredFile(
          json.get("id").stringValue(),
          json.get("bytes").longValue(),
          json.get("created_millis").longValue(),
          json.get("name").stringValue(),
          purpose,
          json.get("sha256").stringValue());
    } catch (JacksonException | NullPointerException e) {
      throw new IOException(path + ": not a file's record: " + e.getMessage(), e);
    }
  }

  private static List<Path> paths(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
