package dev.openlora.engine;

import dev.openlora.engine.sampling.SamplingParams;
import java.util.List;

/**
 * One sequence to generate. Several choices of one API request are several of these. The engine
 * takes over the adapters' leases with {@link Engine#submit} and closes them when the generation
 * ends.
 *
 * @param id for logs and step records
 * @param promptIds at least one token
 * @param adapters in the order in which they apply; empty for the base
 */
public record GenerationRequest(
    String id, int[] promptIds, List<ScaledAdapter> adapters, SamplingParams sampling) {
  public GenerationRequest {
    adapters = List.copyOf(adapters);
    if (promptIds.length == 0) {
      throw new IllegalArgumentException("prompt: no tokens (expected: at least one)");
    }
  }
}
