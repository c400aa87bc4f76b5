package dev.openlora.bench.load;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A server and what it serves. Immutable.
 *
 * @param uri what its paths are put behind; never ends in a slash
 * @param base the model's name
 * @param adapters by name, or by place for llama; in the order of their names, so that place i is
 *     the same adapter on servers that were given the same ones
 * @param contextTokensMax prompt and answer; 0 when the server does not say
 */
record Endpoint(
    URI uri,
    Dialect dialect,
    @Nullable String apiKey,
    String base,
    List<String> adapters,
    int contextTokensMax) {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** Where a server is, before it was asked what it serves. */
  record Address(URI uri, Dialect dialect, @Nullable String apiKey, @Nullable String base) {
    /**
     * @throws IllegalArgumentException for what is no http or https address
     */
    static URI uri(String option, String text) {
      String trimmed = text.replaceAll("(/v1)?/*$", "");
      try {
        URI uri = new URI(trimmed);
        if (List.of("http", "https").contains(String.valueOf(uri.getScheme()))
            && uri.getHost() != null
            && uri.getRawQuery() == null) {
          return uri;
        }
      } catch (java.net.URISyntaxException e) {
        // Said below, as for every other text that is no address.
      }
      throw new IllegalArgumentException(
          option + ": '" + text + "' (expected: an address as http://127.0.0.1:8080)");
    }
  }

  /**
   * Asks the server what it serves.
   *
   * @throws IOException when it does not answer, or not with a list of models
   */
  static Endpoint ask(Address address) throws IOException {
    return switch (address.dialect()) {
      case OPENAI -> openAi(address);
      case LLAMA -> llama(address);
    };
  }

  private static Endpoint openAi(Address address) throws IOException {
    JsonNode models = get(address, "/v1/models").path("data");
    String base = address.base() == null ? "" : address.base();
    int contextTokensMax = 0;
    List<String> adapters = new ArrayList<>();
    for (JsonNode model : models) {
      String id = model.path("id").asString("");
      if (model.path("parent").isString()) {
        adapters.add(id);
      } else if (base.isEmpty() || base.equals(id)) {
        base = id;
        contextTokensMax = model.path("max_model_len").asInt(0);
      }
    }
    if (base.isEmpty()) {
      throw new IOException(address.uri() + "/v1/models: no base model (expected: one)");
    }
    adapters.sort(Comparator.naturalOrder());
    return new Endpoint(
        address.uri(),
        address.dialect(),
        address.apiKey(),
        base,
        List.copyOf(adapters),
        contextTokensMax);
  }

  private static Endpoint llama(Address address) throws IOException {
    JsonNode loaded = get(address, "/lora-adapters");
    if (!loaded.isArray()) {
      throw new IOException(address.uri() + "/lora-adapters: " + loaded + " (expected: an array)");
    }
    List<String> adapters = new ArrayList<>();
    for (int id = 0; id < loaded.size(); id++) {
      adapters.add(String.valueOf(id));
    }
    String base = address.base() == null ? "base" : address.base();
    return new Endpoint(
        address.uri(), address.dialect(), address.apiKey(), base, List.copyOf(adapters), 0);
  }

  private static JsonNode get(Address address, String path) throws IOException {
    URI uri = URI.create(address.uri() + path);
    String text;
    try (HttpCall call = HttpCall.send(uri, address.apiKey(), null, PATIENCE)) {
      text = call.text();
      if (call.status() != 200) {
        throw new IOException(uri + ": HTTP " + call.status() + ": " + ErrorText.of(text));
      }
    } catch (java.net.SocketException | java.net.UnknownHostException e) {
      throw new IOException(uri + ": no answer: " + e.getMessage(), e);
    }
    try {
      return JsonMapper.shared().readTree(text);
    } catch (JacksonException e) {
      throw new IOException(uri + ": '" + ErrorText.of(text) + "' (expected: JSON)", e);
    }
  }

  URI completions() {
    return URI.create(uri + dialect.path());
  }

  /** The adapter's name for a person. */
  String name(int adapter) {
    return adapter == Ask.BASE ? base : adapters.get(adapter);
  }
}
