package dev.openlora.server.demo;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Asks an OpenAI-compatible server for completions, as any client would: over HTTP, streamed or
 * not. Any thread; calls block.
 */
public final class CompletionClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofMinutes(10);

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();
  private final URI completions;
  private final @Nullable String apiKey;

  /**
   * @param base e.g. {@code http://127.0.0.1:8080}
   */
  public CompletionClient(URI base, @Nullable String apiKey) {
    this.completions = base.resolve("/v1/completions");
    this.apiKey = apiKey;
  }

  /**
   * One request.
   *
   * @param prompt a string or an array of token ids
   * @param temperature 0 is greedy
   */
  public record Call(String model, JsonNode prompt, int maxTokens, double temperature, long seed) {
    ObjectNode body(boolean stream) {
      ObjectNode body =
          JsonMapper.shared()
              .createObjectNode()
              .put("model", model)
              .put("max_tokens", maxTokens)
              .put("temperature", temperature)
              .put("seed", seed)
              .put("ignore_eos", true)
              .put("stream", stream);
      body.set("prompt", prompt);
      if (stream) {
        body.putObject("stream_options").put("include_usage", true);
      }
      return body;
    }
  }

  /**
   * What came back.
   *
   * @param firstText from sending to the first piece of text; the whole time when not streamed
   */
  public record Answer(
      String text, int promptTokens, int outputTokens, Duration firstText, Duration total) {}

  /** The whole answer at once. */
  public Answer complete(Call call) throws IOException, InterruptedException {
    long begin = System.nanoTime();
    HttpResponse<InputStream> response = send(call.body(false));
    try (InputStream in = response.body()) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      JsonNode body = JsonMapper.shared().readTree(text);
      Duration total = Duration.ofNanos(System.nanoTime() - begin);
      JsonNode usage = body.path("usage");
      return new Answer(
          body.path("choices").path(0).path("text").asString(""),
          usage.path("prompt_tokens").asInt(0),
          usage.path("completion_tokens").asInt(0),
          total,
          total);
    }
  }

  /** The answer as it grows; {@code onText} hears each piece on this thread. */
  public Answer stream(Call call, Consumer<String> onText)
      throws IOException, InterruptedException {
    long begin = System.nanoTime();
    long first = 0;
    StringBuilder text = new StringBuilder();
    JsonNode usage = JsonMapper.shared().createObjectNode();
    boolean done = false;
    try (InputStream in = send(call.body(true)).body();
        var reader =
            new java.io.BufferedReader(new java.io.InputStreamReader(in, StandardCharsets.UTF_8));
        Stream<String> lines = reader.lines()) {
      Iterator<String> line = lines.iterator();
      while (!done && line.hasNext()) {
        String event = line.next();
        if (!event.startsWith("data:")) {
          continue;
        }
        String data = event.substring("data:".length()).strip();
        if (data.equals("[DONE]")) {
          done = true;
          continue;
        }
        JsonNode chunk = JsonMapper.shared().readTree(data);
        if (chunk.has("error")) {
          throw new IOException("the stream broke off: " + message(chunk));
        }
        if (chunk.path("usage").isObject()) {
          usage = chunk.path("usage");
        }
        String piece = chunk.path("choices").path(0).path("text").asString("");
        if (!piece.isEmpty()) {
          first = first == 0 ? System.nanoTime() : first;
          text.append(piece);
          onText.accept(piece);
        }
      }
    }
    if (!done) {
      throw new IOException("the stream ended without [DONE]");
    }
    long end = System.nanoTime();
    return new Answer(
        text.toString(),
        usage.path("prompt_tokens").asInt(0),
        usage.path("completion_tokens").asInt(0),
        Duration.ofNanos((first == 0 ? end : first) - begin),
        Duration.ofNanos(end - begin));
  }

  private HttpResponse<InputStream> send(ObjectNode body) throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(completions)
            .timeout(TIMEOUT)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()));
    if (apiKey != null) {
      request.header("Authorization", "Bearer " + apiKey);
    }
    HttpResponse<InputStream> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      try (InputStream in = response.body()) {
        String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        throw new IOException("HTTP " + response.statusCode() + ": " + message(text));
      }
    }
    return response;
  }

  private static String message(String text) {
    try {
      return message(JsonMapper.shared().readTree(text));
    } catch (tools.jackson.core.JacksonException e) {
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
