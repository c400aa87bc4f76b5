package dev.openlora.bench.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class StackedBarsTest {
  private static Document parsed(StackedBars plot) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(plot.svg())));
  }

  @Test
  void partsLieOnEachOtherAtTheScaleOfTheAxis() throws Exception {
    Document svg =
        parsed(
            new StackedBars(
                "a < b & c",
                "ms",
                List.of("one", "two"),
                List.of(
                    new StackedBars.Bar("x", List.of(1.0, 3.0)),
                    new StackedBars.Bar("y", List.of(2.0, -1.0)))));
    NodeList rectangles = svg.getElementsByTagName("rect");
    // The background, two parts of each bar, and the legend.
    assertThat(rectangles.getLength()).isEqualTo(1 + 4 + 2);
    // An axis up to 5 over 300 units: 1 ms is 60 high, upon the ground at 350.
    Element lower = (Element) rectangles.item(1);
    Element upper = (Element) rectangles.item(2);
    assertThat(lower.getAttribute("height")).isEqualTo("60.00");
    assertThat(lower.getAttribute("y")).isEqualTo("290.00");
    assertThat(upper.getAttribute("height")).isEqualTo("180.00");
    assertThat(upper.getAttribute("y")).isEqualTo("110.00");
    assertThat(((Element) rectangles.item(4)).getAttribute("height")).isEqualTo("0.00");
    assertThat(svg.getElementsByTagName("text").item(0).getTextContent()).isEqualTo("a < b & c");
    assertThat(upper.getAttribute("class")).as("its own colour").isEqualTo("bar s1");
    assertThat(svg.getElementsByTagName("style").item(0).getTextContent())
        .contains("prefers-color-scheme: dark")
        .as("a colour for each part")
        .contains(".s" + (Svg.SERIES - 1) + " {");
  }

  @Test
  void theAxisEndsAtARoundNumber() {
    assertThat(Axis.ceiling(0)).isEqualTo(1);
    assertThat(Axis.ceiling(1)).isEqualTo(1);
    assertThat(Axis.ceiling(1.1)).isEqualTo(2);
    assertThat(Axis.ceiling(47)).isEqualTo(50);
    assertThat(Axis.ceiling(510)).isEqualTo(1000);
  }

  @Test
  void refusesBarsThatDoNotFitTheParts() {
    assertThatThrownBy(() ->
            new StackedBars(
                "t", "ms", List.of("one", "two"), List.of(new StackedBars.Bar("x", List.of(1.0)))))
        .hasMessage("bar 'x': 1 values (expected: 2)");
    assertThatThrownBy(() -> new StackedBars("t", "ms", List.of("one"), List.of()))
        .hasMessageStartingWith("plot: 0 bars");
  }
}
