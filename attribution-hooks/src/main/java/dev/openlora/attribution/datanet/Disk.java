package dev.openlora.attribution.datanet;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Every change that a {@link DatanetStore} makes on disk; tests let the n-th one fail. */
interface Disk {
  Disk LOCAL = new Local();

  /** A new file that is being written. */
  abstract class Output extends OutputStream {
    /** Returns when all bytes are on the disk itself. */
    abstract void force() throws IOException;
  }

  /** Replaces what a broken attempt may have left there. */
  Output create(Path file) throws IOException;

  /** Atomic, and on the disk when it returns; both in one folder. */
  void rename(Path from, Path to) throws IOException;

  /** With its parents, as far as they are missing. */
  void createFolder(Path folder) throws IOException;

  /** Nothing happens where there is no such file. */
  void delete(Path file) throws IOException;

  /** The file system as it is. */
  final class Local implements Disk {
    @Override
    public Output create(Path file) throws IOException {
      FileOutputStream out = new FileOutputStream(file.toFile());
      return new Output() {
        @Override
        public void write(int b) throws IOException {
          out.write(b);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          out.write(bytes, offset, length);
        }

        @Override
        void force() throws IOException {
          out.getChannel().force(true);
        }

        @Override
        public void close() throws IOException {
          out.close();
        }
      };
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      forceFolder(to);
    }

    @Override
    public void createFolder(Path folder) throws IOException {
      if (!Files.isDirectory(folder)) {
        Path parent = folder.toAbsolutePath().getParent();
        if (parent != null) {
          createFolder(parent);
        }
        Files.createDirectories(folder);
        forceFolder(folder);
      }
    }

    @Override
    public void delete(Path file) throws IOException {
      Files.deleteIfExists(file);
    }

    /** Of an entry: else its name may be lost when the power fails. */
    private static void forceFolder(Path entry) throws IOException {
      Path folder = entry.toAbsolutePath().getParent();
      if (folder != null) {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
          channel.force(true);
        }
      }
    }
  }
}
