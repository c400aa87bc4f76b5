package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.engine.ScaledAdapter;
import java.util.ArrayList;
import java.util.List;

/**
 * The adapters of one request, leased. Its own handle on each keeps them while choices are being
 * submitted; closing it leaves those of the choices.
 *
 * @param model what the answer calls the model
 */
record Selection(String model, List<Part> parts) implements AutoCloseable {
  /** One adapter with its factor. */
  record Part(SharedLease lease, AdapterLease own, float scale) {}

  /** Handles for one choice, which closes them. */
  List<ScaledAdapter> handles() {
    List<ScaledAdapter> handles = new ArrayList<>();
    for (Part part : parts) {
      handles.add(new ScaledAdapter(part.lease().handle(), part.scale()));
    }
    return handles;
  }

  List<String> versions() {
    return parts.stream().map(part -> part.own().adapter().id().toString()).toList();
  }

  List<Adapter> adapters() {
    return parts.stream().map(part -> part.own().adapter()).toList();
  }

  @Override
  public void close() {
    parts.forEach(part -> part.own().close());
  }
}
