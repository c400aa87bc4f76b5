package dev.openlora.server.finetuning;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker says beside its events: into a file up to a limit, the end of it also in memory.
 * Any thread.
 */
final class WorkerLog {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerLog.class);
  private static final long FILE_BYTES_MAX = 16 << 20;
  private static final int TAIL_BYTES = 2000;

  private final Path path;
  private byte[] tail = new byte[0]; // guarded by this
  private long written; // guarded by this
  private boolean broken; // guarded by this

  WorkerLog(Path path) throws IOException {
    this.path = path;
    this.written = Files.exists(path) ? Files.size(path) : 0;
  }

  /** Takes a stream to its end; whatever comes of the file, the worker is never held up. */
  void drain(InputStream in) {
    byte[] piece = new byte[8 << 10];
    try {
      for (int count; (count = in.read(piece)) >= 0; ) {
        add(piece, count);
      }
    } catch (IOException e) {
      LOG.debug("a worker's stream ended: {}", e.toString());
    }
  }

  void line(String text) {
    byte[] bytes = (text + "\n").getBytes(StandardCharsets.UTF_8);
    add(bytes, bytes.length);
  }

  /** The last lines. */
  synchronized String tail() {
    return new String(tail, StandardCharsets.UTF_8).strip();
  }

  private synchronized void add(byte[] piece, int count) {
    int kept = Math.min(tail.length, Math.max(0, TAIL_BYTES - count));
    int taken = Math.min(count, TAIL_BYTES);
    byte[] next = new byte[kept + taken];
    System.arraycopy(tail, tail.length - kept, next, 0, kept);
    System.arraycopy(piece, count - taken, next, kept, taken);
    tail = next;
    if (broken || written + count > FILE_BYTES_MAX) {
      return;
    }
    try (OutputStream out =
        Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      out.write(piece, 0, count);
      written += count;
    } catch (IOException e) {
      broken = true;
      LOG.warn("{} cannot be written: {}", path, e.toString());
    }
  }
}
