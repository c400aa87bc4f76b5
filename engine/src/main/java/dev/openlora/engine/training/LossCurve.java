package dev.openlora.engine.training;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * A run as an SVG picture: the training loss as it was and smoothed, the held-out loss, and the
 * learning rate on an axis of its own. Its colours follow the reader's light or dark setting. Any
 * thread.
 */
public final class LossCurve {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 500;
  private static final int LEFT = 76;
  private static final int RIGHT = 812;
  private static final int TOP = 84;
  private static final int BOTTOM = 416;
  private static final int TICKS = 6;

  /** The smoothed line looks back over about this share of the run. */
  private static final double SMOOTHED_SHARE = 0.04;

  private static final String STYLE =
      """
      <style>
      svg { color-scheme: light dark; font: 13px system-ui, sans-serif;
        --paper: #fff; --ink: #1f2430; --faint: #5b6472; --grid: #e3e6eb;
        --raw: #a9c3ea; --smooth: #1f5fbf; --held: #c2410c; --rate: #4d7c3a; }
      @media (prefers-color-scheme: dark) {
        svg { --paper: #14171c; --ink: #e8eaee; --faint: #a3abb8; --grid: #2b3038;
          --raw: #3d5a86; --smooth: #7fb0ff; --held: #ff9a5c; --rate: #93c47d; } }
      .paper { fill: var(--paper); }
      text { fill: var(--faint); }
      .title { fill: var(--ink); font-size: 17px; font-weight: 600; }
      .grid { stroke: var(--grid); }
      .axis { stroke: var(--faint); }
      polyline { fill: none; stroke-linejoin: round; stroke-linecap: round; }
      .raw { stroke: var(--raw); stroke-width: 1; }
      .smooth { stroke: var(--smooth); stroke-width: 2.2; }
      .held { stroke: var(--held); stroke-width: 1.4; stroke-dasharray: 5 3; }
      circle.raw, circle.smooth { fill: var(--smooth); }
      circle.held { fill: var(--held); stroke-dasharray: none; }
      circle.rate { fill: var(--rate); }
      .rate { stroke: var(--rate); stroke-width: 1; }
      </style>
      """;

  private final LossHistory history;
  private final List<LossHistory.Point> points;
  private final StringBuilder svg = new StringBuilder();
  private final Scale steps;
  private final Scale losses;
  private final Scale rates;

  private LossCurve(LossHistory history) {
    this.history = history;
    points = history.points();
    int last =
        Math.max(
            points.isEmpty() ? 1 : points.getLast().step(),
            history.evaluations().isEmpty() ? 1 : history.evaluations().getLast().step());
    double[] all =
        DoubleStream.concat(
                points.stream().mapToDouble(LossHistory.Point::loss),
                history.evaluations().stream().mapToDouble(LossHistory.Evaluation::loss))
            .toArray();
    double least = DoubleStream.of(all).min().orElse(0);
    double most = DoubleStream.of(all).max().orElse(1);
    double peak = points.stream().mapToDouble(LossHistory.Point::learningRate).max().orElse(1);
    steps = Scale.around(0, Math.max(2, last), LEFT, RIGHT);
    losses = Scale.around(least, most, BOTTOM, TOP);
    rates = Scale.around(0, peak, BOTTOM, TOP);
  }

  /**
   * The picture as a document of its own.
   *
   * @param title what was trained, and when
   */
  public static String svg(String title, LossHistory history) {
    return new LossCurve(history).draw(title);
  }

