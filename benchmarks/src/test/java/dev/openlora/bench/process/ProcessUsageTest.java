package dev.openlora.bench.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessUsageTest {
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
    assertThat(usage.threadMillis()).containsKey("java");
  }
}
