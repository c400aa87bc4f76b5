package dev.openlora.adapter;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two files of an adapter folder and the digest of their content, taken before anything in them
 * is used. {@link #checkUnchanged} tells afterwards that what was used is what was digested.
 */
final class AdapterFolder {
  static final String WEIGHTS = "adapter_model.safetensors";

  private static final List<String> PICKLES =
      List.of("adapter_model.bin", "adapter_model.pt", "adapter_model.pth", "adapter_model.pkl");
  private static final byte[] LFS = "version https://git-lfs".getBytes(StandardCharsets.US_ASCII);
  private static final int BUFFER_BYTES = 1 << 16;

  private final Path path;
  private final byte[] config;
  private final Path weights;
  private final Stamp stamp;
  private final String sha256;

  private record Stamp(long size, FileTime modified, @Nullable Object key) {
    static Stamp of(Path file) throws IOException {
      BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
      return new Stamp(attributes.size(), attributes.lastModifiedTime(), attributes.fileKey());
    }
  }

  private AdapterFolder(Path path, byte[] config, Path weights, Stamp stamp, String sha256) {
    this.path = path;
    this.config = config;
    this.weights = weights;
    this.stamp = stamp;
    this.sha256 = sha256;
  }

  /** Reads and digests; {@code folder} is a real path that the roots allow. */
  static AdapterFolder open(Path folder, AdapterRoots roots) throws AdapterException {
    Path configFile = roots.file(folder, ConfigJson.FILE);
    Path weightsFile = roots.file(folder, WEIGHTS);
    if (configFile == null) {
      throw weightsFile == null
          ? AdapterRoots.notFound(folder)
          : Refusal.invalid(
              ConfigJson.FILE, "not in the folder (expected: beside " + WEIGHTS + ")");
    }
    if (weightsFile == null) {
      for (String pickle : PICKLES) {
        if (roots.file(folder, pickle) != null) {
          throw Refusal.unsupported(
              pickle, "a pickle, which can run code when it is read (expected: " + WEIGHTS + ")");
        }
      }
      throw Refusal.invalid(WEIGHTS, "not in the folder");
    }
    try {
      byte[] config = read(configFile);
      refusePointer(ConfigJson.FILE, configFile);
      refusePointer(WEIGHTS, weightsFile);
      Stamp stamp = Stamp.of(weightsFile);
      return new AdapterFolder(
          folder, config, weightsFile, stamp, digest(config, weightsFile, stamp.size()));
    } catch (IOException e) {
      throw Refusal.invalid(folder.getFileName() + "", "its files cannot be read");
    }
  }

  Path path() {
    return path;
  }

  byte[] config() {
    return config;
  }

  Path weights() {
    return weights;
  }

  /** Of the lengths and bytes of both files, hexadecimal. */
  String sha256() {
    return sha256;
  }

  void checkUnchanged() throws AdapterException {
    try {
      if (stamp.equals(Stamp.of(weights))) {
        return;
      }
    } catch (IOException e) {
      throw Refusal.invalid(WEIGHTS, "went away while it was loaded");
    }
    throw Refusal.invalid(WEIGHTS, "changed while it was loaded");
  }

  private static byte[] read(Path file) throws IOException, AdapterException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(ConfigJson.MAX_BYTES + 1);
      if (bytes.length > ConfigJson.MAX_BYTES) {
        throw Refusal.invalid(
            ConfigJson.FILE, "more than " + ConfigJson.MAX_BYTES + " bytes (expected: at most)");
      }
      return bytes;
    }
  }

  private static void refusePointer(String name, Path file) throws IOException, AdapterException {
    try (InputStream in = Files.newInputStream(file)) {
      if (MessageDigest.isEqual(in.readNBytes(LFS.length), LFS)) {
        throw Refusal.invalid(
            name, "a Git LFS pointer, not the file itself (expected: fetched with git lfs pull)");
      }
    }
  }

  private static String digest(byte[] config, Path weights, long size) throws IOException {
    MessageDigest sha256;
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    sha256.update(ByteBuffer.allocate(8).putLong(0, config.length));
    sha256.update(config);
    sha256.update(ByteBuffer.allocate(8).putLong(0, size));
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = new DigestInputStream(Files.newInputStream(weights), sha256)) {
      while (in.read(buffer) >= 0) {
        continue;
      }
    }
    return HexFormat.of().formatHex(sha256.digest());
  }
}
