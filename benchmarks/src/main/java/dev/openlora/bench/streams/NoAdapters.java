package dev.openlora.bench.streams;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterException;
import dev.openlora.adapter.AdapterException.Reason;
import dev.openlora.adapter.AdapterLease;
import dev.openlora.adapter.AdapterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A registry that serves the base alone. Immutable. */
public final class NoAdapters implements AdapterRegistry {
  @Override
  public Adapter load(String name, Path folder, boolean replace) throws AdapterException {
    throw new AdapterException(Reason.UNSUPPORTED, "The null model takes no adapters.");
  }

  @Override
  public long unload(String name) throws AdapterException {
    throw new AdapterException(Reason.NOT_FOUND, "The null model has no adapters.");
  }

  @Override
  public Optional<AdapterLease> acquire(String name) {
    return Optional.empty();
  }

  @Override
  public List<Adapter> list() {
    return List.of();
  }

  @Override
  public long heldBytes() {
    return 0;
  }

  @Override
  public int openLeases() {
    return 0;
  }

  @Override
  public void close() {}
}
