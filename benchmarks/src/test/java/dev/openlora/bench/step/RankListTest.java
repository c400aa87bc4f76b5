package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RankListTest {
  @Test
  void readsRanksOneByOneAndCounted() {
    assertThat(RankList.parse("8,16,64").ranks()).containsExactly(8, 16, 64);
    assertThat(RankList.parse("64, 3x8").ranks()).containsExactly(64, 8, 8, 8);
    assertThat(RankList.parse("64,31x8")).hasToString("64,31x8");
    assertThat(RankList.of(3, 16)).hasToString("3x16");
    assertThat(RankList.of(0, 16)).hasToString("none");
  }

  @Test
  void evenOutMixedRanksAtTheSameSum() {
    // 64 + 31 · 8 = 312 = 24 · 10 + 8 · 9
    RankList even = RankList.parse("64,31x8").even();
    assertThat(even).hasToString("24x10,8x9");
    assertThat(even.sum()).isEqualTo(312);
    assertThat(RankList.of(0, 1).even().ranks()).isEmpty();
    assertThat(new RankList(List.of(4, 4)).even()).hasToString("2x4");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ",", "8,", "x8", "8x", "-1", "8 8", "0", "0x8", "5000", "4097x8", "9999999"})
  void refusesWhatIsNoList(String text) {
    assertThatThrownBy(() -> RankList.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(expected: ");
  }

  @Test
  void refusesTooManyAdapters() {
    assertThatThrownBy(() -> RankList.of(4097, 8)).hasMessage("adapters: 4097 (expected: 0..4096)");
    assertThatThrownBy(() -> RankList.of(-1, 8)).hasMessage("adapters: -1 (expected: 0..4096)");
    assertThatThrownBy(() -> RankList.parse("4000x8,97x8")).hasMessageContaining("97x8");
  }
}
