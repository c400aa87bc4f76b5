package dev.openlora.bench.step;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.bench.step.MatrixShapes.Matrix;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepFloorTest {
  /** One layer of two matrices and a head, two bytes each: 12 + 20 and 40 elements. */
  private static final MatrixShapes SMALL =
      new MatrixShapes(List.of(new Matrix(3, 4), new Matrix(4, 5)), new Matrix(4, 10), 2, 2);

  /** 896 wide, 24 layers, 14 and 2 heads of 64, 4864 inner, 32,000 tokens. */
  private static MatrixShapes half() {
    List<Matrix> layers = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      layers.add(new Matrix(896, 896));
      layers.add(new Matrix(896, 128));
      layers.add(new Matrix(896, 128));
      layers.add(new Matrix(896, 896));
      layers.add(new Matrix(896, 4864));
      layers.add(new Matrix(896, 4864));
      layers.add(new Matrix(4864, 896));
    }
    return new MatrixShapes(layers, new Matrix(896, 32_000), 2, 2);
  }

  @Test
  void countsBytesOnceAndProductsPerRow() {
    StepFloor floor = StepFloor.of(SMALL, 6, 2, List.of());
    assertThat(floor.layers()).isEqualTo(new Roofline.Work(32 * 2, 2 * 32 * 6));
    assertThat(floor.head()).isEqualTo(new Roofline.Work(40 * 2, 2 * 40 * 2));
    assertThat(floor.adapters()).isEqualTo(new Roofline.Work(0, 0));
    assertThat(floor.bytes()).isEqualTo(144);
    assertThat(floor.flops()).isEqualTo(544);
  }

  @Test
  void eachPhaseTakesTheLongerOfReadingAndMultiplying() {
    StepFloor floor = StepFloor.of(SMALL, 6, 2, List.of());
    // Layers: 64 bytes at 32 a second, 384 flop at 96: 4 s. Head: 80 bytes, 160 flop: 2.5 s.
    assertThat(floor.seconds(new Roofline(32, 96))).isEqualTo(6.5);
    assertThat(floor.seconds(new Roofline(1e9, 272))).isCloseTo(2, within(1e-6));
    assertThat(floor.seconds(new Roofline(72, 1e9))).isCloseTo(2, within(1e-6));
  }

  @Test
  void adaptersAddTheirBytesAndTheProductsOfTheirRows() {
    // A pair of rank 1 has 3 + 4 and 4 + 5 elements.
    StepFloor floor =
        StepFloor.of(SMALL, 6, 6, List.of(new StepFloor.Share(2, 4), new StepFloor.Share(8, 1)));
    assertThat(floor.adapters())
        .isEqualTo(new Roofline.Work((2 + 8) * 16 * 2, 2 * (2 * 16 * 4 + 8 * 16)));
  }

  @Test
  void theHalfBillionShapeHasTheBytesThatWereCounted() {
    MatrixShapes half = half();
    assertThat(half.weightBytes()).isEqualTo(772_997_120);
    StepFloor floor = StepFloor.of(half, StepShape.decode(32, 64), RankList.of(1, 16));
    assertThat(floor.adapters().bytes()).isEqualTo(17_596_416);
  }

  @Test
  void ratiosOfAdaptersFollowFromTheFloors() {
    // 24.736 GFLOP at 760 GFLOP/s: 32.547 ms. 17.6 MB at 45 GB/s: 0.391 ms for each adapter, but
    // their products of 32 rows, 0.563 GFLOP, take 0.741 ms however many they are.
    Roofline roofline = new Roofline(45e9, 760e9);
    assertThat(ratio(1, roofline)).isCloseTo(32.547 / 33.288, within(1e-4));
    assertThat(ratio(8, roofline)).isCloseTo(32.547 / 35.676, within(1e-4));
    assertThat(ratio(32, roofline)).isCloseTo(32.547 / 45.060, within(1e-4));
    assertThat(ratio(0, roofline)).isEqualTo(1);
  }

  private static double ratio(int adapters, Roofline roofline) {
    return StepFloor.of(half(), StepShape.decode(32, 64), RankList.of(adapters, 16))
        .ratioToBase(roofline);
  }

  @Test
  void quantizedWeightsHalveTheBaseAndLeaveTheAdapters() {
    MatrixShapes int8 = new MatrixShapes(half().layers(), half().head(), 1, 2);
    StepFloor floor = StepFloor.of(int8, StepShape.decode(1, 64), RankList.of(1, 16));
    assertThat(floor.layers().bytes() + floor.head().bytes()).isEqualTo(386_498_560);
    assertThat(floor.adapters().bytes()).isEqualTo(17_596_416);
  }

  @Test
  void rowsAreSharedOutAsTheStepDoes() {
    StepFloor floor = StepFloor.of(SMALL, StepShape.decode(5, 0), RankList.parse("1,10"));
    // Sequences 0 to 2 go through the first, 3 and 4 through the second.
    assertThat(floor.adapters().flops()).isEqualTo(2 * 16 * (1 * 3 + 10 * 2));
    StepFloor prefill = StepFloor.of(SMALL, StepShape.prefill(7), RankList.parse("4"));
    assertThat(prefill.adapters().flops()).isEqualTo(2 * 16 * 4 * 7);
    assertThat(prefill.layers().flops()).isEqualTo(2 * 32 * 7);
    assertThat(prefill.head().flops()).isEqualTo(2 * 40);
  }

  @Test
  void refusesARooflineThatIsNone() {
    assertThatThrownBy(() -> new Roofline(0, 1)).hasMessageContaining("(expected: above 0)");
    assertThatThrownBy(() -> new Roofline(1, Double.NaN)).hasMessageContaining("NaN flop/s");
    assertThatThrownBy(() -> new MatrixShapes(List.of(), new Matrix(1, 1), 0, 2))
        .hasMessageContaining("element bytes: 0");
  }
}
