package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.bench.streams.ProcessUsage.Stat;
import dev.openlora.bench.streams.ProcessUsage.Work;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessUsageTest {
  @Test
  void readsTimesBehindANameWithBlanksAndParentheses() {
    String line = "42 (a (b) c) S 1 42 42 0 -1 4194304 9 0 0 0 123 45 0 0 20 0 3 0 777 1 2";
    assertThat(Stat.parse(line)).isEqualTo(new Stat("a (b) c", 1230, 450));
  }

  @Test
  void refusesALineThatIsNoStat() {
    assertThatThrownBy(() -> Stat.parse("42 nothing")).hasMessageContaining("'42 nothing'");
    assertThatThrownBy(() -> Stat.parse("42 (java) S 1 2")).hasMessageContaining("(java)");
  }

  @Test
  void tellsWorkFromThreadNames() {
    assertThat(Work.of("http-3")).isEqualTo(Work.EVENT_LOOPS);
    assertThat(Work.of("null-engine")).isEqualTo(Work.ENGINE);
    assertThat(Work.of("G1 Conc#0")).isEqualTo(Work.COLLECTOR);
    assertThat(Work.of("GC Thread#1")).isEqualTo(Work.COLLECTOR);
    assertThat(Work.of("C2 Comp..hread0")).isEqualTo(Work.COMPILER);
    assertThat(Work.of("VM Thread")).isEqualTo(Work.OTHER);
  }

  @Test
  void readsResidentMemoryInBytes() throws IOException {
    assertThat(ProcessUsage.residentBytes(List.of("Name:\tjava", "VmRSS:\t   2048 kB")))
        .isEqualTo(2048 * 1024);
    assertThatThrownBy(() -> ProcessUsage.residentBytes(List.of("Name:\tjava")))
        .hasMessageContaining("VmRSS");
  }

  @Test
  void readsThisProcess() throws IOException {
    ProcessUsage usage = ProcessUsage.of(ProcessHandle.current().pid());
    assertThat(usage.cpuMillis()).isPositive();
    assertThat(usage.residentBytes()).isGreaterThan(1 << 20);
    assertThat(usage.threadMillis()).containsKey(Work.OTHER);
  }

  @Test
  void readsTheLimitOfOpenFiles() throws IOException {
    String head = "Limit                     Soft Limit           Hard Limit           Units";
    String line = "Max open files            1024                 524288               files";
    assertThat(OpenFiles.max(List.of(head, line))).isEqualTo(1024);
    assertThat(OpenFiles.max(List.of(line.replace("1024     ", "unlimited"))))
        .isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> OpenFiles.max(List.of(head))).hasMessageContaining("Max open files");
  }
}
