package dev.openlora.server.tuning;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Asks a running server to serve a finished adapter under its folder's name. */
public final class Registration {
  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final int SHOWN_MAX = 500;

  private final URI load;
  private final @Nullable String adminKey;

  /**
   * @param server e.g. {@code http://127.0.0.1:8000}
   * @param adminKey null for a server without keys
   */
  public Registration(URI server, @Nullable String adminKey) {
    if (server.getHost() == null
        || !("http".equals(server.getScheme()) || "https".equals(server.getScheme()))) {
      throw TuningException.wrong(
          "--register: '" + server + "' (expected: a server such as http://127.0.0.1:8000)");
    }
    this.load = server.resolve("/v1/load_lora_adapter");
    this.adminKey = adminKey;
  }

  /** {@link TuningException} with the server's answer when it refuses. */
  public void load(Path adapter) throws IOException, InterruptedException {
    String body =
        JsonMapper.shared()
            .createObjectNode()
            .put("lora_name", String.valueOf(adapter.getFileName()))
            .put("lora_path", adapter.toAbsolutePath().toString())
            .toString();
    HttpRequest.Builder request =
        HttpRequest.newBuilder(load)
            .timeout(TIMEOUT)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (adminKey != null) {
      request.header("Authorization", "Bearer " + adminKey);
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) {
        String said = answer.body();
        throw new TuningException(
            TuningException.Kind.FAILED,
            load
                + " answered "
                + answer.statusCode()
                + ": "
                + said.substring(0, Math.min(SHOWN_MAX, said.length()))
                + " (the adapter is whole in "
                + adapter
                + ")");
      }
    }
  }
}
