package dev.openlora.bench.plot;

import java.util.List;

/**
 * A plot of sums that are made of parts: one upright bar each, drawn as SVG. Immutable.
 *
 * @param unit of the values, for the axis
 * @param parts from the bottom up, with a name each for the legend
 */
public record StackedBars(String title, String unit, List<String> parts, List<Bar> bars) {
  private static final int HEIGHT = 300;
  private static final int LEFT = Svg.LEFT;
  private static final int TOP = 50;
  private static final int BAR = 64;
  private static final int STEP = 130;
  private static final int LEGEND = 190;
  private static final int TITLE_CHARACTER = 10;

  /** Values from the bottom up, one per part. */
  public record Bar(String label, List<Double> values) {
    public Bar {
      values = List.copyOf(values);
    }

    /** What lies below the axis is not drawn. */
    double total() {
      return values.stream().mapToDouble(value -> Math.max(0, value)).sum();
    }
  }

  public StackedBars {
    parts = List.copyOf(parts);
    bars = List.copyOf(bars);
    if (bars.isEmpty() || parts.isEmpty() || parts.size() > Svg.SERIES) {
      throw new IllegalArgumentException(
          "plot: "
              + bars.size()
              + " bars of "
              + parts.size()
              + " parts (expected: at least 1, and at most "
              + Svg.SERIES
              + " parts)");
    }
    for (Bar bar : bars) {
      if (bar.values().size() != parts.size()) {
        throw new IllegalArgumentException(
            "bar '"
                + bar.label()
                + "': "
                + bar.values().size()
                + " values (expected: "
                + parts.size()
                + ")");
      }
    }
  }

  /** A whole SVG file. */
  public String svg() {
    int right = LEFT + bars.size() * STEP;
    int width = Math.max(right + LEGEND, LEFT + TITLE_CHARACTER * title.length());
    Svg svg = new Svg(width, TOP + HEIGHT + 50, title);
    double most = bars.stream().mapToDouble(Bar::total).max().orElse(0);
    Axis axis = Axis.linear(0, Axis.ceiling(most), TOP + HEIGHT, TOP);
    svg.rows(axis, right, " " + unit);
    for (int i = 0; i < bars.size(); i++) {
      bar(svg, bars.get(i), axis, LEFT + i * STEP + (STEP - BAR) / 2);
    }
    for (int i = 0; i < parts.size(); i++) {
      int part = parts.size() - 1 - i;
      svg.key(part, right + 16, TOP + 20 * i, parts.get(part));
    }
    return svg.end();
  }

  private void bar(Svg svg, Bar bar, Axis axis, int x) {
    double middle = x + BAR / 2.0;
    double below = 0;
    for (int part = 0; part < parts.size(); part++) {
      double value = Math.max(0, bar.values().get(part));
      double top = axis.at(below + value);
      String hint = parts.get(part) + ": " + Axis.number(value) + " " + unit;
      svg.bar(part, x, top, BAR, axis.at(below) - top, hint);
      below += value;
    }
    svg.text("value", middle, axis.at(below) - 6, "middle", Axis.number(bar.total()) + " " + unit);
    svg.text("label", middle, axis.at(0) + 18, "middle", bar.label());
  }
}
