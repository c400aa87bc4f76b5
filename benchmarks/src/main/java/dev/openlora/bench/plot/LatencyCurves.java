package dev.openlora.bench.plot;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * The share of latencies below each value: cumulative curves over a logarithmic axis of
 * milliseconds.
 *
 * @param histograms nanoseconds by name, in the order of the legend; empty ones are left out
 */
public record LatencyCurves(String title, String subtitle, Map<String, Histogram> histograms) {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;
  private static final int LEFT = Svg.LEFT;
  private static final int RIGHT = 872;
  private static final int TOP = 96;
  private static final int BOTTOM = 424;

  /** Nothing shorter than this is drawn apart: a microsecond. */
  private static final double MILLIS_MIN = 1e-3;

  private static final double[] MARKS = {50, 90, 99};

  public String svg() {
    Svg svg = new Svg(WIDTH, HEIGHT, title);
    svg.text("subtitle", LEFT, 50, "start", subtitle);
    List<Map.Entry<String, Histogram>> curves =
        histograms.entrySet().stream().filter(e -> e.getValue().getTotalCount() > 0).toList();
    if (curves.isEmpty()) {
      svg.text("empty", (LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, "middle", "no answer");
      return svg.end();
    }
    double least = curves.stream().mapToDouble(e -> millis(e.getValue(), 0)).min().orElse(1);
    double most = curves.stream().mapToDouble(e -> millis(e.getValue(), 100)).max().orElse(1);
    Axis x = Axis.logarithmic(least, most, LEFT, RIGHT);
    Axis y = Axis.linear(0, 100, BOTTOM, TOP);
    axes(svg, x, y);
    double column = (RIGHT - LEFT) / (double) curves.size();
    for (int i = 0; i < curves.size(); i++) {
      Histogram histogram = curves.get(i).getValue();
      double left = LEFT + i * column;
      svg.line(i, new double[] {left, 70, left + 22, 70});
      String label =
          String.format(
              Locale.ROOT,
              "%s: p50 %.1f, p99 %.1f",
              curves.get(i).getKey(),
              millis(histogram, 50),
              millis(histogram, 99));
      svg.text("value", left + 28, 75, "start", label);
      svg.line(i, points(histogram, x, y));
    }
    return svg.end();
  }

  private static void axes(Svg svg, Axis x, Axis y) {
    svg.rows(y, RIGHT, " %");
    for (double mark : MARKS) {
      svg.text("value", RIGHT + 4, y.at(mark) + 4, "start", "p" + Axis.number(mark));
    }
    for (double tick : x.ticks()) {
      svg.rule("grid", x.at(tick), TOP, x.at(tick), BOTTOM);
      svg.text("tick", x.at(tick), BOTTOM + 20, "middle", Axis.number(tick));
    }
    svg.text("unit", (LEFT + RIGHT) / 2.0, BOTTOM + 46, "middle", "milliseconds");
    svg.sideways(20, (TOP + BOTTOM) / 2.0, "share at or below");
  }

  private static double[] points(Histogram histogram, Axis x, Axis y) {
    List<Double> points = new ArrayList<>();
    points.add(x.at(millis(histogram, 0)));
    points.add(y.at(0));
    for (double percent = 0.5; percent <= 100; percent += 0.5) {
      points.add(x.at(millis(histogram, percent)));
      points.add(y.at(percent));
    }
    return points.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static double millis(Histogram histogram, double percentile) {
    return Math.max(MILLIS_MIN, histogram.getValueAtPercentile(percentile) / 1e6);
  }
}
