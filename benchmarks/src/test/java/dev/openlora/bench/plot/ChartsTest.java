package dev.openlora.bench.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.bench.Spread;
import java.io.StringReader;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ChartsTest {
  @Test
  void saysThatThereIsNothingToDraw() throws Exception {
    assertThat(texts(parse(new BarChart("t", "s", List.of(), List.of()).svg())))
        .contains("nothing was measured");
    assertThat(texts(parse(new LatencyCurves("t", "s", Map.of("a", new Histogram(3))).svg())))
        .contains("no answer");
  }

  @Test
  void drawsABarForEachServerAsHighAsItsMedianAndADashWhereOneIsMissing() throws Exception {
    BarChart.Group group =
        new BarChart.Group(
            "base-8 <&>", Map.of("ours", new Spread(50, 40, 60), "vllm", new Spread(100, 90, 120)));
    Document svg =
        parse(
            new BarChart(
                    "title",
                    "subtitle",
                    List.of("ours", "none", "vllm"),
                    List.of(new BarChart.Panel("tokens/s", List.of(group))))
                .svg());
    List<Element> bars = elements(svg, "rect", "bar").stream().skip(3).toList();
    assertThat(bars).as("besides those of the legend").hasSize(2);
    double ours = Double.parseDouble(bars.get(0).getAttribute("height"));
    double vllm = Double.parseDouble(bars.get(1).getAttribute("height"));
    assertThat(vllm / ours).isCloseTo(2, within(0.01));
    assertThat(bars.get(0).getAttribute("class")).isEqualTo("bar s0");
    assertThat(bars.get(1).getAttribute("class")).as("its own colour").isEqualTo("bar s2");
    assertThat(elements(svg, "line", "whisker")).as("a line and two ends each").hasSize(6);
    assertThat(texts(svg)).contains("–", "base-8 <&>", "ours", "none", "vllm", "50", "100");
  }

  @Test
  void drawsCurvesThatNeverFallBack() throws Exception {
    Histogram histogram = new Histogram(3);
    for (long millis = 1; millis <= 2000; millis++) {
      histogram.recordValue(millis * 1_000_000);
    }
    Map<String, Histogram> curves = new LinkedHashMap<>();
    curves.put("first text", histogram);
    Document svg = parse(new LatencyCurves("title", "subtitle", curves).svg());
    Element curve = (Element) svg.getElementsByTagName("polyline").item(1);
    double lastX = 0;
    double lastY = 1000;
    for (String point : curve.getAttribute("points").strip().split(" ", -1)) {
      double x = Double.parseDouble(point.split(",", -1)[0]);
      double y = Double.parseDouble(point.split(",", -1)[1]);
      assertThat(x).isGreaterThanOrEqualTo(lastX);
      assertThat(y).isLessThanOrEqualTo(lastY);
      lastX = x;
      lastY = y;
    }
    assertThat(texts(svg)).anyMatch(text -> text.startsWith("first text: p50 1000."));
  }

  @Test
  void putsLogarithmicTicksAtOneTwoAndFive() {
    Axis axis = Axis.logarithmic(3, 150, 0, 100);
    assertThat(axis.least()).isCloseTo(2, within(1e-9));
    assertThat(axis.most()).isCloseTo(200, within(1e-9));
    assertThat(axis.ticks()).hasSize(7);
    assertThat(axis.at(20)).isCloseTo(50, within(1e-9));
    assertThat(Axis.logarithmic(5, 5, 0, 100).at(5)).as("one value only").isFinite();
    assertThat(Axis.linear(0, 0, 0, 100).at(0)).isZero();
    assertThat(Axis.number(0.25)).isEqualTo("0.25");
    assertThat(Axis.number(31.46)).isEqualTo("31.5");
    assertThat(Axis.number(1020.4)).isEqualTo("1020");
  }

  private static Document parse(String svg) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }

  private static List<Element> elements(Document svg, String tag, String kind) {
    NodeList all = svg.getElementsByTagName(tag);
    return java.util.stream.IntStream.range(0, all.getLength())
        .mapToObj(i -> (Element) all.item(i))
        .filter(each -> List.of(each.getAttribute("class").split(" ", -1)).contains(kind))
        .toList();
  }

  private static List<String> texts(Document svg) {
    NodeList all = svg.getElementsByTagName("text");
    return java.util.stream.IntStream.range(0, all.getLength())
        .mapToObj(i -> all.item(i).getTextContent())
        .toList();
  }
}
