package dev.openlora.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: reads a request, has it answered, reads the next. Event loop only.
 *
 * <p>Requests that come before the answer to the one before wait here, up to a limit, then in the
 * kernel; reading goes on meanwhile because it is how a client's leaving is noticed. A client that
 * shuts its sending side while an answer is under way counts as gone, as it does for the common
 * Python and Go servers. An error that leaves the position in the byte stream unknown ends the
 * connection, after a moment in which the client can still read the answer.
 *
 * <p>An upload is handed to its handler with the head and read while it comes; an answer before its
 * end ends the connection.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter {
  private enum Phase {
    IDLE,
    HEAD,
    BODY,
    ANSWERING,
    LINGERING
  }

  private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);
  private static final int EARLY_BYTES_MAX = 64 << 10;
  private static final int MESSAGE_BYTES = 256; // what a queued head counts for
  private static final int BODY_BYTES_FIRST = 16 << 10;
  private static final int UPLOAD_BYTES_PER_TIMEOUT = 64 << 10; // the slowest upload
  private static final Duration LINGER = Duration.ofSeconds(2);

  private final HttpLimits limits;
  private final RequestRouter router;
  private final Executor handlers;
  private final ByteBudget bodies;
  private final RequestDecoder decoder;

  private final ArrayDeque<Object> early = new ArrayDeque<>();
  private int earlyBytes;
  private boolean resuming;
  private boolean decodedInCycle;

  private Phase phase = Phase.IDLE;
  private boolean keepAlive = true;
  private boolean http10;
  private boolean headOnly;
  private boolean inputEnded;
  private RequestRouter.@Nullable Target target;
  private @Nullable ApiException refusal;
  private long contentLength;
  private long discardedBytes;
  private @Nullable ByteBuf body;
  private @Nullable UploadStream upload;
  private long uploadedBytes;
  private long uploadedBytesAtTimer;
  private boolean uploadPaused;
  private int bodyBytesTaken;
  private String method = "";
  private String contentType = "";
  private @Nullable Exchange exchange;
  private @Nullable ScheduledFuture<?> timer;
  private @Nullable ScheduledFuture<?> stall;
  private @Nullable ChannelHandlerContext context;

  HttpConnection(
      HttpLimits limits,
      RequestRouter router,
      Executor handlers,
      ByteBudget bodies,
      RequestDecoder decoder) {
    this.decoder = decoder;
    this.limits = limits;
    this.router = router;
    this.handlers = handlers;
    this.bodies = bodies;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    becomeIdle();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    decodedInCycle = true;
    if (phase == Phase.LINGERING) {
      ReferenceCountUtil.release(message);
    } else if (isBusy() || !early.isEmpty()) {
      early.add(message);
      earlyBytes += bytesOf(message);
      if (earlyBytes > EARLY_BYTES_MAX) {
        ctx.channel().config().setAutoRead(false);
      }
    } else {
      accept(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (decoder.takeBytesCame() && phase == Phase.IDLE && !decodedInCycle && !inputEnded) {
      phase = Phase.HEAD;
      after(limits.readTimeout(), this::readTimedOut);
    }
    decodedInCycle = false;
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (!ctx.channel().isWritable()) {
      stall =
          ctx.executor()
              .schedule(this::stalled, limits.stallTimeout().toMillis(), TimeUnit.MILLISECONDS);
      return;
    }
    if (stall != null) {
      stall.cancel(false);
      stall = null;
    }
    if (exchange != null) {
      exchange.clientCaughtUp();
    }
    resume();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      inputEnded = true;
      keepAlive = false;
      switch (phase) {
        case IDLE -> closeAfter(ctx.writeAndFlush(Unpooled.EMPTY_BUFFER));
        case HEAD -> refuse(ApiException.badRequest(null, "The request ended inside its head."));
        case BODY -> refuse(ApiException.badRequest(null, bodyEndedEarly()));
        case ANSWERING -> {
          if (exchange != null) {
            exchange.clientGone();
          }
        }
        case LINGERING -> {
          if (ctx.channel() instanceof DuplexChannel duplex && duplex.isOutputShutdown()) {
            ctx.close();
          }
        }
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    phase = Phase.LINGERING;
    cancelTimer();
    if (stall != null) {
      stall.cancel(false);
    }
    releaseBody();
    releaseEarly();
    failUpload();
    finishExchange(true);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException) {
      LOG.debug("connection {}: {}", ctx.channel(), cause.toString());
    } else {
      LOG.error("connection {} failed", ctx.channel(), cause);
    }
    ctx.close();
  }

  /** The whole answer of the current exchange. */
  void write(Reply reply) {
    if (phase == Phase.ANSWERING) {
      endOfAnswer(context().writeAndFlush(response(reply)));
    } else if (phase == Phase.BODY && upload != null) {
      refuse(reply);
    }
  }

  /** The head of an answer that is written while it is read; {@link #endStream} ends it. */
  void writeBodyHead(String contentType, long bytes) {
    DefaultHttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, contentType)
        .set(HttpHeaderNames.CONTENT_LENGTH, bytes);
    connectionHeader(head.headers());
    router.answered(target, 200);
    context().write(head, context().voidPromise());
  }

  void writeStreamHead() {
    DefaultHttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE)
        .set("x-accel-buffering", "no");
    if (http10) {
      keepAlive = false;
    } else {
      head.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
    }
    connectionHeader(head.headers());
    router.answered(target, 200);
    context().write(head, context().voidPromise());
  }

  void endStream() {
    endOfAnswer(context().writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT));
  }

  private void endOfAnswer(ChannelFuture written) {
    finishExchange(false);
    if (keepAlive) {
      becomeIdle();
      resume();
    } else {
      closeAfter(written);
    }
  }

  private boolean isBusy() {
    return phase == Phase.ANSWERING || !context().channel().isWritable();
  }

  private void resume() {
    if (resuming) {
      return;
    }
    resuming = true;
    while (!early.isEmpty() && !isBusy() && phase != Phase.LINGERING) {
      Object message = early.remove();
      earlyBytes -= bytesOf(message);
      accept(message);
    }
    resuming = false;
    if (phase == Phase.LINGERING) {
      releaseEarly();
    }
    if (early.isEmpty() && !uploadPaused) {
      context().channel().config().setAutoRead(true);
    }
  }

  private void accept(Object message) {
    try {
      if (message instanceof HttpRequest request) {
        onHead(request);
      }
      if (message instanceof HttpContent content && phase == Phase.BODY) {
        onContent(content);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void onHead(HttpRequest head) {
    if (phase == Phase.IDLE) {
      after(limits.readTimeout(), this::readTimedOut);
    }
    phase = Phase.BODY;
    target = null;
    refusal = null;
    discardedBytes = 0;
    uploadedBytes = 0;
    if (head.decoderResult().isFailure()) {
      refuse(malformed(head.decoderResult()));
      return;
    }
    HttpVersion version = head.protocolVersion();
    if (version.majorVersion() != 1) {
      refuse(
          ApiException.badRequest(
              null, "The protocol " + version + " is not spoken here (expected: HTTP/1.1)."));
      return;
    }
    http10 = version.minorVersion() == 0;
    keepAlive = HttpUtil.isKeepAlive(head) && !inputEnded;
    method = head.method().name();
    headOnly = method.equals("HEAD");
    contentLength = HttpUtil.getContentLength(head, 0L);
    contentType = head.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
    try {
      target = router.target(head);
    } catch (ApiException e) {
      refusal = e;
    }
    String expect = head.headers().get(HttpHeaderNames.EXPECT);
    if (refusal != null && (expect != null || contentLength > bodyBytesMax())) {
      refuse(refusal);
    } else if (contentLength > bodyBytesMax()) {
      refuse(tooLarge());
    } else if (expect != null) {
      onExpect(expect);
    }
    if (phase == Phase.BODY && target != null && target.uploadBytesMax() > 0) {
      beginUpload(target);
    }
  }

  private long bodyBytesMax() {
    return target != null && target.uploadBytesMax() > 0
        ? target.uploadBytesMax()
        : limits.bodyBytesMax();
  }

  private void beginUpload(RequestRouter.Target to) {
    ChannelHandlerContext ctx = context();
    UploadStream stream =
        new UploadStream(() -> {
          if (!ctx.executor().isShuttingDown()) {
            ctx.executor().execute(this::readOn);
          }
        });
    upload = stream;
    uploadedBytes = 0;
    uploadedBytesAtTimer = 0;
    uploadPaused = false;
    dispatch(to, new byte[0], stream);
  }

  private void onUpload(UploadStream stream, HttpContent content) {
    ByteBuf bytes = content.content();
    uploadedBytes += bytes.readableBytes();
    if (uploadedBytes > bodyBytesMax()) {
      refuse(tooLarge());
      return;
    }
    if (bytes.isReadable()) {
      byte[] piece = new byte[bytes.readableBytes()];
      bytes.readBytes(piece);
      if (!stream.put(piece)) {
        uploadPaused = true;
        context().channel().config().setAutoRead(false);
      }
    }
    if (content instanceof LastHttpContent) {
      cancelTimer();
      phase = Phase.ANSWERING;
      upload = null;
      readOn();
      stream.end();
    } else if (uploadedBytes - uploadedBytesAtTimer >= UPLOAD_BYTES_PER_TIMEOUT) {
      uploadedBytesAtTimer = uploadedBytes;
      after(limits.readTimeout(), this::readTimedOut);
    }
  }

  /** The handler has taken what came of its upload. */
  private void readOn() {
    if (uploadPaused) {
      uploadPaused = false;
      context().channel().config().setAutoRead(true);
    }
  }

  private void failUpload() {
    if (upload != null) {
      upload.fail(bodyEndedEarly());
      upload = null;
      uploadPaused = false;
    }
  }

  private void onExpect(String expect) {
    if (expect.equalsIgnoreCase("100-continue")) {
      context()
          .writeAndFlush(
              new DefaultFullHttpResponse(
                  HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
    } else {
      refuse(
          new ApiException(
              417,
              "BadRequestError",
              null,
              "Expect: " + RequestRouter.shown(expect) + " is not supported."));
    }
  }

  private void onContent(HttpContent content) {
    if (content.decoderResult().isFailure()) {
      refuse(
          inputEnded
              ? ApiException.badRequest(null, bodyEndedEarly())
              : malformed(content.decoderResult()));
      return;
    }
    if (upload != null) {
      onUpload(upload, content);
      return;
    }
    ByteBuf bytes = content.content();
    if (refusal != null) {
      discardedBytes += bytes.readableBytes();
      if (discardedBytes > limits.bodyBytesMax()) {
        refuse(refusal);
        return;
      }
    } else if (bytes.isReadable() && !keep(bytes)) {
      return;
    }
    if (content instanceof LastHttpContent) {
      dispatch();
    }
  }

  private boolean keep(ByteBuf bytes) {
    int count = bytes.readableBytes();
    if (bodyBytesTaken + count > limits.bodyBytesMax()) {
      refuse(tooLarge());
      return false;
    }
    if (!bodies.take(count)) {
      refuse(ApiException.unavailable("The server holds too many request bodies at the moment."));
      return false;
    }
    bodyBytesTaken += count;
    if (body == null) {
      body =
          context()
              .alloc()
              .heapBuffer(
                  (int) Math.clamp(contentLength, count, Math.max(count, BODY_BYTES_FIRST)));
    }
    body.writeBytes(bytes);
    return true;
  }

  private void dispatch() {
    cancelTimer();
    phase = Phase.ANSWERING;
    byte[] bytes = new byte[0];
    if (body != null) {
      bytes = new byte[body.readableBytes()];
      body.readBytes(bytes);
      body.release();
      body = null;
    }
    if (refusal != null || target == null) {
      ApiException error = refusal == null ? ApiException.internal("No route.") : refusal;
      write(Reply.error(error));
      return;
    }
    dispatch(target, bytes, InputStream.nullInputStream());
  }

  private void dispatch(RequestRouter.Target to, byte[] bytes, InputStream stream) {
    Request request = new Request(method, to.path(), to.id(), to.query(), contentType, bytes);
    Exchange current = new Exchange(this, context(), request, stream);
    exchange = current;
    handlers.execute(() -> answer(to.handler(), current));
  }

  private static void answer(Handler handler, Exchange exchange) {
    try {
      handler.handle(exchange);
    } catch (ApiException e) {
      exchange.reply(Reply.error(e));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exchange.reply(Reply.error(ApiException.unavailable("The server is shutting down.")));
    } catch (RuntimeException | Error e) {
      LOG.error("{} {} failed", exchange.request().method(), exchange.request().path(), e);
      exchange.reply(
          Reply.error(ApiException.internal("The server failed to answer; its log says why.")));
    }
  }

  /** Answers at once and ends the connection: what follows in it has no known meaning. */
  private void refuse(ApiException error) {
    refuse(Reply.error(error));
  }

  private void refuse(Reply answer) {
    keepAlive = false;
    cancelTimer();
    phase = Phase.LINGERING;
    releaseBody();
    releaseEarly();
    failUpload();
    finishExchange(true);
    context().channel().config().setAutoRead(true);
    closeAfter(context().writeAndFlush(response(answer)));
  }

  private void closeAfter(ChannelFuture written) {
    phase = Phase.LINGERING;
    after(limits.stallTimeout(), context()::close);
    written.addListener(
        (ChannelFutureListener)
            done -> {
              if (!done.isSuccess() || inputEnded) {
                done.channel().close();
              } else if (done.channel() instanceof DuplexChannel duplex) {
                duplex.shutdownOutput();
                after(LINGER, done.channel()::close);
              }
            });
  }

  private DefaultFullHttpResponse response(Reply reply) {
    router.answered(target, reply.status());
    ByteBuf content = headOnly ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(reply.body());
    DefaultFullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(reply.status()), content);
    reply.headers().forEach(response.headers()::set);
    if (!reply.contentType().isEmpty()) {
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, reply.contentType());
    }
    if (reply.status() != 204) {
      response.headers().set(HttpHeaderNames.CONTENT_LENGTH, reply.body().length);
    }
    connectionHeader(response.headers());
    return response;
  }

  private void connectionHeader(HttpHeaders headers) {
    if (!keepAlive) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    } else if (http10) {
      headers.set(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE);
    }
  }

  private void becomeIdle() {
    phase = Phase.IDLE;
    headOnly = false;
    target = null;
    after(limits.idleTimeout(), context()::close);
  }

  private void readTimedOut() {
    if (uploadPaused) {
      after(limits.readTimeout(), this::readTimedOut); // it is not the client who is slow
      return;
    }
    refuse(
        new ApiException(
            408,
            "RequestTimeoutError",
            null,
            "The request was not complete after " + limits.readTimeout().toMillis() + " ms."));
  }

  private void stalled() {
    LOG.info(
        "connection {}: its answer was left unread for {} ms, closing",
        context().channel(),
        limits.stallTimeout().toMillis());
    context().close();
  }

  private void finishExchange(boolean gone) {
    Exchange ended = exchange;
    exchange = null;
    bodies.giveBack(bodyBytesTaken);
    bodyBytesTaken = 0;
    if (ended != null && gone) {
      ended.clientGone();
    }
  }

  private void after(Duration delay, Runnable action) {
    cancelTimer();
    timer = context().executor().schedule(action, delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void cancelTimer() {
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }

  private void releaseBody() {
    if (body != null) {
      body.release();
      body = null;
    }
  }

  private void releaseEarly() {
    early.forEach(ReferenceCountUtil::release);
    early.clear();
    earlyBytes = 0;
  }

  private ChannelHandlerContext context() {
    if (context == null) {
      throw new IllegalStateException("not in a pipeline yet");
    }
    return context;
  }

  private static int bytesOf(Object message) {
    return message instanceof HttpContent content
        ? content.content().readableBytes() + MESSAGE_BYTES
        : MESSAGE_BYTES;
  }

  private String bodyEndedEarly() {
    return "The request body ended early: "
        + Math.max(bodyBytesTaken, uploadedBytes)
        + (contentLength > 0 ? " of " + contentLength + " bytes came." : " bytes came.");
  }

  private ApiException tooLarge() {
    return new ApiException(
        413,
        "RequestTooLargeError",
        null,
        "The request body has "
            + (contentLength > 0 ? contentLength + " bytes" : "too many bytes")
            + " (expected: at most "
            + bodyBytesMax()
            + ").");
  }

  private ApiException malformed(DecoderResult result) {
    Throwable cause = result.cause();
    if (cause instanceof TooLongHttpLineException) {
      return new ApiException(
          414,
          "BadRequestError",
          null,
          "The request line is too long (expected: at most "
              + limits.requestLineBytesMax()
              + " bytes).");
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return new ApiException(
          431,
          "BadRequestError",
          null,
          "The headers are too long (expected: at most " + limits.headerBytesMax() + " bytes).");
    }
    String why = cause == null || cause.getMessage() == null ? "" : cause.getMessage();
    return ApiException.badRequest(
        null, "This is not a well-formed HTTP/1.1 request: " + RequestRouter.shown(why) + ".");
  }
}
