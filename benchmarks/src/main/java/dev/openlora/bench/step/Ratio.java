package dev.openlora.bench.step;

import dev.openlora.bench.Spread;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** Ratios within rounds: what else the machine did hit both sides of each. */
final class Ratio {
  private Ratio() {}

  static Spread of(List<Double> above, List<Double> below) {
    if (above.size() != below.size()) {
      throw new IllegalArgumentException(
          "rounds: " + above.size() + " and " + below.size() + " (expected: as many)");
    }
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < above.size(); i++) {
      ratios.add(above.get(i) / below.get(i));
    }
    return Spread.of(ratios);
  }

  /** As {@code 0.913 [0.902–0.920]}. */
  static String shown(Spread spread, int decimals) {
    String number = "%." + decimals + "f";
    return String.format(
        Locale.ROOT,
        number + " [" + number + "–" + number + "]",
        spread.median(),
        spread.min(),
        spread.max());
  }

  static void put(ObjectNode json, String name, Spread spread) {
    json.putObject(name)
        .put("median", spread.median())
        .put("min", spread.min())
        .put("max", spread.max());
  }
}
