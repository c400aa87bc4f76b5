package dev.openlora.server.openai;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** A client that sends whatever bytes a test wants and reads answers one by one. */
final class RawClient implements AutoCloseable {
  /** An answer; the body is read by its length, or to the end when there is none. */
  record Raw(int status, Map<String, String> headers, String body) {}

  private final Socket socket;
  private final InputStream in;

  RawClient(int port) throws IOException {
    socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(10_000);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
  }

  RawClient send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.UTF_8));
  }

  RawClient send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
    return this;
  }

  /** Sends as far as the server takes it. */
  RawClient trySend(byte[] bytes) {
    try {
      return send(bytes);
    } catch (IOException e) {
      return this; // it has answered and closed
    }
  }

  RawClient post(String path, byte[] body) throws IOException {
    send(
        "POST "
            + path
            + " HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
            + body.length
            + "\r\n\r\n");
    return trySend(body);
  }

  RawClient endSending() throws IOException {
    socket.shutdownOutput();
    return this;
  }

  Raw read() throws IOException {
    return read(false);
  }

  Raw read(boolean head) throws IOException {
    String status = line();
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    byte[] body = new byte[0];
    if (!head && headers.containsKey("content-length")) {
      body = in.readNBytes(Integer.parseInt(headers.get("content-length")));
    } else if (!head && !status.contains(" 100 ") && !status.contains(" 204 ")) {
      body = in.readAllBytes();
    }
    return new Raw(
        Integer.parseInt(status.split(" ")[1]), headers, new String(body, StandardCharsets.UTF_8));
  }

  /** Whether the server has ended the connection. */
  boolean atEnd() throws IOException {
    return in.read() < 0;
  }

  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        throw new IOException("the server closed after '" + line + "'");
      }
      line.write(b);
    }
    return line.toString(StandardCharsets.UTF_8).stripTrailing();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
