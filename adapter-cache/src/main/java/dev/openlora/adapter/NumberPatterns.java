package dev.openlora.adapter;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Numbers by module, as {@code rank_pattern} and {@code alpha_pattern} give them: each key is a
 * regular expression for the end of a module's name, and the first that matches decides.
 */
final class NumberPatterns {
  private static final int MAX_PATTERNS = 2_000;

  private final List<Entry> entries;

  private record Entry(String literal, NamePattern pattern, double number) {}

  private NumberPatterns(List<Entry> entries) {
    this.entries = entries;
  }

  static NumberPatterns of(String key, Map<String, Double> numbers) throws AdapterException {
    if (numbers.size() > MAX_PATTERNS) {
      throw Refusal.invalid(
          key, numbers.size() + " entries (expected: at most " + MAX_PATTERNS + ")");
    }
    List<Entry> entries = new ArrayList<>();
    for (Map.Entry<String, Double> entry : numbers.entrySet()) {
      NamePattern pattern = NamePattern.compile(key, "(.*\\.)?(" + entry.getKey() + ")");
      entries.add(new Entry(entry.getKey(), pattern, entry.getValue()));
    }
    return new NumberPatterns(entries);
  }

  double of(String module, double otherwise, NamePattern.Budget budget) throws AdapterException {
    for (Entry entry : entries) {
      if (entry.pattern().matches(module, budget)) {
        return entry.number();
      }
    }
    for (Entry entry : entries) {
      if (entry.literal().equals(module)) {
        return entry.number();
      }
    }
    return otherwise;
  }
}
