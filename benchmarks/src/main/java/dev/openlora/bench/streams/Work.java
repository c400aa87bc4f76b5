package dev.openlora.bench.streams;

import dev.openlora.bench.process.ProcessUsage;
import java.util.List;
import java.util.Map;

/** What a thread does, told from its name. */
enum Work {
  EVENT_LOOPS("event loops", "http-"),
  ENGINE("engine", "null-engine"),
  COLLECTOR("collector", "G1 ", "GC Thread"),
  COMPILER("compiler", "C1 Comp", "C2 Comp"),
  OTHER("other");

  private final String label;
  private final List<String> prefixes;

  Work(String label, String... prefixes) {
    this.label = label;
    this.prefixes = List.of(prefixes);
  }

  String label() {
    return label;
  }

  static Work of(String thread) {
    for (Work work : values()) {
      if (work.prefixes.stream().anyMatch(thread::startsWith)) {
        return work;
      }
    }
    return OTHER;
  }

  /** CPU time of the threads that do it. */
  long millis(ProcessUsage usage) {
    return usage.threadMillis().entrySet().stream()
        .filter(thread -> of(thread.getKey()) == this)
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}
