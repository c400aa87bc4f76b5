package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.StringReader;
import java.util.List;
import java.util.Random;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class LossCurveTest {
  private static Document parsed(String svg) throws Exception {
    assertThat(svg).doesNotContain("NaN").doesNotContain("Infinity");
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }

  static LossHistory history(int steps) {
    LossHistory history = new LossHistory();
    Random random = new Random(4);
    LearningRate rate = new LearningRate(2e-4, 0.05, 0, 0.1);
    for (int step = 1; step <= steps; step++) {
      double loss = 1.4 + 2.1 * Math.exp(-step / (0.2 * steps)) + 0.15 * random.nextGaussian();
      history.add(step, loss, rate.at(step, steps));
      if (step % Math.max(1, steps / 12) == 0) {
        history.addEvaluation(step, 1.55 + 2 * Math.exp(-step / (0.2 * steps)));
      }
    }
    return history;
  }

  private static double[][] points(Document svg, String name) {
    NodeList lines = svg.getElementsByTagName("polyline");
    String longest = "";
    for (int i = 0; i < lines.getLength(); i++) {
      Element line = (Element) lines.item(i);
      if (line.getAttribute("class").equals(name)
          && line.getAttribute("points").length() > longest.length()) {
        longest = line.getAttribute("points");
      }
    }
    return longest
        .lines()
        .flatMap(line -> List.of(line.strip().split(" ")).stream())
        .map(pair ->
            new double[] {
              Double.parseDouble(pair.split(",")[0]), Double.parseDouble(pair.split(",")[1])
            })
        .toArray(double[][]::new);
  }

  @Test
  void drawsARunOfNoStepOneStepAndEqualSteps() throws Exception {
    parsed(LossCurve.svg("nothing", new LossHistory()));
    LossHistory history = new LossHistory();
    history.add(1, 2.5, 1e-4);
    parsed(LossCurve.svg("one", history));
    history.add(2, 2.5, 1e-4);
    history.addEvaluation(2, 2.5);
    parsed(LossCurve.svg("equal", history));
    LossHistory zero = new LossHistory();
    zero.add(1, 0, 0);
    parsed(LossCurve.svg("zero", zero));
    LossHistory evaluated = new LossHistory();
    evaluated.addEvaluation(1, 3);
    parsed(LossCurve.svg("evaluated", evaluated));
  }

  @Test
  void writesATitleAsTextWhateverIsInIt() throws Exception {
    Document svg = parsed(LossCurve.svg("a <b> & \u0001 \"c\" ]]> \uD83D\uDE00", history(3)));
    assertThat(svg.getElementsByTagName("title").item(0).getTextContent())
        .isEqualTo("a <b> &  \"c\" ]]> \uD83D\uDE00");
  }

  @Test
  void everyPointIsWithinTheAxesAndLowerIsDrawnLower() throws Exception {
    Document svg = parsed(LossCurve.svg("run", history(400)));
    for (String name : List.of("raw", "smooth", "held", "rate")) {
      assertThat(List.of(points(svg, name)))
          .as(name)
          .hasSizeGreaterThan(11)
          .allSatisfy(point -> {
            assertThat(point[0]).isBetween(76.0, 812.0);
            assertThat(point[1]).isBetween(84.0, 416.0);
          });
    }
    double[][] smooth = points(svg, "smooth");
    assertThat(smooth).hasNumberOfRows(400);
    assertThat(smooth[399][0]).isEqualTo(812.0);
    assertThat(smooth[399][1]).isGreaterThan(smooth[0][1] + 100);
    assertThat(svg.getElementsByTagName("circle").getLength()).isEqualTo(12 + 1);
  }

  @Test
  void aLongRunBecomesMeansInBoundedMemory() {
    LossHistory history = new LossHistory();
    int steps = 3 * LossHistory.POINTS_MAX + 5;
    for (int step = 1; step <= steps; step++) {
      history.add(step, step, 0.5);
      history.addEvaluation(step, step);
    }
    List<LossHistory.Point> points = history.points();
    assertThat(points).hasSizeLessThanOrEqualTo(LossHistory.POINTS_MAX);
    assertThat(points.getLast().step()).isEqualTo(steps);
    assertThat(points.getFirst()).isEqualTo(new LossHistory.Point(4, 2.5, 0.5));
    assertThat(points.get(1)).isEqualTo(new LossHistory.Point(8, 6.5, 0.5));
    assertThat(history.evaluations()).hasSizeLessThanOrEqualTo(LossHistory.POINTS_MAX);
    assertThat(history.evaluations().getLast().step()).isCloseTo(steps, within(4));
    LossHistory again = LossHistory.of(history.toJson());
    again.add(steps + 1, 7, 0.5);
    history.add(steps + 1, 7, 0.5);
    assertThat(again.points()).isEqualTo(history.points());
    assertThat(again.evaluations()).isEqualTo(history.evaluations());
  }
}
