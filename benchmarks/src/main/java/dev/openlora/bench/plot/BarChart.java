package dev.openlora.bench.plot;

import dev.openlora.bench.Spread;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Bars in groups, one group a scenario and one bar a server, with a whisker from the least to the
 * greatest run. Immutable.
 *
 * @param subtitle what the reader has to know: machine, day, lengths
 * @param series who is compared, in the order of the bars
 */
public record BarChart(String title, String subtitle, List<String> series, List<Panel> panels) {
  private static final int WIDTH = 960;
  private static final int LEFT = Svg.LEFT;
  private static final int RIGHT = 936;
  private static final int HEAD = 96;
  private static final int PANEL = 320;
  private static final int PLOT = 240;

  /** Groups on one axis, which starts at 0. */
  public record Panel(String unit, List<Group> groups) {}

  /**
   * @param bars by series; one that is missing was not measured
   */
  public record Group(String label, Map<String, Spread> bars) {}

  public String svg() {
    Svg svg = new Svg(WIDTH, HEAD + PANEL * Math.max(1, panels.size()), title);
    svg.text("subtitle", LEFT, 50, "start", subtitle);
    double x = LEFT;
    for (int i = 0; i < series.size(); i++) {
      svg.key(i, x, 63, series.get(i));
      x += 48 + 7.5 * series.get(i).length();
    }
    if (panels.isEmpty()) {
      svg.text("empty", WIDTH / 2.0, HEAD + PLOT / 2.0, "middle", "nothing was measured");
    }
    for (int i = 0; i < panels.size(); i++) {
      panel(svg, panels.get(i), HEAD + PANEL * i);
    }
    return svg.end();
  }

  private void panel(Svg svg, Panel panel, int top) {
    int bottom = top + PLOT;
    double most =
        panel.groups().stream()
            .flatMap(group -> group.bars().values().stream())
            .mapToDouble(Spread::max)
            .max()
            .orElse(1);
    // Room for the figures above the highest bar.
    Axis axis = Axis.linear(0, most * 1.08, bottom, top);
    svg.rows(axis, RIGHT, "");
    svg.sideways(20, (top + bottom) / 2.0, panel.unit());
    double width = (RIGHT - LEFT) / (double) panel.groups().size();
    for (int i = 0; i < panel.groups().size(); i++) {
      group(svg, panel.groups().get(i), axis, LEFT + i * width, width);
    }
  }

  private void group(Svg svg, Group group, Axis axis, double left, double width) {
    double bar = Math.min(60, width * 0.8 / series.size());
    double begin = left + (width - bar * series.size()) / 2;
    double bottom = axis.at(0);
    for (int i = 0; i < series.size(); i++) {
      double x = begin + i * bar;
      double middle = x + bar / 2;
      Spread spread = group.bars().get(series.get(i));
      if (spread == null) {
        svg.text("tick", middle, bottom - 6, "middle", "–");
        continue;
      }
      double y = axis.at(spread.median());
      String hint =
          String.format(
              Locale.ROOT,
              "%s, %s: %.1f [%.1f–%.1f]",
              group.label(),
              series.get(i),
              spread.median(),
              spread.min(),
              spread.max());
      svg.bar(i, x + 1, y, bar - 2, bottom - y, hint);
      svg.rule("whisker", middle, axis.at(spread.min()), middle, axis.at(spread.max()));
      for (double end : new double[] {spread.min(), spread.max()}) {
        svg.rule("whisker", middle - 4, axis.at(end), middle + 4, axis.at(end));
      }
      svg.text("value", middle, axis.at(spread.max()) - 5, "middle", Axis.number(spread.median()));
    }
    svg.text("label", left + width / 2, bottom + 20, "middle", group.label());
  }
}
