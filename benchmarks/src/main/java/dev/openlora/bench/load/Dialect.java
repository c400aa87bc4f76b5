package dev.openlora.bench.load;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** How a server is asked for a streamed completion, and how it answers. */
enum Dialect {
  /** {@code /v1/completions}; an adapter is asked for as a model. */
  OPENAI("/v1/completions") {
    @Override
    ObjectNode body(Endpoint endpoint, Ask ask) {
      ObjectNode body = JsonMapper.shared().createObjectNode();
      body.put(
          "model",
          ask.adapter() == Ask.BASE ? endpoint.base() : endpoint.adapters().get(ask.adapter()));
      body.set("prompt", ask.prompt());
      body.put("max_tokens", ask.newTokens())
          .put("temperature", 0)
          .put("ignore_eos", true)
          .put("stream", true)
          .putObject("stream_options")
          .put("include_usage", true);
      return body;
    }

    @Override
    void read(JsonNode event, long nanos, StreamedAnswer answer) {
      answer.piece(event.path("choices").path(0).path("text").asString(""), nanos);
      JsonNode usage = event.path("usage");
      if (usage.isObject()) {
        answer.count(
            usage.path("prompt_tokens").asInt(0), usage.path("completion_tokens").asInt(0));
      }
    }
  },

  /**
   * llama.cpp's {@code /completion}; an adapter is a place in the order of its command line. A
   * request that names none gets all of them, so the base is asked for as the first at scale 0.
   */
  LLAMA("/completion") {
    @Override
    ObjectNode body(Endpoint endpoint, Ask ask) {
      ObjectNode body = JsonMapper.shared().createObjectNode();
      body.set("prompt", ask.prompt());
      body.put("n_predict", ask.newTokens())
          .put("temperature", 0)
          .put("repeat_penalty", 1)
          .put("ignore_eos", true)
          .put("cache_prompt", false)
          .put("stream", true)
          .putArray("lora")
          .addObject()
          .put("id", Math.max(0, ask.adapter()))
          .put("scale", ask.adapter() == Ask.BASE ? 0 : 1);
      return body;
    }

    @Override
    void read(JsonNode event, long nanos, StreamedAnswer answer) {
      answer.piece(event.path("content").asString(""), nanos);
      if (event.path("stop").asBoolean(false)) {
        answer.count(
            event.path("tokens_evaluated").asInt(0), event.path("tokens_predicted").asInt(0));
        answer.finish();
      }
    }
  };

  private final String path;

  Dialect(String path) {
    this.path = path;
  }

  /**
   * @throws IllegalArgumentException for a name of none
   */
  static Dialect of(String option, String name) {
    for (Dialect dialect : values()) {
      if (dialect.toString().equals(name)) {
        return dialect;
      }
    }
    String known =
        Arrays.stream(values()).map(Dialect::toString).collect(Collectors.joining(" or "));
    throw new IllegalArgumentException(option + ": '" + name + "' (expected: " + known + ")");
  }

  String path() {
    return path;
  }

  abstract ObjectNode body(Endpoint endpoint, Ask ask);

  /** Takes what one event says; {@code [DONE]} is not one. */
  abstract void read(JsonNode event, long nanos, StreamedAnswer answer);

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
