package dev.openlora.server.http;

import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpResponseEncoder;

/**
 * A connection of our server without a socket, for benchmarks: what it writes stays in the channel.
 * Handlers run on the caller's thread. In this package because the connection is the server's own.
 */
public final class EmbeddedConnection {
  private EmbeddedConnection() {}

  public static EmbeddedChannel open(RequestRouter router, HttpLimits limits) {
    RequestDecoder decoder = new RequestDecoder(limits);
    return new EmbeddedChannel(
        decoder,
        new HttpResponseEncoder(),
        new HttpConnection(
            limits, router, Runnable::run, new ByteBudget(limits.bodyBytesTotalMax()), decoder));
  }
}
