package dev.openlora.bench.streams;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.bench.process.ProcessUsage;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WorkTest {
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
  void addsThreadsThatDoTheSame() {
    Map<String, Long> threads = Map.of("http-0", 10L, "http-1", 30L, "java", 5L);
    ProcessUsage usage = new ProcessUsage(0, 0, 0, threads);
    assertThat(Work.EVENT_LOOPS.millis(usage)).isEqualTo(40);
    assertThat(Work.OTHER.millis(usage)).isEqualTo(5);
    assertThat(Work.ENGINE.millis(usage)).isZero();
  }
}
