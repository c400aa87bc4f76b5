package dev.openlora.bench.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessMemoryTest {
  @Test
  void readsResidentMemoryAndItsPeak() {
    assertThat(
            ProcessMemory.ofStatus(
                List.of("Name:\tjava", "VmHWM:\t  300 kB", "VmRSS:\t  200 kB", "VmSwap:\t 0 kB")))
        .isEqualTo(new ProcessMemory(200 * 1024, 300 * 1024));
    assertThat(ProcessMemory.ofStatus(List.of("Name:\tkthreadd", "Threads:\t1")))
        .isEqualTo(new ProcessMemory(0, 0));
  }

  @Test
  void thisProcessHoldsMemory() {
    ProcessMemory own = ProcessMemory.of(ProcessHandle.current().pid());
    assertThat(own.residentBytes()).isGreaterThan(10 << 20);
    assertThat(own.peakBytes()).isGreaterThanOrEqualTo(own.residentBytes());
  }
}
