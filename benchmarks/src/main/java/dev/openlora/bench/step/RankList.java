package dev.openlora.bench.step;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The ranks of adapters, one per adapter, as {@code 64,31x8} on the command line. Immutable. */
record RankList(List<Integer> ranks) {
  static final int ADAPTERS_MAX = 4096;
  private static final int RANK_MAX = 4096;
  private static final Pattern PIECE = Pattern.compile("(?:([0-9]{1,6})x)?([0-9]{1,6})");

  RankList {
    ranks = List.copyOf(ranks);
    if (ranks.size() > ADAPTERS_MAX) {
      throw new IllegalArgumentException(
          "adapters: " + ranks.size() + " (expected: at most " + ADAPTERS_MAX + ")");
    }
    for (int rank : ranks) {
      if (rank < 1 || rank > RANK_MAX) {
        throw new IllegalArgumentException("rank: " + rank + " (expected: 1.." + RANK_MAX + ")");
      }
    }
  }

  static RankList of(int adapters, int rank) {
    if (adapters < 0 || adapters > ADAPTERS_MAX) {
      throw new IllegalArgumentException(
          "adapters: " + adapters + " (expected: 0.." + ADAPTERS_MAX + ")");
    }
    return new RankList(Collections.nCopies(adapters, rank));
  }

  /** Reads ranks with commas, each with a count before it if it is meant more than once. */
  static RankList parse(String text) {
    List<Integer> ranks = new ArrayList<>();
    for (String piece : text.split(",", -1)) {
      Matcher matcher = PIECE.matcher(piece.strip());
      if (!matcher.matches()) {
        throw new IllegalArgumentException(
            "ranks: '" + piece.strip() + "' in '" + text + "' (expected: as 8,16 or 64,31x8)");
      }
      int count = matcher.group(1) == null ? 1 : Integer.parseInt(matcher.group(1));
      if (count < 1 || ranks.size() + count > ADAPTERS_MAX) {
        throw new IllegalArgumentException(
            "ranks: '" + piece.strip() + "' (expected: 1.." + ADAPTERS_MAX + " adapters in all)");
      }
      ranks.addAll(Collections.nCopies(count, Integer.parseInt(matcher.group(2))));
    }
    return new RankList(ranks);
  }

  int size() {
    return ranks.size();
  }

  int sum() {
    return ranks.stream().mapToInt(Integer::intValue).sum();
  }

  /** As many adapters with the same sum of ranks, as even as whole numbers are. */
  RankList even() {
    if (ranks.isEmpty()) {
      return this;
    }
    int low = sum() / size();
    int higher = sum() % size();
    List<Integer> even = new ArrayList<>(Collections.nCopies(higher, low + 1));
    even.addAll(Collections.nCopies(size() - higher, low));
    return new RankList(even);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < ranks.size(); ) {
      int next = i;
      while (next < ranks.size() && ranks.get(next).equals(ranks.get(i))) {
        next++;
      }
      text.append(i == 0 ? "" : ",");
      text.append(next - i > 1 ? (next - i) + "x" : "").append(ranks.get(i));
      i = next;
    }
    return text.isEmpty() ? "none" : text.toString();
  }
}
