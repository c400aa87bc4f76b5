package dev.openlora.server.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.DefaultHttpContent;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/** Server-sent events: {@code data: {json}} with an empty line behind each. Event loop only. */
public final class EventStream {
  private static final int EVENT_BYTES = 512;

  private final HttpConnection connection;
  private final ChannelHandlerContext context;
  private boolean ended;

  EventStream(HttpConnection connection, ChannelHandlerContext context) {
    this.connection = connection;
    this.context = context;
    connection.writeStreamHead();
  }

  public void send(Consumer<JsonGenerator> content) {
    ByteBuf event = context.alloc().buffer(EVENT_BYTES);
    boolean complete = false;
    try {
      ByteBufUtil.writeAscii(event, "data: ");
      Json.write(new ByteBufOutputStream(event), content);
      ByteBufUtil.writeAscii(event, "\n\n");
      complete = true;
    } finally {
      if (!complete) {
        event.release();
      }
    }
    context.write(new DefaultHttpContent(event), context.voidPromise());
  }

  public void send(byte[] json) {
    ByteBuf event = context.alloc().buffer(json.length + 8);
    ByteBufUtil.writeAscii(event, "data: ");
    event.writeBytes(json);
    ByteBufUtil.writeAscii(event, "\n\n");
    context.write(new DefaultHttpContent(event), context.voidPromise());
  }

  public void flush() {
    context.flush();
  }

  /** Sends {@code [DONE]} and ends the answer. */
  public void end() {
    if (!ended) {
      ended = true;
      ByteBuf event = context.alloc().buffer(16);
      ByteBufUtil.writeAscii(event, "data: [DONE]\n\n");
      context.write(new DefaultHttpContent(event), context.voidPromise());
      connection.endStream();
    }
  }
}
