package dev.openlora.server.http;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/** A whole answer. */
public record Reply(int status, String contentType, byte[] body, Map<String, String> headers) {
  public static Reply json(int status, byte[] body) {
    return new Reply(status, "application/json", body, Map.of());
  }

  public static Reply json(Consumer<JsonGenerator> content) {
    return json(200, Json.bytes(content));
  }

  public static Reply text(String body) {
    return new Reply(
        200, "text/plain; charset=utf-8", body.getBytes(StandardCharsets.UTF_8), Map.of());
  }

  public static Reply error(ApiException error) {
    return new Reply(error.status(), "application/json", error.json(), error.headers());
  }

  public Reply with(String header, String value) {
    var all = new java.util.LinkedHashMap<>(headers);
    all.put(header, value);
    return new Reply(status, contentType, body, all);
  }
}
