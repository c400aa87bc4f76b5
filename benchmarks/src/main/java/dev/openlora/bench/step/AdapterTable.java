package dev.openlora.bench.step;

import dev.openlora.bench.Spread;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * R(k, r, B): what each way reaches of the base alone, within rounds, beside the same ratio of
 * their floors.
 *
 * @param rows of the batch
 */
record AdapterTable(int rows, List<Line> lines) {
  /**
   * One way's rounds, in the order of the rounds.
   *
   * @param millis of its median step in each round
   * @param floorRatio to the base, where both run at their floors
   */
  record Line(AdapterWay way, List<Double> millis, double floorRatio) {
    Line {
      millis = List.copyOf(millis);
    }
  }

  AdapterTable {
    lines = List.copyOf(lines);
    if (lines.isEmpty() || lines.getFirst().way().ranks().size() != 0) {
      throw new IllegalArgumentException(
          "ways: " + lines.size() + " (expected: the base alone first)");
    }
  }

  private Spread tokensPerSecond(Line line) {
    return Spread.of(line.millis().stream().map(millis -> rows / millis * 1e3).toList());
  }

  /** Tokens per second over those of the base alone. */
  Spread ratio(Line line) {
    return Ratio.of(lines.getFirst().millis(), line.millis());
  }

  void print(BenchReport report) {
    ArrayNode json = report.json().putArray("adapters");
    report.line("");
    report.line(
        String.format(
            Locale.ROOT,
            "  %-16s %5s  %-26s %-22s %6s  %s",
            "adapters",
            "sum r",
            "tokens/s",
            "R: of base only",
            "floor",
            "R / floor"));
    for (Line line : lines) {
      Spread speed = tokensPerSecond(line);
      Spread ratio = ratio(line);
      report.line(
          String.format(
              Locale.ROOT,
              "  %-16s %5d  %-26s %-22s %6.3f  %.3f",
              line.way().label(),
              line.way().ranks().sum(),
              Ratio.shown(speed, 1),
              Ratio.shown(ratio, 3),
              line.floorRatio(),
              ratio.median() / line.floorRatio()));
      ObjectNode entry = json.addObject();
      entry.put("adapters", line.way().label()).put("ranks", line.way().ranks().toString());
      Ratio.put(entry, "tokens_per_s", speed);
      Ratio.put(entry, "ratio_to_base", ratio);
      entry
          .put("floor_ratio", line.floorRatio())
          .put("ratio_over_floor", ratio.median() / line.floorRatio());
    }
  }

  /** Prints one way's speed over another's. */
  void printRatio(BenchReport report, String name, AdapterWay above, AdapterWay below) {
    Spread ratio = Ratio.of(millis(below), millis(above));
    report.line(
        String.format(
            Locale.ROOT, "  %s / %s: %s", above.label(), below.label(), Ratio.shown(ratio, 3)));
    Ratio.put(report.json(), name, ratio);
  }

  private List<Double> millis(AdapterWay way) {
    List<Double> found = new ArrayList<>();
    for (Line line : lines) {
      if (line.way().equals(way)) {
        found.addAll(line.millis());
      }
    }
    return found;
  }
}
