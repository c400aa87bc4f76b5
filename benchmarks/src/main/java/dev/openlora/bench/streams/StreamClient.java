package dev.openlora.bench.streams;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Many streamed completions on connections of their own, read by one thread. Stream i asks for the
 * answer to the one-token prompt {@link #promptId}. What comes is checked and its time taken down.
 * One thread.
 */
final class StreamClient implements AutoCloseable {
  private static final int CONNECTING_MAX = 256; // less than a listener's backlog
  private static final int READ_BYTES = 64 << 10;
  private static final int LENGTHS_APART = 7; // so that neighbours do not expect the same tokens
  private static final int FAILURES_KEPT = 5;
  private static final long SELECT_MILLIS = 100;
  private static final long NANOS_MAX = 600_000_000_000L;

  /** When tokens are due: token n of every stream at the origin plus n periods. */
  record Schedule(long originNanos, long periodNanos) {
    long due(int token) {
      return originNanos + token * periodNanos;
    }
  }

  private final class Stream {
    final SocketChannel channel;
    final ExpectedAnswer answer;
    final EventParser parser;
    final ByteBuffer request;
    long latest;
    boolean over;

    Stream(SocketChannel channel, int promptId) {
      this.channel = channel;
      this.answer = new ExpectedAnswer(promptId, tokens);
      this.parser = new EventParser(answer);
      this.request = request(promptId, tokens);
    }
  }

  private final int port;
  private final int tokens;
  private final Selector selector;
  private final List<Stream> streams = new ArrayList<>();
  private final ByteBuffer bytes = ByteBuffer.allocateDirect(READ_BYTES);
  // In nanoseconds; counts are exact, values to three digits.
  private final Histogram gaps = new Histogram(NANOS_MAX, 3);
  private final Histogram delays = new Histogram(NANOS_MAX, 3);
  private final List<String> failures = new ArrayList<>();
  private @Nullable Schedule schedule;
  private int connecting;
  private int asked; // and not over
  private int over;
  private int connectionFailures;
  private int answerFailures;
  private long tokensSeen;
  private long eventsSeen;
  private long bytesSeen;

  /**
   * @param tokens of each answer
   */
  StreamClient(int port, int tokens) throws IOException {
    this.port = port;
    this.tokens = tokens;
    this.selector = Selector.open();
  }

  static int promptId(int stream) {
    return stream * LENGTHS_APART % NullTokenizer.VOCABULARY;
  }

  static ByteBuffer request(int promptId, int tokens) {
    String body =
        "{\"model\":\"null\",\"prompt\":["
            + promptId
            + "],\"max_tokens\":"
            + tokens
            + ",\"temperature\":0,\"stream\":true}";
    String head =
        "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            + "content-length: "
            + body.length()
            + "\r\n\r\n";
    return ByteBuffer.wrap((head + body).getBytes(StandardCharsets.US_ASCII));
  }

  /** Opens connections and sends a request on each; a stream that fails is counted. */
  void ask(int count, long deadlineNanos) throws IOException {
    int opened = 0;
    while (asked + over < count && System.nanoTime() < deadlineNanos) {
      for (; opened < count && connecting < CONNECTING_MAX; opened++) {
        open(promptId(opened));
      }
      select();
    }
  }

  /** From now on what comes is measured. */
  void expect(Schedule due) {
    schedule = due;
  }

  /**
   * Reads until the condition holds, all streams are over, or it is too late.
   *
   * @param progress told how many tokens have come since it was told last
   */
  void read(BooleanSupplier until, long deadlineNanos, LongConsumer progress) throws IOException {
    long told = tokensSeen;
    while (!until.getAsBoolean() && over < streams.size() && System.nanoTime() < deadlineNanos) {
      select();
      progress.accept(tokensSeen - told);
      told = tokensSeen;
    }
  }

  private void open(int promptId) throws IOException {
    SocketChannel channel = SocketChannel.open();
    Stream stream = new Stream(channel, promptId);
    streams.add(stream);
    connecting++;
    try {
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      channel.register(selector, SelectionKey.OP_CONNECT, stream);
    } catch (IOException e) {
      connecting--;
      fail(stream, "connect: " + e.getMessage());
    }
  }

  private void select() throws IOException {
    selector.select(this::onReady, SELECT_MILLIS);
  }

  private void onReady(SelectionKey key) {
    Stream stream = (Stream) key.attachment();
    boolean connects = key.isConnectable();
    try {
      if (connects) {
        connecting--;
        stream.channel.finishConnect();
        key.interestOps(SelectionKey.OP_WRITE);
      } else if (key.isWritable()) {
        stream.channel.write(stream.request);
        if (!stream.request.hasRemaining()) {
          key.interestOps(SelectionKey.OP_READ);
          asked++;
        }
      } else {
        onBytes(stream);
      }
    } catch (IOException e) {
      fail(stream, (connects ? "connect: " : "connection: ") + e.getMessage());
    } catch (BadAnswerException e) {
      answerFailures++;
      end(stream, String.valueOf(e.getMessage()));
    }
  }

  private void onBytes(Stream stream) throws IOException, BadAnswerException {
    bytes.clear();
    int count = stream.channel.read(bytes);
    long now = System.nanoTime();
    if (count < 0) {
      throw new IOException("closed after " + stream.answer.tokens() + " tokens");
    }
    bytesSeen += count;
    int tokensBefore = stream.answer.tokens();
    int eventsBefore = stream.answer.events();
    stream.parser.take(bytes.flip());
    eventsSeen += stream.answer.events() - eventsBefore;
    for (int token = tokensBefore; token < stream.answer.tokens(); token++) {
      tokensSeen++;
      takeDown(stream, token, now);
    }
    if (stream.answer.isDone() && stream.parser.isOver()) {
      end(stream, null);
    }
  }

  private void takeDown(Stream stream, int token, long now) throws BadAnswerException {
    if (schedule == null) {
      throw new BadAnswerException("token " + token + " before the first tick");
    }
    delays.recordValue(Math.clamp(now - schedule.due(token), 0, NANOS_MAX));
    if (token > 0) {
      gaps.recordValue(Math.clamp(now - stream.latest, 0, NANOS_MAX));
    }
    stream.latest = now;
  }

  private void fail(Stream stream, String reason) {
    connectionFailures++;
    end(stream, reason);
  }

  private void end(Stream stream, @Nullable String failure) {
    if (stream.over) {
      return;
    }
    stream.over = true;
    over++;
    if (stream.request.position() > 0 && !stream.request.hasRemaining()) {
      asked--;
    }
    if (failure != null && failures.size() < FAILURES_KEPT) {
      failures.add("stream " + streams.indexOf(stream) + ": " + failure);
    }
    try {
      stream.channel.close();
    } catch (IOException e) {
      connectionFailures++;
    }
  }

  /** Streams that could not be opened, or broke. */
  int connectionFailures() {
    return connectionFailures;
  }

  /** Streams that said something else than was to come. */
  int answerFailures() {
    return answerFailures;
  }

  /** Streams that failed in one way or the other. */
  int failed() {
    return connectionFailures + answerFailures;
  }

  /** Streams whose answer has not ended. */
  int unfinished() {
    return streams.size() - over;
  }

  /** The first few reasons. */
  List<String> failures() {
    return List.copyOf(failures);
  }

  long tokensSeen() {
    return tokensSeen;
  }

  long eventsSeen() {
    return eventsSeen;
  }

  long bytesSeen() {
    return bytesSeen;
  }

  /** Between two tokens of a stream, in nanoseconds. */
  Histogram gaps() {
    return gaps;
  }

  /** From the tick of a token to its coming, in nanoseconds. */
  Histogram delays() {
    return delays;
  }

  @Override
  public void close() throws IOException {
    for (Stream stream : streams) {
      stream.channel.close();
    }
    selector.close();
  }
}
