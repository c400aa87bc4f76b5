package dev.openlora.bench.load;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The sentence in a server's error: its message where it has the usual shape, else its begin. */
final class ErrorText {
  private static final int CHARACTERS_MAX = 300;

  private ErrorText() {}

  static String of(String body) {
    try {
      return of(JsonMapper.shared().readTree(body));
    } catch (JacksonException e) {
      return shortened(body);
    }
  }

  static String of(JsonNode body) {
    JsonNode error = body.path("error");
    return shortened(error.path("message").asString(error.asString(body.toString())));
  }

  private static String shortened(String text) {
    String line = text.strip().replaceAll("\\s+", " ");
    if (line.isEmpty()) {
      return "(empty)";
    }
    return line.length() > CHARACTERS_MAX ? line.substring(0, CHARACTERS_MAX) + "…" : line;
  }
}
