package dev.openlora.engine.model;

import dev.openlora.adapter.Adapter;
import java.util.List;

/**
 * Neighbouring rows [from, to) of a batch that go through the same adapters with the same scales;
 * none for the base.
 */
public record RowRun(int from, int to, List<Applied> adapters) {
  /** An adapter and the request's factor on its scale. */
  public record Applied(Adapter adapter, float scale) {}
}
