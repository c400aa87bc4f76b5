package dev.openlora.server.http;

import java.time.Duration;

/**
 * What one client may take of the server's HTTP side.
 *
 * @param bodyBytesMax of one request; 413 beyond
 * @param bodyBytesTotalMax of all requests that are being read or worked on; 503 beyond
 * @param requestLineBytesMax 414 beyond
 * @param headerBytesMax all headers of one request; 431 beyond
 * @param connectionsMax open at once; later ones get 503 and are closed
 * @param readTimeout from a request's first byte to its last; 408 beyond
 * @param idleTimeout between requests
 * @param stallTimeout how long a client may leave its answer unread
 */
public record HttpLimits(
    int bodyBytesMax,
    long bodyBytesTotalMax,
    int requestLineBytesMax,
    int headerBytesMax,
    int connectionsMax,
    Duration readTimeout,
    Duration idleTimeout,
    Duration stallTimeout) {
  public HttpLimits {
    positive("bodyBytesMax", bodyBytesMax);
    positive("bodyBytesTotalMax", bodyBytesTotalMax);
    positive("requestLineBytesMax", requestLineBytesMax);
    positive("headerBytesMax", headerBytesMax);
    positive("connectionsMax", connectionsMax);
    positive("readTimeout", readTimeout.toMillis());
    positive("idleTimeout", idleTimeout.toMillis());
    positive("stallTimeout", stallTimeout.toMillis());
  }

  public static HttpLimits defaults() {
    return new HttpLimits(
        8 << 20,
        512L << 20,
        8 << 10,
        32 << 10,
        8192,
        Duration.ofSeconds(30),
        Duration.ofSeconds(75),
        Duration.ofSeconds(30));
  }

  private static void positive(String name, long value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: at least 1)");
    }
  }
}
