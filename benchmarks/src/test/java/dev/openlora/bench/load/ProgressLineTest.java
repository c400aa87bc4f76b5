package dev.openlora.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  @Test
  void rewritesItsLineOnATerminalAndTakesItOff() {
    StringWriter written = new StringWriter();
    ProgressLine line = new ProgressLine(new PrintWriter(written), true, () -> "3 of 9");
    line.show();
    line.close();
    assertThat(written.toString())
        .startsWith("\r\u001b[K3 of 9")
        .endsWith("\r\u001b[K")
        .doesNotContain("\n");
  }

  @Test
  void writesPlainLinesAnywhereElse() {
    StringWriter written = new StringWriter();
    try (ProgressLine line = new ProgressLine(new PrintWriter(written), false, () -> "3 of 9")) {
      line.show();
    }
    assertThat(written.toString()).isEqualTo("3 of 9" + System.lineSeparator());
  }
}
