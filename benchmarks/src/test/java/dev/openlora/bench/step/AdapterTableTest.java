package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class AdapterTableTest {
  private static final AdapterWay EIGHT = AdapterWay.distinct(8, 16);

  private final StringWriter text = new StringWriter();
  private final BenchReport report = BenchReport.begin(new PrintWriter(text), "adapters");

  private static AdapterTable table() {
    return new AdapterTable(
        32,
        List.of(
            new AdapterTable.Line(AdapterWay.base(), List.of(10.0, 20.0, 16.0), 1),
            new AdapterTable.Line(EIGHT, List.of(20.0, 25.0, 32.0), 0.9)));
  }

  @Test
  void ratiosAreTakenWithinRounds() {
    table().print(report);
    assertThat(text.toString().lines().skip(1).toList())
        .containsExactly(
            "",
            "  adapters         sum r  tokens/s                   R: of base only         floor  R"
                + " / floor",
            "  base only            0  2000.0 [1600.0–3200.0]     1.000 [1.000–1.000]     1.000"
                + "  1.000",
            "  8 x r16            128  1280.0 [1000.0–1600.0]     0.500 [0.500–0.800]     0.900"
                + "  0.556");
    assertThat(report.json().path("adapters").path(1).path("ratio_to_base").path("max").asDouble())
        .isEqualTo(0.8);
  }

  @Test
  void oneWayIsSetBesideAnother() {
    table().printRatio(report, "eight_over_base", EIGHT, AdapterWay.base());
    assertThat(text.toString()).endsWith("8 x r16 / base only: 0.500 [0.500–0.800]\n");
    assertThat(report.json().path("eight_over_base").path("median").asDouble()).isEqualTo(0.5);
  }

  @Test
  void refusesRoundsThatAreNotThoseOfTheBase() {
    AdapterTable uneven =
        new AdapterTable(
            1,
            List.of(
                new AdapterTable.Line(AdapterWay.base(), List.of(1.0, 2.0), 1),
                new AdapterTable.Line(EIGHT, List.of(1.0), 1)));
    assertThatThrownBy(() -> uneven.print(report))
        .hasMessage("rounds: 2 and 1 (expected: as many)");
    assertThatThrownBy(() -> new AdapterTable(1, List.of()))
        .hasMessageContaining("(expected: the base alone first)");
  }
}
