package dev.openlora.bench.step;

import java.util.List;
import java.util.Locale;

/**
 * A plot of sums that are made of parts: one upright bar each, drawn as SVG. Immutable.
 *
 * @param unit of the values, for the axis
 * @param parts from the bottom up, with a name each for the legend
 */
record StackedBars(String title, String unit, List<String> parts, List<Bar> bars) {
  private static final List<String> COLOURS =
      List.of("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999999");
  private static final int HEIGHT = 300;
  private static final int LEFT = 70;
  private static final int TOP = 50;
  private static final int BAR = 64;
  private static final int STEP = 130;
  private static final int LEGEND = 190;

  /** Values from the bottom up, one per part. */
  record Bar(String label, List<Double> values) {
    Bar {
      values = List.copyOf(values);
    }

    /** What lies below the axis is not drawn. */
    double total() {
      return values.stream().mapToDouble(value -> Math.max(0, value)).sum();
    }
  }

  StackedBars {
    parts = List.copyOf(parts);
    bars = List.copyOf(bars);
    if (bars.isEmpty() || parts.isEmpty() || parts.size() > COLOURS.size()) {
      throw new IllegalArgumentException(
          "plot: "
              + bars.size()
              + " bars of "
              + parts.size()
              + " parts (expected: at least 1, and at most "
              + COLOURS.size()
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
  String svg() {
    int width = LEFT + bars.size() * STEP + LEGEND;
    StringBuilder svg = new StringBuilder();
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                + " font-family=\"sans-serif\" font-size=\"12\">%n",
            width,
            TOP + HEIGHT + 50));
    svg.append(
        String.format(Locale.ROOT, "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>%n"));
    text(svg, LEFT, 24, "start", title);
    double top = axisTop(bars.stream().mapToDouble(Bar::total).max().orElse(0));
    axis(svg, top);
    for (int i = 0; i < bars.size(); i++) {
      bar(svg, bars.get(i), LEFT + i * STEP + (STEP - BAR) / 2, top);
    }
    for (int i = 0; i < parts.size(); i++) {
      int part = parts.size() - 1 - i;
      int x = LEFT + bars.size() * STEP + 16;
      int y = TOP + 20 * i;
      svg.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>%n",
              x,
              y,
              COLOURS.get(part)));
      text(svg, x + 18, y + 10, "start", parts.get(part));
    }
    return svg.append("</svg>\n").toString();
  }

  /** The least of 1, 2, 5 times a power of ten that holds a value. */
  static double axisTop(double value) {
    if (!(value > 0)) {
      return 1;
    }
    double power = Math.pow(10, Math.floor(Math.log10(value)));
    for (double factor : new double[] {1, 2, 5}) {
      if (value <= factor * power) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  private void axis(StringBuilder svg, double top) {
    for (int i = 0; i <= 5; i++) {
      double y = TOP + HEIGHT - HEIGHT * i / 5.0;
      svg.append(
          String.format(
              Locale.ROOT,
              "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#dddddd\"/>%n",
              LEFT,
              y,
              LEFT + bars.size() * STEP,
              y));
      text(svg, LEFT - 6, y + 4, "end", number(top * i / 5) + " " + unit);
    }
  }

  private void bar(StringBuilder svg, Bar bar, int x, double top) {
    double y = TOP + HEIGHT;
    for (int part = 0; part < parts.size(); part++) {
      double value = Math.max(0, bar.values().get(part));
      double height = HEIGHT * value / top;
      y -= height;
      svg.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%d\" y=\"%.2f\" width=\"%d\" height=\"%.2f\" fill=\"%s\">",
              x,
              y,
              BAR,
              height,
              COLOURS.get(part)));
      svg.append("<title>")
          .append(escaped(parts.get(part) + ": " + number(value) + " " + unit))
          .append("</title></rect>\n");
    }
    text(svg, x + BAR / 2.0, y - 6, "middle", number(bar.total()) + " " + unit);
    text(svg, x + BAR / 2.0, TOP + HEIGHT + 18, "middle", bar.label());
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String words) {
    svg.append(
            String.format(
                Locale.ROOT, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor))
        .append(escaped(words))
        .append("</text>\n");
  }

  private static String number(double value) {
    String format = value == 0 || value >= 100 ? "%.0f" : value >= 1 ? "%.1f" : "%.3f";
    return String.format(Locale.ROOT, format, value);
  }

  private static String escaped(String words) {
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
