package dev.openlora.bench.load;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server whose every byte a test decides. Each connection gets one request and a thread. */
final class ScriptedServer implements AutoCloseable {
  /**
   * A request as it came.
   *
   * @param body empty object for a GET
   */
  record Received(String line, List<String> headers, JsonNode body) {
    String path() {
      return line.split(" ", -1)[1];
    }

    /** What names the adapter or the base, in either dialect. */
    String model() {
      return body.has("lora") ? body.path("lora").toString() : body.path("model").asString("");
    }
  }

  /** Writes the answer; the connection closes when it returns. */
  interface Script {
    void answer(Received request, OutputStream out) throws Exception;
  }

  private final ServerSocket socket;
  private final Script script;
  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final List<Throwable> failures = new CopyOnWriteArrayList<>();

  ScriptedServer(Script script) throws IOException {
    this.script = script;
    socket = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  private void accept() {
    try {
      while (true) {
        Socket connection = socket.accept();
        Thread.ofVirtual().start(() -> serve(connection));
      }
    } catch (IOException e) {
      // Closed, at the end of the test.
    }
  }

  private void serve(Socket connection) {
    try (connection) {
      InputStream in = connection.getInputStream();
      String line = BodyStream.line(in);
      List<String> headers = new java.util.ArrayList<>();
      int length = 0;
      for (String header = BodyStream.line(in); !header.isEmpty(); header = BodyStream.line(in)) {
        headers.add(header);
        if (header.startsWith("Content-Length: ")) {
          length = Integer.parseInt(header.substring("Content-Length: ".length()));
        }
      }
      String body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
      Received request =
          new Received(line, headers, JsonMapper.shared().readTree(length == 0 ? "{}" : body));
      received.add(request);
      script.answer(request, connection.getOutputStream());
    } catch (java.net.SocketException e) {
      // The client went away, as some tests make it.
    } catch (Throwable e) {
      failures.add(e);
    }
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + socket.getLocalPort());
  }

  List<Received> received() {
    return List.copyOf(received);
  }

  Endpoint endpoint(Dialect dialect, String... adapters) {
    return new Endpoint(uri(), dialect, null, "base", List.of(adapters), 0);
  }

  @Override
  public void close() throws IOException {
    socket.close();
    if (!failures.isEmpty()) {
      throw new AssertionError("the script failed", failures.getFirst());
    }
  }

  /** A whole answer: status, JSON. */
  static byte[] json(int status, String body) {
    byte[] content = body.getBytes(StandardCharsets.UTF_8);
    return join(
        ("HTTP/1.1 "
                + status
                + " X\r\nContent-Type: application/json\r\nContent-Length: "
                + content.length
                + "\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8),
        content);
  }

  static byte[] eventHead() {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        .getBytes(StandardCharsets.UTF_8);
  }

  /** One event as one chunk. */
  static byte[] event(String data) {
    byte[] content = ("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8);
    return join(
        (Integer.toHexString(content.length) + "\r\n").getBytes(StandardCharsets.UTF_8),
        content,
        "\r\n".getBytes(StandardCharsets.UTF_8));
  }

  static String text(String piece) {
    return "{\"choices\":[{\"index\":0,\"text\":\"" + piece + "\"}]}";
  }

  static String usage(int prompt, int output) {
    return "{\"choices\":[],\"usage\":{\"prompt_tokens\":"
        + prompt
        + ",\"completion_tokens\":"
        + output
        + "}}";
  }

  /** The right answer to what was asked, a word a token. */
  static byte[] rightAnswer(Received request, String word) {
    int prompt = request.body().path("prompt").size();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(eventHead());
    if (request.body().has("n_predict")) {
      int tokens = request.body().path("n_predict").asInt();
      for (int i = 0; i < tokens; i++) {
        out.writeBytes(event("{\"content\":\" " + word + "\",\"stop\":false}"));
      }
      out.writeBytes(
          event(
              "{\"content\":\"\",\"stop\":true,\"tokens_evaluated\":"
                  + prompt
                  + ",\"tokens_predicted\":"
                  + tokens
                  + "}"));
    } else {
      int tokens = request.body().path("max_tokens").asInt();
      for (int i = 0; i < tokens; i++) {
        out.writeBytes(event(text(" " + word)));
      }
      out.writeBytes(event(usage(prompt, tokens)));
      out.writeBytes(event("[DONE]"));
    }
    out.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  /** {@code /v1/models} with a base and adapters. */
  static byte[] models(String base, String... adapters) {
    StringBuilder data = new StringBuilder();
    data.append("{\"id\":\"").append(base).append("\",\"parent\":null,\"max_model_len\":1024}");
    for (String adapter : adapters) {
      data.append(",{\"id\":\"")
          .append(adapter)
          .append("\",\"parent\":\"")
          .append(base)
          .append("\"}");
    }
    return json(200, "{\"object\":\"list\",\"data\":[" + data + "]}");
  }

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
