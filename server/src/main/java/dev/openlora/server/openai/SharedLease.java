package dev.openlora.server.openai;

import dev.openlora.adapter.Adapter;
import dev.openlora.adapter.AdapterLease;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One lease for all choices of a request: each choice closes its own handle, the last one closes
 * the lease. So all choices have the same version, whatever becomes of the name meanwhile. Any
 * thread.
 */
final class SharedLease {
  private final AdapterLease lease;
  private final AtomicInteger handles = new AtomicInteger();

  SharedLease(AdapterLease lease) {
    this.lease = lease;
  }

  /** Another handle; the first must be taken before any is closed. */
  AdapterLease handle() {
    handles.incrementAndGet();
    return new Handle();
  }

  private final class Handle implements AdapterLease {
    private final java.util.concurrent.atomic.AtomicBoolean closed =
        new java.util.concurrent.atomic.AtomicBoolean();

    @Override
    public Adapter adapter() {
      return lease.adapter();
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true) && handles.decrementAndGet() == 0) {
        lease.close();
      }
    }
  }
}
