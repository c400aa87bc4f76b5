package dev.openlora.server.http;

import io.netty.channel.ChannelHandlerContext;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its answer, which is either one {@link Reply} or one {@link EventStream}. Any
 * thread unless said otherwise; what writes is carried to the connection's event loop.
 */
public final class Exchange {
  private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);
  private final HttpConnection connection;
  private final ChannelHandlerContext context;
  private final Request request;
  private final List<Runnable> whenGone = new ArrayList<>(); // guarded by itself
  private boolean gone; // guarded by whenGone
  private boolean answered; // event loop only
  private Runnable whenWritable = () -> {}; // event loop only

  Exchange(HttpConnection connection, ChannelHandlerContext context, Request request) {
    this.connection = connection;
    this.context = context;
    this.request = request;
  }

  public Request request() {
    return request;
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
