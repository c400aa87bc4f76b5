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
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Asks a server for what we need of the OpenAI API, as any client would, over HTTP: completions and
 * chats, streamed or not, files and fine-tuning jobs. Any thread; calls block.
 */
public final class OpenAiClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofMinutes(10);
  private static final String BOUNDARY = "openlora-demo-7f3a9c";

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();
  private final URI server;
  private final @Nullable String apiKey;

  /**
   * @param server e.g. {@code http://127.0.0.1:8080}
   */
  public OpenAiClient(URI server, @Nullable String apiKey) {
    this.server = server;
    this.apiKey = apiKey;
  }

  /**
   * A prompt to go on from, as far as {@code maxTokens}: the end token is ignored.
   *
   * @param prompt a string or an array of token ids
   * @param temperature 0 is greedy
   */
  public record Call(String model, JsonNode prompt, int maxTokens, double temperature, long seed) {
    ObjectNode body() {
      ObjectNode body = settings(model, maxTokens, temperature, seed).put("ignore_eos", true);
      body.set("prompt", prompt);
      return body;
    }
  }

  /** One question of one turn. */
  record Question(String model, String content, int maxTokens, double temperature, long seed) {
    ObjectNode body() {
      ObjectNode body = settings(model, maxTokens, temperature, seed);
      body.putArray("messages").addObject().put("role", "user").put("content", content);
      return body;
    }
  }

  /**
   * What came back.
   *
   * @param finish why it ended: {@code stop} or {@code length}
   * @param firstText from sending to the first piece of text; the whole time when not streamed
   */
  public record Answer(
      String text,
      String finish,
      int promptTokens,
      int outputTokens,
      Duration firstText,
      Duration total) {}

  /** The whole completion at once. */
  public Answer complete(Call call) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    JsonNode body = read(post("/v1/completions", call.body().put("stream", false)));
    Duration total = Duration.ofNanos(System.nanoTime() - begin);
    JsonNode choice = body.path("choices").path(0);
    JsonNode usage = body.path("usage");
    return new Answer(
        choice.path("text").asString(""),
        choice.path("finish_reason").asString(""),
        usage.path("prompt_tokens").asInt(0),
        usage.path("completion_tokens").asInt(0),
        total,
        total);
  }

  /** The completion as it grows; {@code onText} hears each piece on this thread. */
  public Answer stream(Call call, Consumer<String> onText)
      throws IOException, InterruptedException {
    return stream("/v1/completions", call.body(), choice -> choice.path("text"), onText);
  }

  /** The answer as it grows; {@code onText} hears each piece on this thread. */
  Answer chat(Question question, Consumer<String> onText) throws IOException, InterruptedException {
    return stream(
        "/v1/chat/completions",
        question.body(),
        choice -> choice.path("delta").path("content"),
        onText);
  }

  private Answer stream(
      String path, ObjectNode body, Function<JsonNode, JsonNode> pieceOf, Consumer<String> onText)
      throws IOException, InterruptedException {
    body.put("stream", true).putObject("stream_options").put("include_usage", true);
    long begin = System.nanoTime();
    long first = 0;
    StringBuilder text = new StringBuilder();
    String finish = "";
    JsonNode usage = JsonMapper.shared().createObjectNode();
    boolean done = false;
    try (InputStream in = send(post(path, body));
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
          usage = chunk.path("usage").isObject() ? chunk.path("usage") : usage;
          JsonNode choice = chunk.path("choices").path(0);
          finish = choice.path("finish_reason").asString(finish);
          String piece = pieceOf.apply(choice).asString("");
          if (!piece.isEmpty()) {
            first = first == 0 ? System.nanoTime() : first;
            text.append(piece);
            onText.accept(piece);
          }
        }
      }
    }
    if (!done) {
      throw new IOException("the stream ended without [DONE]");
    }
    long end = System.nanoTime();
    return new Answer(
        text.toString(),
        finish,
        usage.path("prompt_tokens").asInt(0),
        usage.path("completion_tokens").asInt(0),
        Duration.ofNanos((first == 0 ? end : first) - begin),
        Duration.ofNanos(end - begin));
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
        request("/v1/files", "multipart/form-data; boundary=" + BOUNDARY)
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
    return read(post("/v1/fine_tuning/jobs", body));
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return read(request(path, "application/json").GET().build());
  }

  private static ObjectNode settings(String model, int maxTokens, double temperature, long seed) {
    return JsonMapper.shared()
        .createObjectNode()
        .put("model", model)
        .put("max_tokens", maxTokens)
        .put("temperature", temperature)
        .put("seed", seed);
  }

  private HttpRequest post(String path, ObjectNode body) {
    return request(path, "application/json").POST(BodyPublishers.ofString(body.toString())).build();
  }

  private HttpRequest.Builder request(String path, String contentType) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(server.resolve(path))
            .timeout(TIMEOUT)
            .header("Content-Type", contentType);
    return apiKey == null ? request : request.header("Authorization", "Bearer " + apiKey);
  }

  private JsonNode read(HttpRequest request) throws IOException, InterruptedException {
    try (InputStream in = send(request)) {
      return JsonMapper.shared().readTree(in.readAllBytes());
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
      throw new IOException("HTTP " + response.statusCode() + ": " + message(text));
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
