package dev.openlora.server.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** The listening socket, its event loops and the virtual threads that handlers run on. */
public final class NettyServer implements AutoCloseable {
  private static final int EVENT_LOOPS_MAX = 4;
  private static final WriteBufferWaterMark UNREAD_BYTES =
      new WriteBufferWaterMark(32 << 10, 128 << 10);

  private final HttpLimits limits;
  private final RequestRouter router;
  private final ByteBudget bodies;
  private final MultiThreadIoEventLoopGroup loops;
  private final ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();
  private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final Channel listener;

  /**
   * Listens at once.
   *
   * @throws IllegalStateException when the port cannot be had
   */
  public NettyServer(InetAddress address, int port, HttpLimits limits, RequestRouter router) {
    this.limits = limits;
    this.router = router;
    this.bodies = new ByteBudget(limits.bodyBytesTotalMax());
    this.loops =
        new MultiThreadIoEventLoopGroup(
            Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, EVENT_LOOPS_MAX),
            Thread.ofPlatform().name("http-", 0).factory(),
            NioIoHandler.newFactory());
    var bound =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, UNREAD_BYTES)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    admit(channel);
                  }
                })
            .bind(address, port)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      closeLoops();
      throw new IllegalStateException(
          "bind: "
              + address.getHostAddress()
              + ":"
              + port
              + " cannot be listened on: "
              + bound.cause().getMessage(),
          bound.cause());
    }
    listener = bound.channel();
  }

  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Connections that are open. */
  public int connections() {
    return connections.size();
  }

  /** Bytes of request bodies that are held. */
  public long bodyBytes() {
    return bodies.taken();
  }

  /** Takes no further connections. */
  public void stopListening() {
    listener.close().awaitUninterruptibly();
  }

  @Override
  public void close() {
    stopListening();
    connections.close().awaitUninterruptibly();
    handlers.shutdownNow();
    closeLoops();
    try {
      handlers.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void admit(SocketChannel channel) {
    if (connections.size() >= limits.connectionsMax()) {
      channel.pipeline().addLast(new HttpResponseEncoder());
      byte[] body = ApiException.unavailable("The server has too many open connections.").json();
      var full =
          new DefaultFullHttpResponse(
              HttpVersion.HTTP_1_1,
              HttpResponseStatus.SERVICE_UNAVAILABLE,
              Unpooled.wrappedBuffer(body));
      full.headers()
          .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
          .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
          .set(HttpHeaderNames.RETRY_AFTER, 5)
          .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
      channel
          .eventLoop()
          .execute(() -> channel.writeAndFlush(full).addListener(ChannelFutureListener.CLOSE));
      return;
    }
    connections.add(channel);
    RequestDecoder decoder = new RequestDecoder(limits);
    channel
        .pipeline()
        .addLast(
            decoder,
            new HttpResponseEncoder(),
            new HttpConnection(limits, router, handlers, bodies, decoder));
  }

  private void closeLoops() {
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
