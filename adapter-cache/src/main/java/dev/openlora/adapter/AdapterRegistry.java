package dev.openlora.adapter;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The names under which adapters are served. A name is an alias of one version; load with {@code
 * replace} moves it atomically, and requests that hold a lease keep the version they began with.
 * Device memory of a version is freed when its name is gone and its last lease is closed. Any
 * thread; loading blocks its caller only.
 */
public interface AdapterRegistry extends AutoCloseable {
  /**
   * Loads an adapter folder under a name.
   *
   * @throws AdapterException with the reason when it cannot be served exactly
   */
  Adapter load(String name, Path folder, boolean replace) throws AdapterException;

  /**
   * Takes the name away; returns the device bytes that are freed now or when the last lease ends.
   */
  long unload(String name) throws AdapterException;

  /** A lease on the version that the name (or {@code name@sha256-prefix}) stands for now. */
  Optional<AdapterLease> acquire(String name);

  /** The served adapters, in order of loading. */
  List<Adapter> list();

  /** Device bytes of all versions that are still held, named or leased. */
  long heldBytes();

  /** Leases that are open. */
  int openLeases();

  @Override
  void close();
}
