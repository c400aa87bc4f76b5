package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class StreamBandwidthTest {
  private static final long MIB = 1 << 20;

  @Test
  void readsWhatItFilledWithOneThreadAndTwo() throws InterruptedException {
    assertThat(StreamBandwidth.best(1, 64 * MIB, 2)).isPositive().isFinite();
    assertThat(StreamBandwidth.best(2, 64 * MIB, 2)).isPositive().isFinite();
  }

  @Test
  void refusesLessThanABlockForEachThread() {
    assertThatThrownBy(() -> StreamBandwidth.best(3, 64 * MIB, 1))
        .hasMessageContaining("(expected: at least 1 each, and 32 MiB for each thread)");
    assertThatThrownBy(() -> StreamBandwidth.best(1, 64 * MIB, 0)).hasMessageContaining("0 passes");
  }

  @Test
  void aProcessOfItsOwnReadsToo() throws Exception {
    assertThat(StreamBandwidth.ofMachine(1, 64 * MIB, 1)).isPositive().isFinite();
  }
}
