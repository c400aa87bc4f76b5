package dev.openlora.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ProcessStatTest {
  @Test
  void readsTimesBehindANameWithBlanksAndParentheses() {
    String line = "42 (a (b) c) S 1 42 42 0 -1 4194304 9 0 0 0 123 45 6 7 20 0 3 0 777 1 2";
    assertThat(ProcessStat.parse(line)).isEqualTo(new ProcessStat("a (b) c", 'S', 1230, 450, 130));
  }

  @Test
  void refusesALineThatIsNoStat() {
    assertThatThrownBy(() -> ProcessStat.parse("42 nothing")).hasMessageContaining("'42 nothing'");
    assertThatThrownBy(() -> ProcessStat.parse("42 (java) S 1 2")).hasMessageContaining("(java)");
  }

  @Test
  void tellsWhatAProcessIsDoing() {
    ProcessStat sleeping =
        ProcessStat.parse(
            "17 (a) R (b c) S 1 17 17 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7");
    assertThat(sleeping.cpuMillis() + sleeping.childMillis()).isEqualTo(1270);
    assertThat(sleeping.stopped()).isFalse();
    assertThat(sleeping.over()).isFalse();
    assertThat(new ProcessStat("a", 'T', 0, 0, 0).stopped()).isTrue();
    assertThat(new ProcessStat("a", 'Z', 0, 0, 0).over()).isTrue();
  }
}
