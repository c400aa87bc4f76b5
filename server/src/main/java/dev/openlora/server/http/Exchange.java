package dev.openlora.server.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its answer, which is either one {@link Reply} or one {@link EventStream}. Any
 * thread unless said otherwise; what writes is carried to the connection's event loop.
 */
public final class Exchange {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);
  private static final int PIECE_BYTES = 64 << 10;

  private final HttpConnection connection;
  private final ChannelHandlerContext context;
  private final Request request;
  private final InputStream upload;
  private final List<Runnable> whenGone = new ArrayList<>(); // guarded by itself
  private boolean gone; // guarded by whenGone
  private boolean answered; // event loop only
  private Runnable whenWritable = () -> {}; // event loop only

  Exchange(
      HttpConnection connection,
      ChannelHandlerContext context,
      Request request,
      InputStream upload) {
    this.connection = connection;
    this.context = context;
    this.request = request;
    this.upload = upload;
  }

  public Request request() {
    return request;
  }

  /**
   * The body of an upload, while it comes; empty on other routes. Reading throws {@link
   * BodyEndedException} when the rest will not come. One thread.
   */
  public InputStream upload() {
    return upload;
  }

  /**
   * Answers with bytes that are read while they are sent; returns when all are handed over or the
   * client is gone.
   *
   * @param bytes how many the content has
   * @throws IOException when the content could not be read to that length; the connection is closed
   */
  public void reply(String contentType, long bytes, InputStream content)
      throws IOException, InterruptedException {
    onLoop(() -> {
      answered = true;
      connection.writeBodyHead(contentType, bytes);
    });
    Semaphore writable = new Semaphore(0);
    whenGone(writable::release);
    long left = request.method().equals("HEAD") ? 0 : bytes;
    try {
      while (left > 0 && !isGone()) {
        byte[] piece = content.readNBytes((int) Math.min(left, PIECE_BYTES));
        if (piece.length == 0) {
          throw new EOFException("the content ended " + left + " bytes early");
        }
        left -= piece.length;
        onLoop(() -> {
          context.writeAndFlush(
              new DefaultHttpContent(Unpooled.wrappedBuffer(piece)), context.voidPromise());
          if (isWritable()) {
            writable.release();
          } else {
            whenWritable =
                () -> {
                  whenWritable = () -> {};
                  writable.release();
                };
          }
        });
        writable.acquire();
      }
    } catch (IOException e) {
      onLoop(context::close);
      throw e;
    }
    onLoop(() -> {
      if (!isGone()) {
        connection.endStream();
      }
    });
  }

  /** Answers. Only the first answer counts; the client may be gone. */
  public void reply(Reply reply) {
    onLoop(() -> {
      if (!answered) {
        answered = true;
        connection.write(reply);
      }
    });
  }

  /** Event loop only: answers with a stream of events. */
  public EventStream openStream() {
    answered = true;
    return new EventStream(connection, context);
  }

  /** Ends the connection of a client that is gone without an answer. */
  public void abandon() {
    onLoop(() -> {
      if (isGone()) {
        context.close();
      }
    });
  }

  /** Event loop only: whether the client reads fast enough for more. */
  public boolean isWritable() {
    return context.channel().isWritable();
  }

  /** Event loop only: called each time the client has caught up. */
  public void whenWritable(Runnable action) {
    whenWritable = action;
  }

  /** Runs once when the client leaves before its answer is complete; at once if it has. */
  public void whenGone(Runnable action) {
    synchronized (whenGone) {
      if (!gone) {
        whenGone.add(action);
        return;
      }
    }
    action.run();
  }

  public boolean isGone() {
    synchronized (whenGone) {
      return gone;
    }
  }

  /**
   * Runs on the connection's event loop, in the order of the calls of one thread; not at all once
   * the server is closed.
   */
  public void onLoop(Runnable action) {
    try {
      context.executor().execute(action);
    } catch (RejectedExecutionException e) {
      LOG.debug("dropped what came after the server was closed");
    }
  }

  void clientGone() {
    List<Runnable> actions;
    synchronized (whenGone) {
      if (gone) {
        return;
      }
      gone = true;
      actions = List.copyOf(whenGone);
    }
    actions.forEach(Runnable::run);
  }

  void clientCaughtUp() {
    whenWritable.run();
  }
}
