package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Reply;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code POST /v1/load_lora_adapter} and {@code /v1/unload_lora_adapter}, with vLLM's fields and
 * answers; an adapter that cannot be served is the caller's fault (4xx) and says why.
 */
final class AdapterHandler {
  private static final Logger LOG = LoggerFactory.getLogger(AdapterHandler.class);
  private static final String INPUT = "InvalidUserInput";

  private final String baseId;
  private final AdapterRegistry registry;

  AdapterHandler(String baseId, AdapterRegistry registry) {
    this.baseId = baseId;
    this.registry = registry;
  }

  void load(Exchange exchange) throws ApiException {
    Fields fields = new Fields(JsonBody.parse(exchange.request().body()));
    String name = fields.string("lora_name");
    String path = fields.string("lora_path");
    boolean replace = fields.flag("load_inplace", false);
    if (name == null || name.isEmpty() || path == null || path.isEmpty()) {
      throw new ApiException(
          400,
          INPUT,
          name == null || name.isEmpty() ? "lora_name" : "lora_path",
          "Both 'lora_name' and 'lora_path' must be provided.");
    }
    if (name.equals(baseId)) {
      throw new ApiException(
          400,
          INPUT,
          "lora_name",
          "The lora adapter '" + name + "' conflicts with a served base model.");
    }
    try {
      Adapter adapter = registry.load(name, folder(path), replace);
      LOG.info(
          "loaded adapter {} ({}, {} bytes) from {}",
          adapter.id(),
          adapter.description(),
          adapter.bytes(),
          adapter.source());
      exchange.reply(
          Reply.text("Success: LoRA adapter '" + name + "' added successfully.")
              .with("openlora-adapter-version", adapter.id().sha256()));
    } catch (AdapterException e) {
      LOG.info("refused adapter '{}' from {}: {}", name, path, e.getMessage());
      throw refused(name, replace, e);
    }
  }

  void unload(Exchange exchange) throws ApiException {
    Fields fields = new Fields(JsonBody.parse(exchange.request().body()));
    String name = fields.string("lora_name");
    if (name == null || name.isEmpty()) {
      throw new ApiException(400, INPUT, "lora_name", "'lora_name' needs to be provided.");
    }
    try {
      long bytes = registry.unload(name);
      LOG.info("unloaded adapter '{}', {} bytes", name, bytes);
      exchange.reply(
          Reply.text("Success: LoRA adapter '" + name + "' removed successfully.")
              .with("openlora-freed-bytes", Long.toString(bytes)));
    } catch (AdapterException e) {
      if (e.reason() == AdapterException.Reason.NOT_FOUND || name.equals(baseId)) {
        throw ApiException.notFound(
            "lora_name", "The lora adapter '" + name + "' cannot be found.");
      }
      throw refused(name, false, e);
    }
  }

  private Path folder(String given) throws ApiException {
    try {
      return Path.of(given);
    } catch (InvalidPathException e) {
      throw new ApiException(
          400, INPUT, "lora_path", "lora_path is not a path: " + e.getReason() + ".");
    }
  }

  private static ApiException refused(String name, boolean replace, AdapterException e) {
    String why = Objects.requireNonNullElse(e.getMessage(), e.reason().name());
    String message = "Loading lora " + name + " failed: " + why;
    return switch (e.reason()) {
      case NOT_FOUND -> ApiException.notFound("lora_path", message);
      case CONFLICT ->
          new ApiException(
              400,
              INPUT,
              "lora_name",
              replace
                  ? message
                  : "The lora adapter '"
                      + name
                      + "' has already been loaded. If you want to load the adapter in place, set"
                      + " 'load_inplace' to True.");
      case FORBIDDEN -> new ApiException(403, "PermissionDeniedError", "lora_path", message);
      case INVALID, UNSUPPORTED -> new ApiException(400, INPUT, "lora_path", message);
      case FULL -> new ApiException(507, "InsufficientStorageError", null, message);
    };
  }
}
