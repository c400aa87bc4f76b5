package dev.openlora.server.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A body that is read while it comes: the event loop puts pieces in, the handler's thread takes
 * them out. The connection stops reading when much waits here, and goes on when it has been taken.
 */
final class UploadStream extends InputStream {
  private static final int WAITING_BYTES_MAX = 256 << 10;

  private final Runnable caughtUp;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<byte[]> pieces = new ArrayDeque<>(); // guarded by lock
  private int offset; // in the first piece; guarded by lock
  private long waitingBytes; // guarded by lock
  private boolean full; // guarded by lock
  private boolean ended; // guarded by lock
  private @Nullable String failure; // guarded by lock

  /**
   * An empty stream.
   *
   * @param caughtUp called on the reader's thread when a full stream has been emptied
   */
  UploadStream(Runnable caughtUp) {
    this.caughtUp = caughtUp;
  }

  /** Event loop only: hands over a piece; false when no more should be read for now. */
  boolean put(byte[] piece) {
    lock.lock();
    try {
      pieces.add(piece);
      waitingBytes += piece.length;
      full |= waitingBytes >= WAITING_BYTES_MAX;
      changed.signal();
      return !full;
    } finally {
      lock.unlock();
    }
  }

  void end() {
    lock.lock();
    try {
      ended = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** What is not read yet is dropped; readers get {@link BodyEndedException}. */
  void fail(String why) {
    lock.lock();
    try {
      failure = why;
      pieces.clear();
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int from, int length) throws IOException {
    Objects.checkFromIndexSize(from, length, target.length);
    if (length == 0) {
      return 0;
    }
    boolean emptied = false;
    int count;
    lock.lock();
    try {
      while (pieces.isEmpty() && !ended && failure == null) {
        changed.await();
      }
      if (failure != null) {
        throw new BodyEndedException(failure);
      }
      byte[] piece = pieces.peek();
      if (piece == null) {
        return -1;
      }
      count = Math.min(length, piece.length - offset);
      System.arraycopy(piece, offset, target, from, count);
      offset += count;
      waitingBytes -= count;
      if (offset == piece.length) {
        pieces.remove();
        offset = 0;
      }
      if (full && pieces.isEmpty()) {
        full = false;
        emptied = true;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a body came");
    } finally {
      lock.unlock();
    }
    if (emptied) {
      caughtUp.run();
    }
    return count;
  }
}
