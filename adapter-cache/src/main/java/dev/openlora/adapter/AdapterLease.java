package dev.openlora.adapter;

/**
 * Keeps one adapter version on the device until closed, whatever happens to its name. Any thread;
 * close once.
 */
public interface AdapterLease extends AutoCloseable {
  Adapter adapter();

  @Override
  void close();
}
