package dev.openlora.bench.step;

import java.util.EnumMap;
import java.util.Map;

/**
 * Where one timed step's time went.
 *
 * @param nanos by part; together the whole step
 * @param calls by part, of operations
 */
record SplitSample(long totalNanos, Map<Part, Long> nanos, Map<Part, Long> calls) {
  /**
   * What the tallies of a step come to.
   *
   * @param forward operations before the head
   * @param head operations since
   */
  static SplitSample of(StepSample sample, OperationTally forward, OperationTally head) {
    Map<Part, Long> nanos = new EnumMap<>(Part.class);
    Map<Part, Long> calls = new EnumMap<>(Part.class);
    for (Operation operation : Operation.values()) {
      nanos.merge(operation.part(), forward.nanos(operation), Long::sum);
      calls.merge(operation.part(), forward.calls(operation), Long::sum);
    }
    nanos.put(Part.HEAD, head.totalNanos());
    calls.put(Part.HEAD, head.totalCalls());
    nanos.put(Part.SAMPLING, sample.samplingNanos());
    long known = nanos.values().stream().mapToLong(Long::longValue).sum();
    nanos.put(Part.JAVA, sample.nanos() - known);
    return new SplitSample(sample.nanos(), nanos, calls);
  }

  long nanos(Part part) {
    return nanos.getOrDefault(part, 0L);
  }

  long calls(Part part) {
    return calls.getOrDefault(part, 0L);
  }
}
