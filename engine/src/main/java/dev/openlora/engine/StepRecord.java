package dev.openlora.engine;

import dev.openlora.adapter.AdapterId;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What one forward pass held: the record that attribution, metrics and tests read. */
public record StepRecord(long step, List<Part> parts) {
  /**
   * One request's part of a step.
   *
   * @param from first position computed
   * @param rows positions computed
   * @param sampledTokenId -1 when the prompt is not finished yet
   */
  public record Part(
      String requestId, List<AdapterId> adapters, int from, int rows, int sampledTokenId) {}

  public int rows() {
    return parts.stream().mapToInt(Part::rows).sum();
  }

  /** How many different adapters this one pass went through. */
  public int distinctAdapters() {
    Set<AdapterId> distinct = new HashSet<>();
    parts.forEach(part -> distinct.addAll(part.adapters()));
    return distinct.size();
  }
}
