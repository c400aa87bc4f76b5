package dev.openlora.server.finetuning;

import java.util.Map;

/**
 * Something that happened to a job.
 *
 * @param data numbers for a program to read; empty for a plain message
 */
public record JobEvent(
    String id, long createdMillis, Level level, String message, Map<String, Double> data) {
  /** How much it matters. */
  public enum Level {
    INFO("info"),
    WARN("warn"),
    ERROR("error");

    private final String word;

    Level(String word) {
      this.word = word;
    }

    public String word() {
      return word;
    }

    static Level of(String word) {
      for (Level level : values()) {
        if (level.word.equals(word)) {
          return level;
        }
      }
      throw new IllegalArgumentException("level: '" + word + "' (expected: info, warn or error)");
    }
  }

  public JobEvent {
    data = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(data));
  }
}
