package dev.openlora.server.http;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request that is answered with an error: {@code {"error":{"message","type","param","code"}}},
 * the same object on every route and inside streams. The message is for the client.
 */
public class ApiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String type;
  private final @Nullable String param;
  private final LinkedHashMap<String, String> headers = new LinkedHashMap<>();

  public ApiException(int status, String type, @Nullable String param, String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.param = param;
  }

  public static ApiException badRequest(@Nullable String param, String message) {
    return new ApiException(400, "BadRequestError", param, message);
  }

  public static ApiException notFound(@Nullable String param, String message) {
    return new ApiException(404, "NotFoundError", param, message);
  }

  public static ApiException tooManyRequests(String message) {
    return new ApiException(429, "RateLimitError", null, message).header("retry-after", "1");
  }

  public static ApiException unavailable(String message) {
    return new ApiException(503, "ServiceUnavailableError", null, message)
        .header("retry-after", "5");
  }

  public static ApiException internal(String message) {
    return new ApiException(500, "InternalServerError", null, message);
  }

  public ApiException header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  public int status() {
    return status;
  }

  public Map<String, String> headers() {
    return headers;
  }

  /** The error object as a whole body. */
  public byte[] json() {
    return Json.bytes(json -> {
      json.writeStartObject();
      json.writeObjectPropertyStart("error");
      json.writeStringProperty("message", getMessage());
      json.writeStringProperty("type", type);
      if (param == null) {
        json.writeNullProperty("param");
      } else {
        json.writeStringProperty("param", param);
      }
      json.writeNumberProperty("code", status);
      json.writeEndObject();
      json.writeEndObject();
    });
  }
}
