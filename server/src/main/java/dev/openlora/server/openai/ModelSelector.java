package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRegistry;
import dev.openlora.adapter.BaseModel;
import dev.openlora.server.http.ApiException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * From {@code model} and {@code adapters} to leases. An unknown name is 404, never the base's
 * answer.
 */
final class ModelSelector {
  private static final double SCALE_MAX = 100;
  private static final Bounds SCALE = Bounds.closed(-SCALE_MAX, SCALE_MAX);

  private final BaseModel base;
  private final AdapterRegistry registry;
  private final int adaptersMax;

  ModelSelector(BaseModel base, AdapterRegistry registry, int adaptersMax) {
    this.base = base;
    this.registry = registry;
    this.adaptersMax = adaptersMax;
  }

  Selection select(Fields fields) throws ApiException {
    String model = fields.string("model");
    JsonNode mix = fields.value("adapters");
    boolean mixed = mix != null && !(mix.isArray() && mix.isEmpty());
    List<Selection.Part> parts = new ArrayList<>();
    boolean complete = false;
    try {
      if (model != null && !model.isEmpty() && !model.equals(base.id())) {
        parts.add(part(model, 1, "model"));
        if (mixed) {
          throw ApiException.badRequest(
              "adapters",
              "model names the adapter '"
                  + model
                  + "'; with adapters it must name the base, '"
                  + base.id()
                  + "'.");
        }
      }
      if (mix != null) {
        mix(mix, parts);
      }
      complete = true;
      return new Selection(model == null || model.isEmpty() ? base.id() : model, parts);
    } finally {
      if (!complete) {
        parts.forEach(part -> part.own().close());
      }
    }
  }

  private void mix(JsonNode mix, List<Selection.Part> parts) throws ApiException {
    Set<String> seen = new HashSet<>();
    int i = 0;
    for (JsonNode item :
        Fields.array("adapters", mix, "a list of {\"id\", \"scale\"}", adaptersMax)) {
      String path = "adapters[" + i++ + "]";
      Fields entry = Fields.of(item, path);
      String id = entry.string("id");
      if (id == null || id.isEmpty()) {
        throw ApiException.badRequest(
            path + ".id", path + ".id must name an adapter, got nothing.");
      }
      Selection.Part part = part(id, (float) entry.decimal("scale", 1, SCALE), path + ".id");
      parts.add(part);
      Adapter adapter = part.own().adapter();
      if (!seen.add(adapter.id().toString())) {
        throw ApiException.badRequest(
            "adapters", "adapters must not name an adapter twice, got '" + id + "' again.");
      }
      if (part.scale() != 1 && !adapter.scalable()) {
        throw ApiException.badRequest(
            path + ".scale",
            "The adapter '"
                + id
                + "' ("
                + adapter.description()
                + ") cannot be scaled: scale must be 1, got "
                + part.scale()
                + ".");
      }
    }
    refuseWhatCannotBeAdded(parts);
  }

  /**
   * Two adapters that put other weights in the base's place cannot both be right; everything else
   * adds up, in the order given, as PEFT's active adapters do.
   */
  private static void refuseWhatCannotBeAdded(List<Selection.Part> parts) throws ApiException {
    List<String> replacing = new ArrayList<>();
    for (Selection.Part part : parts) {
      Adapter adapter = part.own().adapter();
      if (adapter.replacesWeights()) {
        replacing.add("'" + adapter.id().name() + "' (" + adapter.description() + ")");
      }
    }
    if (replacing.size() > 1) {
      throw ApiException.badRequest(
          "adapters",
          "These adapters replace weights of the base, which only one of a request can: "
              + String.join(", ", replacing)
              + ".");
    }
  }

  private Selection.Part part(String name, float scale, String param) throws ApiException {
    AdapterLease lease = registry.acquire(name).orElse(null);
    if (lease == null) {
      throw unknown(name, param);
    }
    SharedLease shared = new SharedLease(lease);
    return new Selection.Part(shared, shared.handle(), scale);
  }

  static ApiException unknown(String name, @Nullable String param) {
    return ApiException.notFound(param, "The model `" + shortened(name) + "` does not exist.");
  }

  private static String shortened(String name) {
    int count = name.codePointCount(0, name.length());
    return count <= 200 ? name : name.substring(0, name.offsetByCodePoints(0, 200)) + "…";
  }
}
