package dev.openlora.bench.step;

import java.util.EnumMap;
import java.util.Map;

/** Nanoseconds and calls of each operation since the last reset. One thread at a time. */
final class OperationTally {
  private final Map<Operation, Count> counts = new EnumMap<>(Operation.class);

  private static final class Count {
    long nanos;
    long calls;
  }

  OperationTally() {
    for (Operation operation : Operation.values()) {
      counts.put(operation, new Count());
    }
  }

  void add(Operation operation, long nanos) {
    Count count = counts.get(operation);
    if (count != null) {
      count.nanos += nanos;
      count.calls++;
    }
  }

  void reset() {
    for (Count count : counts.values()) {
      count.nanos = 0;
      count.calls = 0;
    }
  }

  long nanos(Operation operation) {
    Count count = counts.get(operation);
    return count == null ? 0 : count.nanos;
  }

  long calls(Operation operation) {
    Count count = counts.get(operation);
    return count == null ? 0 : count.calls;
  }

  /** Of the operations that count to a part. */
  long nanos(Part part) {
    long sum = 0;
    for (Operation operation : Operation.values()) {
      sum += operation.part() == part ? nanos(operation) : 0;
    }
    return sum;
  }

  long totalNanos() {
    return counts.values().stream().mapToLong(count -> count.nanos).sum();
  }

  long totalCalls() {
    return counts.values().stream().mapToLong(count -> count.calls).sum();
  }
}
