package dev.openlora.bench.plot;

import java.util.Locale;

/**
 * A picture being written as SVG: shapes by class, coordinates in pixels, y down. Its colours
 * follow the reader's light or dark setting. One thread.
 */
final class Svg {
  /** Kinds of line and bar that look different; a further one looks like the first. */
  static final int SERIES = 7;

  private static final String STYLE =
      """
          <style>
          svg { color-scheme: light dark; font: 13px system-ui, sans-serif;
            --paper: #fff; --ink: #1f2430; --faint: #5b6472; --grid: #e3e6eb;
            --c0: #1f5fbf; --c1: #c2410c; --c2: #4d7c3a; --c3: #7c3aed; --c4: #0e7490; --c5: #a16207;
        --c6: #6b7280; }
          @media (prefers-color-scheme: dark) {
            svg { --paper: #14171c; --ink: #e8eaee; --faint: #a3abb8; --grid: #2b3038;
              --c0: #7fb0ff; --c1: #ff9a5c; --c2: #93c47d; --c3: #c4a7ff; --c4: #5fd3e6; --c5: #e6c35c;
          --c6: #a1a9b5; } }
          .paper { fill: var(--paper); }
          text { fill: var(--faint); }
          .title { fill: var(--ink); font-size: 17px; font-weight: 600; }
          .label, .value { fill: var(--ink); }
          .value { font-size: 11px; }
          .grid { stroke: var(--grid); }
          .axis { stroke: var(--faint); }
          .whisker { stroke: var(--ink); stroke-width: 1.3; }
          polyline { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
          .s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); }
          .s3 { --c: var(--c3); } .s4 { --c: var(--c4); } .s5 { --c: var(--c5); }
      .s6 { --c: var(--c6); }
          rect.bar { fill: var(--c); }
          polyline { stroke: var(--c); }
          </style>
      """;

  /** Where plots begin, right of the values on their axes. */
  static final int LEFT = 76;

  private final StringBuilder out = new StringBuilder();

  Svg(int width, int height, String title) {
    out.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
            .formatted(width, height));
    out.append("<title>").append(escaped(title)).append("</title>\n").append(STYLE);
    out.append("<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n".formatted(width, height));
    text("title", LEFT, 30, "start", title);
  }

  void text(String kind, double x, double y, String anchor, String text) {
    out.append(
        String.format(
            Locale.ROOT,
            "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
            kind,
            x,
            y,
            anchor,
            escaped(text)));
  }

  void sideways(double x, double y, String text) {
    out.append(
        String.format(
            Locale.ROOT,
            "<text text-anchor=\"middle\" transform=\"translate(%.1f %.1f) rotate(-90)\">%s</text>\n",
            x,
            y,
            escaped(text)));
  }

  void rule(String kind, double x1, double y1, double x2, double y2) {
    out.append(
        String.format(
            Locale.ROOT,
            "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            kind,
            x1,
            y1,
            x2,
            y2));
  }

  /** A bar with a text that shows when it is pointed at. */
  void bar(int series, double x, double y, double width, double height, String hint) {
    out.append(
        String.format(
            Locale.ROOT,
            "<rect class=\"bar s%d\" x=\"%.1f\" y=\"%.2f\" width=\"%.1f\" height=\"%.2f\">"
                + "<title>%s</title></rect>\n",
            series % SERIES,
            x,
            y,
            width,
            height,
            escaped(hint)));
  }

  /** What a series looks like, and its name. */
  void key(int series, double x, double y, String name) {
    bar(series, x, y, 14, 14, name);
    text("label", x + 20, y + 12, "start", name);
  }

  /** The edges of a plot, and a line across at each tick of its upright axis. */
  void rows(Axis y, double right, String unit) {
    for (double tick : y.ticks()) {
      rule("grid", LEFT, y.at(tick), right, y.at(tick));
      text("tick", LEFT - 8, y.at(tick) + 4, "end", Axis.number(tick) + unit);
    }
    rule("axis", LEFT, y.first(), right, y.first());
    rule("axis", LEFT, y.last(), LEFT, y.first());
  }

  /**
   * @param points x and y in turn
   */
  void line(int series, double[] points) {
    out.append("<polyline class=\"s").append(series % SERIES).append("\" points=\"");
    for (int i = 0; i + 1 < points.length; i += 2) {
      out.append(String.format(Locale.ROOT, "%.1f,%.1f ", points[i], points[i + 1]));
    }
    out.append("\"/>\n");
  }

  String end() {
    return out + "</svg>\n";
  }

  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .filter(c -> c >= ' ' && !(c >= 0xD800 && c <= 0xDFFF) && c != 0xFFFE && c != 0xFFFF)
        .forEach(c -> {
          switch (c) {
            case '<' -> escaped.append("&lt;");
            case '>' -> escaped.append("&gt;");
            case '&' -> escaped.append("&amp;");
            default -> escaped.appendCodePoint(c);
          }
        });
    return escaped.toString();
  }
}
