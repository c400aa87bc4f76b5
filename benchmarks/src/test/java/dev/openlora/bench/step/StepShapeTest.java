package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.model.StepInput;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StepShapeTest {
  @Test
  void aDecodeStepAddsOneRowBehindTheContextOfEachSequence() {
    StepShape shape = StepShape.decode(3, 20);
    StepInput input = shape.input(new Random(1), 100, List.of());
    assertThat(input.positions()).containsExactly(20, 20, 20);
    assertThat(input.attention().kvLengths()).containsExactly(21, 21, 21);
    assertThat(input.attention().queryStarts()).containsExactly(0, 1, 2, 3);
    assertThat(input.outputRows()).containsExactly(0, 1, 2);
    assertThat(input.runs()).isEmpty();
    assertThat(Arrays.stream(input.tokenIds())).allMatch(id -> id >= 0 && id < 100);
    assertThat(shape.pages()).isEqualTo(6);
    assertThat(Arrays.stream(input.attention().pageTables()).flatMapToInt(Arrays::stream))
        .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
  }

  @Test
  void aPrefillGivesTheLogitsOfItsLastRow() {
    StepInput input = StepShape.prefill(5).input(new Random(1), 100, List.of());
    assertThat(input.positions()).containsExactly(0, 1, 2, 3, 4);
    assertThat(input.attention().kvLengths()).containsExactly(5);
    assertThat(input.outputRows()).containsExactly(4);
  }

  @Test
  void adaptersTakeNeighbouringSequences() {
    StepShape shape = StepShape.decode(8, 0);
    assertThat(adapters(shape, 0)).containsOnly(-1);
    assertThat(adapters(shape, 1)).containsOnly(0);
    assertThat(adapters(shape, 3)).containsExactly(0, 0, 0, 1, 1, 1, 2, 2);
    assertThat(adapters(shape, 8)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
  }

  private static List<Integer> adapters(StepShape shape, int adapters) {
    return java.util.stream.IntStream.range(0, shape.sequences())
        .mapToObj(s -> shape.adapterOf(s, adapters))
        .toList();
  }

  @Test
  void saysWhatItIs() {
    assertThat(StepShape.decode(1, 64)).hasToString("decode of 1 row at 64");
    assertThat(StepShape.decode(8, 64)).hasToString("decode of 8 rows at 64");
    assertThat(StepShape.prefill(512)).hasToString("prefill of 512 rows");
  }

  @Test
  void refusesSizesOutsideTheLimits() {
    assertThatThrownBy(() -> StepShape.decode(0, 1)).hasMessage("batch: 0 (expected: 1..4096)");
    assertThatThrownBy(() -> StepShape.decode(1, -1)).hasMessageStartingWith("context: -1");
    assertThatThrownBy(() -> StepShape.prefill(-5)).hasMessageStartingWith("prompt: -5");
  }
}
