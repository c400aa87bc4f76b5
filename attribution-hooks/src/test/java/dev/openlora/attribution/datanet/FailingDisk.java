package dev.openlora.attribution.datanet;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A disk whose n-th change fails, and every later one of its kind: a full disk refuses to write but
 * deletes, a killed process does nothing any more. A write that fails leaves half of its bytes.
 */
final class FailingDisk implements Disk {
  /** What goes wrong. */
  enum Failure {
    FULL,
    KILLED
  }

  private final Failure failure;
  private final int failing;
  private int changes;

  /** {@code failing} counts from 1. */
  FailingDisk(Failure failure, int failing) {
    this.failure = failure;
    this.failing = failing;
  }

  boolean hasFailed() {
    return changes >= failing;
  }

  @Override
  public Output create(Path file) throws IOException {
    change();
    Output out = LOCAL.create(file);
    return new Output() {
      @Override
      public void write(int b) throws IOException {
        change();
        out.write(b);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        boolean alreadyFailed = hasFailed();
        try {
          change();
        } catch (IOException e) {
          if (!alreadyFailed) {
            out.write(bytes, offset, length / 2);
          }
          throw e;
        }
        out.write(bytes, offset, length);
      }

      @Override
      void force() throws IOException {
        change();
        out.force();
      }

      @Override
      public void close() throws IOException {
        out.close();
      }
    };
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    change();
    LOCAL.rename(from, to);
  }

  @Override
  public void createFolder(Path folder) throws IOException {
    change();
    LOCAL.createFolder(folder);
  }

  @Override
  public void delete(Path file) throws IOException {
    if (hasFailed() && failure == Failure.KILLED) {
      throw new IOException("killed");
    }
    LOCAL.delete(file);
  }

  private void change() throws IOException {
    if (++changes >= failing) {
      throw new IOException(failure == Failure.FULL ? "No space left on device" : "killed");
    }
  }
}
