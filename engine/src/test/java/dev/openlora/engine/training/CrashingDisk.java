package dev.openlora.engine.training;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A disk that breaks at one change: a write leaves half a file. As after a kill, nothing works from
 * then on, not even tidying up; a full disk only fails that change.
 */
final class CrashingDisk implements FolderWriter.Disk {
  private static final Pattern RANDOM = Pattern.compile("\\.[0-9a-f-]{36}");

  private final FolderWriter.Disk disk = FolderWriter.disk();
  private final int breaksAt;
  private final boolean killed;
  private final List<String> log = new ArrayList<>();
  private int changes;

  CrashingDisk(int breaksAt, boolean killed) {
    this.breaksAt = breaksAt;
    this.killed = killed;
  }

  /** Counts only. */
  static CrashingDisk sound() {
    return new CrashingDisk(Integer.MAX_VALUE, false);
  }

  int changes() {
    return changes;
  }

  /** What was asked for, in order; a random part of a name is left out. */
  List<String> log() {
    return log;
  }

  private boolean breaks(String change, Path path) {
    log.add(change + " " + RANDOM.matcher(path.getFileName().toString()).replaceAll(""));
    changes++;
    return changes == breaksAt || (killed && changes > breaksAt);
  }

  private void change(String change, Path path) throws IOException {
    if (breaks(change, path)) {
      throw broken();
    }
  }

  private IOException broken() {
    return new IOException("No space left on device, at change " + changes);
  }

  @Override
  public void createFolder(Path folder) throws IOException {
    change("create", folder);
    disk.createFolder(folder);
  }

  @Override
  public void write(Path file, FolderWriter.Content content) throws IOException {
    boolean breaks = breaks("write", file);
    if (!breaks || changes == breaksAt) {
      disk.write(file, content);
    }
    if (breaks) {
      if (changes == breaksAt) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(Files.size(file) / 2);
        }
      }
      throw broken();
    }
  }

  @Override
  public void sync(Path fileOrFolder) throws IOException {
    change("sync", fileOrFolder);
  }

  @Override
  public void move(Path from, Path to) throws IOException {
    change("move", from);
    disk.move(from, to);
  }

  @Override
  public void delete(Path fileOrFolder) throws IOException {
    change("delete", fileOrFolder);
    disk.delete(fileOrFolder);
  }
}
