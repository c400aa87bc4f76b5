package dev.openlora.server.demo;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the demonstration needs of the OpenAI API, asked for as any client would: chats, files and
 * fine-tuning jobs, over HTTP. Any thread; calls block.
 */
final class OpenAiClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofMinutes(5);
  private static final String BOUNDARY = "openlora-demo-7f3a9c";

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();
  private final URI server;

  OpenAiClient(URI server) {
    this.server = server;
  }

  /** One question of one turn. */
  record Question(String model, String content, int maxTokens, double temperature, long seed) {
    ObjectNode body() {
      ObjectNode body = JsonMapper.shared().createObjectNode().put("model", model);
      body.putArray("messages").addObject().put("role", "user").put("content", content);
      body.put("max_tokens", maxTokens)
          .put("temperature", temperature)
          .put("seed", seed)
          .put("stream", true);
      body.putObject("stream_options").put("include_usage", true);
      return body;
    }
  }

  /**
   * What came back.
   *
   * @param finish why it ended: {@code stop} or {@code length}
   */
  record Answer(String text, String finish, int outputTokens, Duration total) {}

  /** The answer as it grows; {@code onText} hears each piece on this thread. */
  Answer chat(Question question, Consumer<String> onText) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    StringBuilder text = new StringBuilder();
    String finish = "";
    int tokens = 0;
    boolean done = false;
    HttpRequest request =
        json("/v1/chat/completions")
            .POST(BodyPublishers.ofString(question.body().toString()))
            .build();
    try (InputStream in = send(request);
        BufferedReader reader =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      Iterator<String> lines = reader.lines().filter(line -> line.startsWith("data:")).iterator();
      while (!done && lines.hasNext()) {
        String data = lines.next().substring("data:".length()).strip();
        done = data.equals("[DONE]");
        if (!done) {
          JsonNode chunk = JsonMapper.shared().readTree(data);
          if (chunk.has("error")) {
            throw new IOException("the stream broke off: " + message(chunk));
          }
          JsonNode choice = chunk.path("choices").path(0);
          finish = choice.path("finish_reason").asString(finish);
          tokens = chunk.path("usage").path("completion_tokens").asInt(tokens);
          String piece = choice.path("delta").path("content").asString("");
          if (!piece.isEmpty()) {
            text.append(piece);
            onText.accept(piece);
          }
        }
      }
    }
    if (!done) {
      throw new IOException("the stream ended without [DONE]");
    }
    return new Answer(text.toString(), finish, tokens, Duration.ofNanos(System.nanoTime() - begin));
  }

  /** Uploads a training file; returns its id. */
  String upload(Path file) throws IOException, InterruptedException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(part("name=\"purpose\"\r\n\r\nfine-tune\r\n"));
    body.writeBytes(
        part(
            "name=\"file\"; filename=\""
                + file.getFileName()
                + "\"\r\nContent-Type: application/jsonl\r\n\r\n"));
    body.writeBytes(Files.readAllBytes(file));
    body.writeBytes(("\r\n--" + BOUNDARY + "--\r\n").getBytes(StandardCharsets.US_ASCII));
    HttpRequest request =
        HttpRequest.newBuilder(server.resolve("/v1/files"))
            .timeout(TIMEOUT)
            .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
            .POST(BodyPublishers.ofByteArray(body.toByteArray()))
            .build();
    return read(request).path("id").asString();
  }

  private static byte[] part(String rest) {
    return ("--" + BOUNDARY + "\r\nContent-Disposition: form-data; " + rest)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Creates a fine-tuning job; returns the job object. */
  JsonNode createJob(ObjectNode body) throws IOException, InterruptedException {
    return read(
        json("/v1/fine_tuning/jobs").POST(BodyPublishers.ofString(body.toString())).build());
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return read(json(path).GET().build());
  }

  private HttpRequest.Builder json(String path) {
    return HttpRequest.newBuilder(server.resolve(path))
        .timeout(TIMEOUT)
        .header("Content-Type", "application/json");
  }

  private JsonNode read(HttpRequest request) throws IOException, InterruptedException {
    try (InputStream in = send(request)) {
      return JsonMapper.shared().readTree(in);
    }
  }

  private InputStream send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() == 200) {
      return response.body();
    }
    try (InputStream in = response.body()) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      throw new IOException(
          request.uri().getPath() + ": HTTP " + response.statusCode() + ": " + message(text));
    }
  }

  private static String message(String text) {
    try {
      return message(JsonMapper.shared().readTree(text));
    } catch (JacksonException e) {
      return text.lines().findFirst().orElse("(empty)");
    }
  }

  private static String message(JsonNode body) {
    return body.path("error").path("message").asString(body.toString());
  }

  @Override
  public void close() {
    http.close();
  }
}