  private String draw(String title) {
    svg.append(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
            .formatted(WIDTH, HEIGHT));
    svg.append("<title>").append(escaped(title)).append("</title>\n").append(STYLE);
    svg.append("<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n".formatted(WIDTH, HEIGHT));
    text("title", LEFT, 30, "start", escaped(title));
    if (points.isEmpty() && history.evaluations().isEmpty()) {
      text("empty", (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2, "middle", "no step yet");
    } else {
      axes();
      line("rate", points, LossHistory.Point::learningRate, rates);
      line("raw", points, LossHistory.Point::loss, losses);
      line("smooth", smoothed(), LossHistory.Point::loss, losses);
      heldOut();
      legend();
      text("summary", LEFT, BOTTOM + 68, "start", summary());
    }
    return svg.append("</svg>\n").toString();
  }

  private void axes() {
    for (double tick : losses.ticks(0)) {
      int y = (int) Math.round(losses.at(tick));
      rule("grid", LEFT, y, RIGHT, y);
      text("tick", LEFT - 8, y + 4, "end", number(tick));
    }
    for (double tick : rates.ticks(0)) {
      int y = (int) Math.round(rates.at(tick));
      rule("axis", RIGHT, y, RIGHT + 4, y);
      text("tick", RIGHT + 8, y + 4, "start", number(tick));
    }
    for (double tick : steps.ticks(1)) {
      int x = (int) Math.round(steps.at(tick));
      rule("axis", x, BOTTOM, x, BOTTOM + 5);
      text("tick", x, BOTTOM + 20, "middle", number(tick));
    }
    rule("axis", LEFT, BOTTOM, RIGHT, BOTTOM);
    rule("axis", LEFT, TOP, LEFT, BOTTOM);
    rule("axis", RIGHT, TOP, RIGHT, BOTTOM);
    text("unit", (LEFT + RIGHT) / 2, BOTTOM + 44, "middle", "step");
    sideways(20, "loss, nats per token");
    sideways(WIDTH - 8, "learning rate");
  }

  private void line(
      String name,
      List<LossHistory.Point> line,
      ToDoubleFunction<LossHistory.Point> value,
      Scale scale) {
    svg.append("<polyline class=\"").append(name).append("\" points=\"");
    for (LossHistory.Point point : line) {
      pair(steps.at(point.step()), scale.at(value.applyAsDouble(point)));
    }
    svg.append("\"/>\n");
    if (line.size() == 1) {
      dot(
          name,
          steps.at(line.getFirst().step()),
          scale.at(value.applyAsDouble(line.getFirst())),
          "");
    }
  }

  private void heldOut() {
    svg.append("<polyline class=\"held\" points=\"");
    for (LossHistory.Evaluation each : history.evaluations()) {
      pair(steps.at(each.step()), losses.at(each.loss()));
    }
    svg.append("\"/>\n");
    for (LossHistory.Evaluation each : history.evaluations()) {
      String value = String.format(Locale.ROOT, "step %d: %.4f", each.step(), each.loss());
      dot("held", steps.at(each.step()), losses.at(each.loss()), value);
    }
  }

  private void dot(String name, double x, double y, String title) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"><title>%s</title></circle>\n",
            name,
            x,
            y,
            title));
  }

  private void pair(double x, double y) {
    svg.append(String.format(Locale.ROOT, "%.1f,%.1f ", x, y));
  }

  private String summary() {
    List<String> parts = new ArrayList<>();
    if (!points.isEmpty()) {
      LossHistory.Point last = smoothed().getLast();
      parts.add(String.format(Locale.ROOT, "step %d: %.3f smoothed", last.step(), last.loss()));
    }
    history.evaluations().stream()
        .min(Comparator.comparingDouble(LossHistory.Evaluation::loss))
        .map(best ->
            String.format(Locale.ROOT, "best held-out %.3f at %d", best.loss(), best.step()))
        .ifPresent(parts::add);
    return String.join(", ", parts);
  }

  /** A moving mean whose weights fall off into the past. */
  private List<LossHistory.Point> smoothed() {
    double kept = 1 - Math.min(1, 1 / Math.max(1, SMOOTHED_SHARE * points.size()));
    List<LossHistory.Point> smoothed = new ArrayList<>();
    double sum = 0;
    double weight = 0;
    for (LossHistory.Point point : points) {
      sum = kept * sum + point.loss();
      weight = kept * weight + 1;
      smoothed.add(new LossHistory.Point(point.step(), sum / weight, point.learningRate()));
    }
    return smoothed;
  }

  private void legend() {
    int x = LEFT;
    x = entry(x, "raw", "training loss");
    x = entry(x, "smooth", "smoothed");
    if (!history.evaluations().isEmpty()) {
      dot("held", x + 14, 54, "");
      x = entry(x, "held", "held-out loss");
    }
    entry(x, "rate", "learning rate");
  }

  private int entry(int x, String name, String label) {
    svg.append("<polyline class=\"%s\" points=\"%d,54 %d,54\"/>\n".formatted(name, x, x + 28));
    text("label", x + 36, 58, "start", label);
    return x + 64 + 7 * label.length();
  }

  private void rule(String name, int x1, int y1, int x2, int y2) {
    svg.append(
        "<line class=\"%s\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n"
            .formatted(name, x1, y1, x2, y2));
  }

  private void text(String name, int x, int y, String anchor, String escaped) {
    svg.append(
        "<text class=\"%s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n"
            .formatted(name, x, y, anchor, escaped));
  }

  private void sideways(int x, String label) {
    int y = (TOP + BOTTOM) / 2;
    svg.append(
        "<text text-anchor=\"middle\" transform=\"translate(%d %d) rotate(-90)\">%s</text>\n"
            .formatted(x, y, label));
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

  /** Few digits: 0.25, 1500, 2e-4. */
  private static String number(double value) {
    BigDecimal digits = new BigDecimal(value).round(new MathContext(3, RoundingMode.HALF_EVEN));
    if (digits.signum() == 0) {
      return "0";
    }
    BigDecimal plain = digits.stripTrailingZeros();
    if (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6) {
      return plain.toPlainString();
    }
    int exponent = plain.precision() - plain.scale() - 1;
    return plain.scaleByPowerOfTen(-exponent).toPlainString() + "e" + exponent;
  }

  /** Values from least to most, drawn between two pixels. */
  private record Scale(double least, double most, double first, double last) {
    static Scale around(double least, double most, double first, double last) {
      if (most > least) {
        return new Scale(least, most, first, last);
      }
      double margin = Math.max(Math.abs(least) * 0.1, Double.MIN_NORMAL * 1e16);
      return new Scale(least - margin, most + margin, first, last);
    }

    double at(double value) {
      return first + (value - least) / (most - least) * (last - first);
    }

    /** Round values within, about {@link #TICKS}, at least {@code apart}. */
    List<Double> ticks(double apart) {
      double rough = (most - least) / TICKS;
      double power = Math.pow(10, Math.floor(Math.log10(rough)));
      double ratio = rough / power;
      double round = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
      double stride = Math.max(apart, round);
      List<Double> ticks = new ArrayList<>();
      long from = (long) Math.ceil(least / stride);
      for (long i = from; i * stride <= most * (1 + 1e-12) && ticks.size() <= 2 * TICKS; i++) {
        ticks.add(i * stride);
      }
      return ticks;
    }
  }
}
