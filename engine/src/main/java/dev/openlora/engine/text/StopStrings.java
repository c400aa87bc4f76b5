package dev.openlora.engine.text;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the stop strings of a request in text that comes in pieces. The match that ends first wins,
 * the longest of those that end at the same place, so it does not matter how the text is cut into
 * pieces. Text that may still become part of a stop string waits. One Knuth-Morris-Pratt automaton
 * per string: each character is looked at once. One thread.
 */
public final class StopStrings {
  private final List<String> stops;
  private final boolean includeStop;
  private final int[][] failures;
  private final int[] matched;
  private final StringBuilder held = new StringBuilder();
  private @Nullable String found;

  /**
   * @param stops none of them empty; one with half a surrogate pair is never found, for no text has
   *     such a thing
   * @param includeStop whether the answer ends behind the stop string rather than before it
   */
  public StopStrings(List<String> stops, boolean includeStop) {
    if (stops.contains("")) {
      throw new IllegalArgumentException("stop: '' (expected: at least one character)");
    }
    this.stops = stops.stream().filter(stop -> WellFormed.of(stop).equals(stop)).toList();
    this.includeStop = includeStop;
    this.failures = this.stops.stream().map(StopStrings::failures).toArray(int[][]::new);
    this.matched = new int[this.stops.size()];
  }

  /**
   * Takes the next piece; returns what the answer surely grows by. Once {@link #found} is set, that
   * was the last of it, and further pieces are ignored.
   */
  public String append(String piece) {
    if (found != null) {
      return "";
    }
    if (stops.isEmpty()) {
      return piece;
    }
    for (int i = 0; i < piece.length(); i++) {
      char c = piece.charAt(i);
      held.append(c);
      String stop = advance(c);
      if (stop != null) {
        found = stop;
        return take(held.length() - (includeStop ? 0 : stop.length()));
      }
    }
    int waiting = 0;
    for (int length : matched) {
      waiting = Math.max(waiting, length);
    }
    return take(held.length() - waiting);
  }

  /** The text has ended: what waited belongs to the answer, unless a stop string was found. */
  public String flush() {
    return found == null ? take(held.length()) : "";
  }

  /** The stop string that was found, or null. */
  public @Nullable String found() {
    return found;
  }

  private @Nullable String advance(char c) {
    String longest = null;
    for (int s = 0; s < matched.length; s++) {
      String stop = stops.get(s);
      int length = matched[s];
      while (length > 0 && stop.charAt(length) != c) {
        length = failures[s][length - 1];
      }
      length += stop.charAt(length) == c ? 1 : 0;
      matched[s] = length;
      if (length == stop.length() && (longest == null || length > longest.length())) {
        longest = stop;
      }
    }
    return longest;
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  /** For each prefix the length of the longest proper border. */
  private static int[] failures(String stop) {
    int[] borders = new int[stop.length()];
    for (int i = 1, length = 0; i < borders.length; i++) {
      while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
        length = borders[length - 1];
      }
      length += stop.charAt(i) == stop.charAt(length) ? 1 : 0;
      borders[i] = length;
    }
    return borders;
  }
}
