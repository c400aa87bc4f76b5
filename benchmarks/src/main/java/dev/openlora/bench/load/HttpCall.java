package dev.openlora.bench.load;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP/1.1 request over a connection of its own, and its answer as it arrives. Written on plain
 * sockets for virtual threads: an event costs one read and no hand-over between threads, so that
 * the client takes little of the cores that the measured server runs on. One thread.
 */
final class HttpCall implements AutoCloseable {
  private static final int HEADERS_MAX = 200;

  private final Socket socket;
  private final int status;
  private final BodyStream body;

  private HttpCall(Socket socket, int status, BodyStream body) {
    this.socket = socket;
    this.status = status;
    this.body = body;
  }

  /**
   * Sends and returns when the head of the answer is there.
   *
   * @param content JSON to post; null asks with GET
   * @param patience the longest silence that is waited for
   */
  static HttpCall send(
      URI uri, @Nullable String apiKey, byte @Nullable [] content, Duration patience)
      throws IOException {
    int millis = (int) Math.min(Integer.MAX_VALUE, patience.toMillis());
    Socket socket = new Socket();
    try {
      boolean tls = "https".equals(uri.getScheme());
      int port = uri.getPort() >= 0 ? uri.getPort() : tls ? 443 : 80;
      socket.setTcpNoDelay(true);
      socket.setSoTimeout(millis);
      socket.connect(new InetSocketAddress(uri.getHost(), port), millis);
      if (tls) {
        socket = secured(socket, uri.getHost(), port);
      }
      socket.getOutputStream().write(request(uri, apiKey, content));
      return answer(socket);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private static Socket secured(Socket plain, String host, int port) throws IOException {
    SSLSocket socket =
        (SSLSocket)
            ((SSLSocketFactory) SSLSocketFactory.getDefault())
                .createSocket(plain, host, port, true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    return socket;
  }

  private static byte[] request(URI uri, @Nullable String apiKey, byte @Nullable [] content) {
    StringBuilder head = new StringBuilder();
    head.append(content == null ? "GET " : "POST ")
        .append(uri.getRawPath())
        .append(" HTTP/1.1\r\n");
    head.append("Host: ").append(uri.getRawAuthority()).append("\r\nConnection: close\r\n");
    if (apiKey != null) {
      head.append("Authorization: Bearer ").append(apiKey).append("\r\n");
    }
    if (content != null) {
      head.append("Content-Type: application/json\r\nContent-Length: ")
          .append(content.length)
          .append("\r\n");
    }
    byte[] begin = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
    if (content == null) {
      return begin;
    }
    byte[] all = java.util.Arrays.copyOf(begin, begin.length + content.length);
    System.arraycopy(content, 0, all, begin.length, content.length);
    return all;
  }

  private static HttpCall answer(Socket socket) throws IOException {
    InputStream in = new BufferedInputStream(socket.getInputStream());
    String first = BodyStream.line(in);
    if (!first.matches("HTTP/1\\.[01] [0-9]{3}( .*)?")) {
      throw new IOException("status line: '" + first + "' (expected: HTTP/1.1 and a status)");
    }
    BodyStream body = BodyStream.untilClosed(in);
    int headers = 0;
    for (String line = BodyStream.line(in); !line.isEmpty(); line = BodyStream.line(in)) {
      if (++headers > HEADERS_MAX) {
        throw new IOException("headers: over " + HEADERS_MAX + " (expected: fewer)");
      }
      int colon = line.indexOf(':');
      String name = line.substring(0, Math.max(0, colon)).toLowerCase(Locale.ROOT);
      String value = line.substring(colon + 1).strip();
      if (name.equals("transfer-encoding") && value.equalsIgnoreCase("chunked")) {
        body = BodyStream.chunked(in);
      } else if (name.equals("content-length")) {
        if (!value.matches("[0-9]{1,18}")) {
          throw new IOException("content-length: '" + value + "' (expected: a number)");
        }
        body = BodyStream.ofLength(in, Long.parseLong(value));
      }
    }
    return new HttpCall(socket, Integer.parseInt(first.substring(9, 12)), body);
  }

  int status() {
    return status;
  }

  BodyStream body() {
    return body;
  }

  /** The rest of the body as text. */
  String text() throws IOException {
    return new String(body.readAllBytes(), StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
