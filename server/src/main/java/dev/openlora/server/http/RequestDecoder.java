package dev.openlora.server.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpRequestDecoder;

/**
 * A decoder that tells whether bytes have come since it was last asked: the beginning of a request
 * is noticed before it is a whole head. Event loop only.
 */
final class RequestDecoder extends HttpRequestDecoder {
  private static final int CHUNK_BYTES = 64 << 10;

  private boolean bytesCame;

  RequestDecoder(HttpLimits limits) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(limits.requestLineBytesMax())
            .setMaxHeaderSize(limits.headerBytesMax())
            .setMaxChunkSize(CHUNK_BYTES));
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object bytes) throws Exception {
    bytesCame = true;
    super.channelRead(ctx, bytes);
  }

  boolean takeBytesCame() {
    boolean came = bytesCame;
    bytesCame = false;
    return came;
  }
}
