package dev.openlora.attribution.datanet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Who may add to a Datanet right now, among all threads and processes of this machine. The system
 * gives it back when its holder is killed; the file stays and means nothing.
 */
final class FolderLock implements Closeable {
  static final String FILE = "lock";

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /** Does not wait: {@link DatanetException} when somebody else holds it. */
  static FolderLock take(Path datanet) throws IOException {
    FileChannel channel =
        FileChannel.open(
            datanet.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = lock(channel);
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
    if (lock == null) {
      throw new DatanetException(
          datanet.toString(),
          0,
          "somebody else is adding to it right now (expected: one at a time)");
    }
    return new FolderLock(channel);
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another thread of this process
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
