package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.engine.Engine;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Reply;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}: the base and the served adapters. */
final class ModelHandler {
  static final String PREFIX = "/v1/models/";

  private final Engine engine;
  private final AdapterRegistry registry;
  private final long created = System.currentTimeMillis() / 1000;

  ModelHandler(Engine engine, AdapterRegistry registry) {
    this.engine = engine;
    this.registry = registry;
  }

  void list(Exchange exchange) {
    List<Adapter> adapters = registry.list();
    exchange.reply(
        Reply.json(json -> {
          json.writeStartObject();
          json.writeStringProperty("object", "list");
          json.writeArrayPropertyStart("data");
          writeBase(json);
          adapters.forEach(adapter -> writeAdapter(json, adapter.id().name(), adapter));
          json.writeEndArray();
          json.writeEndObject();
        }));
  }

  void one(Exchange exchange) throws ApiException {
    String id = exchange.request().path().substring(PREFIX.length());
    if (id.equals(engine.model().id())) {
      exchange.reply(Reply.json(this::writeBase));
      return;
    }
    Optional<AdapterLease> found = registry.acquire(id);
    if (found.isEmpty()) {
      throw ModelSelector.unknown(id, "model");
    }
    try (AdapterLease lease = found.get()) {
      exchange.reply(Reply.json(json -> writeAdapter(json, id, lease.adapter())));
    }
  }

  private void writeBase(JsonGenerator json) {
    json.writeStartObject();
    writeCard(json, engine.model().id(), engine.model().id());
    json.writeNullProperty("parent");
    json.writeNumberProperty("max_model_len", engine.maxModelLength());
    writePermission(json, engine.model().id());
    json.writeEndObject();
  }

  private void writeAdapter(JsonGenerator json, String id, Adapter adapter) {
    json.writeStartObject();
    writeCard(json, id, adapter.source().toString());
    json.writeStringProperty("parent", engine.model().id());
    json.writeNullProperty("max_model_len");
    writePermission(json, id);
    json.writeObjectPropertyStart("openlora");
    json.writeStringProperty("version", adapter.id().toString());
    json.writeStringProperty("sha256", adapter.id().sha256());
    json.writeNumberProperty("rank", adapter.rank());
    json.writeNumberProperty("bytes", adapter.bytes());
    json.writeStringProperty("description", adapter.description());
    json.writeEndObject();
    json.writeEndObject();
  }

  private void writeCard(JsonGenerator json, String id, String root) {
    json.writeStringProperty("id", id);
    json.writeStringProperty("object", "model");
    json.writeNumberProperty("created", created);
    json.writeStringProperty("owned_by", "openlora");
    json.writeStringProperty("root", root);
  }

  private void writePermission(JsonGenerator json, String id) {
    json.writeArrayPropertyStart("permission");
    json.writeStartObject();
    json.writeStringProperty("id", "modelperm-" + Integer.toHexString(id.hashCode()));
    json.writeStringProperty("object", "model_permission");
    json.writeNumberProperty("created", created);
    json.writeBooleanProperty("allow_create_engine", false);
    json.writeBooleanProperty("allow_sampling", true);
    json.writeBooleanProperty("allow_logprobs", true);
    json.writeBooleanProperty("allow_search_indices", false);
    json.writeBooleanProperty("allow_view", true);
    json.writeBooleanProperty("allow_fine_tuning", false);
    json.writeStringProperty("organization", "*");
    json.writeNullProperty("group");
    json.writeBooleanProperty("is_blocking", false);
    json.writeEndObject();
    json.writeEndArray();
  }
}
