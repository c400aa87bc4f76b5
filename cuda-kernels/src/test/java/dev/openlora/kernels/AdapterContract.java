package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.openlora.kernels.OpsFixture.Pair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every implementation of {@link Ops} does with adapters, compared with {@link ReferenceOps}
 * over random shapes.
 */
abstract class AdapterContract extends OpsSuite {
  @Test
  void appliesOneRowSegmentsInTheirOrderWhateverRowsTheyName() {
    int rows = 12;
    Pair x = f.random(DType.BF16, 1, rows, 32);
    Pair y = f.inOut(DType.BF16, 1, rows, 24);
    List<LoraSegment> fast = new ArrayList<>();
    List<LoraSegment> slow = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int row = f.random.nextInt(rows);
      Pair a = f.random(DType.BF16, 0.2, 4, 32);
      Pair b = f.random(DType.BF16, 0.2, 24, 4);
      Pair gain = f.random(DType.BF16, 1, 24);
      fast.add(new LoraSegment(row, row + 1, a.fast(), b.fast(), 0.5f, gain.fast(), null));
      slow.add(new LoraSegment(row, row + 1, a.slow(), b.slow(), 0.5f, gain.slow(), null));
    }
    ops.addLora(y.fast(), x.fast(), fast);
    f.twin.addLora(y.slow(), x.slow(), slow);
    f.check("forty segments in any order");
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void gatesAsTheThreeOperationsDo(DType dtype) {
    int[][] sizes = {
      {1, 1, 1}, {1, 896, 33}, {5, 17, 300}, {33, 64, 129}, {70, 100, 257}, {600, 64, 70}
    };
    for (int[] size : sizes) {
      for (boolean biased : new boolean[] {false, true}) {
        gatedLinear(dtype, size[0], size[1], size[2], biased, List.of(), List.of());
        List<LoraSegment> ofGate = new ArrayList<>();
        List<LoraSegment> ofUp = new ArrayList<>();
        segments(dtype, size[0], size[1], size[2], ofGate, new ArrayList<>());
        segments(dtype, size[0], size[1], size[2], ofUp, new ArrayList<>());
        gatedLinear(dtype, size[0], size[1], size[2], biased, ofGate, ofUp);
      }
    }
  }

  /** Adapters that only add, one to a row at most, may be summed up before the product is. */
  @ParameterizedTest
  @CsvSource({
    "1, 64, 32, 1, 1",
    "8, 896, 200, 1, 1",
    "20, 96, 1000, 1, 2",
    "32, 64, 1700, 3, 6",
    "32, 64, 129, 1, 6",
    "32, 64, 96, 24, 30",
    "50, 100, 257, 1, 40",
    "70, 64, 300, 1, 40",
    "600, 64, 70, 1, 300"
  })
  void gatesAdaptersThatOnlyAdd(int rows, int in, int width, int shortest, int longest) {
    List<LoraSegment> some = f.additions(rows, in, width, shortest, longest);
    List<LoraSegment> others = f.additions(rows, in, width, shortest, longest);
    gatedLinear(DType.BF16, rows, in, width, true, some, others);
    gatedLinear(DType.BF16, rows, in, width, false, some, List.of());
    gatedLinear(DType.BF16, rows, in, width, false, List.of(), some);
  }

  /** Rows that no cache holds go past the weights in parts, and a long prompt lies in several. */
  @ParameterizedTest
  @CsvSource({"600, 64, 70", "300, 4160, 40"})
  void gatesALongPromptUnderOneAdapter(int rows, int in, int width) {
    Tensor a = f.random(DType.BF16, 1 / Math.sqrt(in), 16, in).fast();
    Tensor b = f.random(DType.BF16, 0.25, width, 16).fast();
    int from = f.between(0, 100);
    int to = f.between(rows - 60, rows);
    LoraSegment prompt = new LoraSegment(from, to, a, b, 0.5f, null, null);
    gatedLinear(DType.BF16, rows, in, width, false, List.of(prompt), List.of(prompt));
    for (int first : new int[] {0, from, 110, rows - 100, rows - 40}) {
      adaptsRowsAsAlone(rows, in, width, prompt, first);
    }
  }

  /** 40 rows from {@code first} on are the same in the prompt and without the rest of it. */
  private void adaptsRowsAsAlone(int rows, int in, int width, LoraSegment prompt, int first) {
    Tensor x = f.random(DType.BF16, 1, rows, in).fast();
    Tensor weight = f.random(DType.BF16, 1 / Math.sqrt(in), width, in).fast();
    ops.prepare(weight, f.arena);
    Tensor whole = f.arena.allocate(DType.F32, rows, width);
    ops.linear(whole, x, new AdaptedLinear(weight, null, List.of(prompt)));
    Tensor part = f.arena.allocate(DType.F32, 40, width);
    int from = Math.max(0, prompt.from() - first);
    int to = Math.min(40, prompt.to() - first);
    List<LoraSegment> segments =
        from < to
            ? List.of(new LoraSegment(from, to, prompt.a(), prompt.b(), prompt.scale(), null, null))
            : List.of();
    ops.linear(part, x.rows(first, first + 40), new AdaptedLinear(weight, null, segments));
    float[] alone = f.read(part);
    float[] together = Arrays.copyOfRange(f.read(whole), first * width, (first + 40) * width);
    for (int i = 0; i < alone.length; i++) {
      assertThat(together[i])
          .as("rows from %d, element %d", first, i)
          .isCloseTo(alone[i], within(0.03f * (1 + Math.abs(alone[i]))));
    }
  }

  private void gatedLinear(
      DType dtype,
      int rows,
      int in,
      int width,
      boolean biased,
      List<LoraSegment> ofGate,
      List<LoraSegment> ofUp) {
    Pair x = f.random(dtype, 1, rows, in);
    Pair gate = f.random(dtype, 1 / Math.sqrt(in), width, in);
    Pair up = f.random(dtype, 1 / Math.sqrt(in), width, in);
    Pair bias = biased ? f.random(dtype, 1, width) : null;
    Tensor fastBias = bias == null ? null : bias.fast();
    ops.prepare(gate.fast(), f.arena);
    ops.prepare(up.fast(), f.arena);
    Tensor gated = f.arena.allocate(DType.F32, rows, width);
    Tensor raised = f.arena.allocate(DType.F32, rows, width);
    AdaptedLinear gateLayer = new AdaptedLinear(gate.fast(), fastBias, ofGate);
    AdaptedLinear upLayer = new AdaptedLinear(up.fast(), fastBias, ofUp);
    ops.linear(gated, x.fast(), gateLayer);
    ops.linear(raised, x.fast(), upLayer);
    Tensor inThree = f.arena.allocate(dtype, rows, width);
    ops.siluMul(inThree, gated, raised);

    Tensor inOne = f.arena.allocate(dtype, rows, width);
    ops.gatedLinear(inOne, x.fast(), gateLayer, upLayer, gated, raised);

    assertThat(f.read(inOne))
        .as(named("gatedLinear", dtype, rows, in, width))
        .isEqualTo(f.read(inThree));
  }

  private AdaptedLinear layer(
      DType dtype, Tensor weight, @Nullable Tensor bias, int rows, boolean adapted) {
    if (!adapted) {
      return new AdaptedLinear(weight, bias);
    }
    List<LoraSegment> segments = new ArrayList<>();
    int in = Math.toIntExact(weight.size(1));
    segments(dtype, rows, in, Math.toIntExact(weight.size(0)), segments, new ArrayList<>());
    return new AdaptedLinear(weight, bias, segments);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void adaptsAsLinearAndThenItsSegments(DType dtype) {
    int[][] sizes = {{1, 64, 1}, {30, 64, 33}, {32, 96, 40}, {48, 32, 129}, {130, 64, 200}};
    for (int[] size : sizes) {
      adaptedLinear(dtype, dtype, size[0], size[1], size[2]);
      adaptedLinear(DType.F32, dtype, size[0], size[1], size[2]);
    }
    for (int i = 0; i < 8; i++) {
      adaptedLinear(dtype, dtype, f.between(1, 100), f.between(1, 130), f.between(1, 130));
    }
  }

  @Test
  void multipliesByLayersOfOneInputAsByEachAlone() {
    for (int rows : new int[] {1, 7, 32, 50, 70}) {
      int in = f.between(1, 3) * 32;
      Pair x = f.random(DType.BF16, 1, rows, in);
      List<Tensor> together = new ArrayList<>();
      List<Tensor> alone = new ArrayList<>();
      List<AdaptedLinear> layers = new ArrayList<>();
      for (int width : new int[] {f.between(1, 200), 32, f.between(1, 90)}) {
        Pair weight = f.random(DType.BF16, 0.1, width, in);
        ops.prepare(weight.fast(), f.arena);
        layers.add(layer(DType.BF16, weight.fast(), null, rows, f.random.nextBoolean()));
        together.add(f.arena.allocate(DType.BF16, rows, width));
        alone.add(f.arena.allocate(DType.BF16, rows, width));
      }
      ops.linear(together, x.fast(), layers);
      for (int i = 0; i < 3; i++) {
        ops.linear(alone.get(i), x.fast(), layers.get(i));
        assertThat(f.read(together.get(i))).isEqualTo(f.read(alone.get(i)));
      }
    }
  }

  /** Of ranks that fill registers or tiles, and of others; runs of one row to more than a tile. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 16, 31, 32, 48, 64, 96, 288})
  void adaptsRunsOfAFewRowsByAnyRank(int rank) {
    for (DType outType : List.of(DType.F32, DType.BF16)) {
      List<LoraSegment> fast = new ArrayList<>();
      List<LoraSegment> slow = new ArrayList<>();
      int kind = 2;
      int from = 0;
      for (int rows : new int[] {1, 2, 3, 4, 7, 13, 20}) {
        segment(DType.BF16, from, from + rows, 64, 77, kind, rank, fast, slow);
        kind = 5 - kind; // 2 and 3 in turns
        from += rows;
      }
      adaptedLinear(outType, DType.BF16, from, 64, 77, fast, slow);
    }
  }

  private void adaptedLinear(DType outType, DType dtype, int rows, int in, int width) {
    List<LoraSegment> fast = new ArrayList<>();
    List<LoraSegment> slow = new ArrayList<>();
    segments(dtype, rows, in, width, fast, slow);
    adaptedLinear(outType, dtype, rows, in, width, fast, slow);
  }

  private void adaptedLinear(
      DType outType,
      DType dtype,
      int rows,
      int in,
      int width,
      List<LoraSegment> fast,
      List<LoraSegment> slow) {
    Pair x = f.random(dtype, 1, rows, in);
    Pair weight = f.random(dtype, 1 / Math.sqrt(in), width, in);
    Pair bias = f.random(dtype, 1, width);
    Pair out = f.output(outType, rows, width);
    ops.prepare(weight.fast(), f.arena);
    AdaptedLinear layer = new AdaptedLinear(weight.fast(), bias.fast(), fast);
    ops.linear(out.fast(), x.fast(), layer);
    float[] first = f.read(out.fast());
    ops.linear(out.fast(), x.fast(), layer);
    assertThat(f.read(out.fast())).as("by matrices that were kept").isEqualTo(first);
    f.twin.linear(out.slow(), x.slow(), new AdaptedLinear(weight.slow(), bias.slow(), slow));
    if (outType == dtype) {
      f.checkSums(named("adapted", dtype, rows, in, width, fast.size()), out);
    } else {
      Pair narrow = f.of(DType.BF16, f.read(out.fast()), rows, width);
      f.checkSums("adapted, widened", new Pair(narrow.fast(), narrow.fast(), out.slow()));
    }
    f.outputs.clear();
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void addsEachSegmentsOwnAdapter(DType dtype) {
    for (int round = 0; round < 8; round++) {
      int rows = f.between(1, 24);
      int in = f.between(1, 90);
      int width = f.between(1, 90);
      Pair x = f.random(dtype, 1, rows, in);
      Pair y = f.inOut(dtype, 1, rows, width);
      List<LoraSegment> fast = new ArrayList<>();
      List<LoraSegment> slow = new ArrayList<>();
      segments(dtype, rows, in, width, fast, slow);
      ops.addLora(y.fast(), x.fast(), fast);
      f.twin.addLora(y.slow(), x.slow(), slow);
      f.checkSums(named("addLora", dtype, rows, in, width, fast.size()), y);
    }
  }

  /** Segments of random kinds for most of the rows; a few rows or many have the same. */
  private void segments(
      DType dtype, int rows, int in, int width, List<LoraSegment> fast, List<LoraSegment> slow) {
    for (int from = 0; from < rows; ) {
      int to = f.between(from + 1, rows);
      int kind = f.between(0, 5);
      if (kind > 0) {
        segment(dtype, from, to, in, width, kind, f.between(1, 40), fast, slow);
      }
      from = to;
    }
  }

  /** kind 1: gain alone, 2: matrices and shift, 3: all, 4 and 5: matrices, split in two. */
  private void segment(
      DType dtype,
      int from,
      int to,
      int in,
      int width,
      int kind,
      int rank,
      List<LoraSegment> fast,
      List<LoraSegment> slow) {
    Pair a = f.random(dtype, 1 / Math.sqrt(in), rank, in);
    Pair b = f.random(dtype, 1 / Math.sqrt(rank), width, rank);
    Pair gain = f.random(dtype, 1, width);
    Pair shift = f.random(dtype, 1, width);
    boolean matrices = kind != 1;
    boolean gained = kind == 1 || kind == 3;
    boolean shifted = kind == 2 || kind == 3;
    int middle = kind >= 4 && to - from > 1 ? from + 1 : to;
    for (int[] part : new int[][] {{from, middle}, {middle, to}}) {
      if (part[0] < part[1]) {
        for (boolean slowly : new boolean[] {false, true}) {
          Function<Pair, Tensor> side = slowly ? Pair::slow : Pair::fast;
          LoraSegment segment =
              new LoraSegment(
                  part[0],
                  part[1],
                  matrices ? side.apply(a) : null,
                  matrices ? side.apply(b) : null,
                  0.5f,
                  gained ? side.apply(gain) : null,
                  shifted ? side.apply(shift) : null);
          (slowly ? slow : fast).add(segment);
        }
      }
    }
  }

  @Test
  void mixesTwoAdaptersOnTheSameRows() {
    Pair x = f.random(DType.F32, 1, 4, 16);
    Pair y = f.inOut(DType.F32, 1, 4, 24);
    List<LoraSegment> fast = new ArrayList<>();
    List<LoraSegment> slow = new ArrayList<>();
    segment(DType.F32, 0, 3, 16, 24, 3, f.between(1, 40), fast, slow);
    segment(DType.F32, 1, 4, 16, 24, 2, f.between(1, 40), fast, slow);
    segment(DType.F32, 0, 4, 16, 24, 1, f.between(1, 40), fast, slow);
    ops.addLora(y.fast(), x.fast(), fast);
    f.twin.addLora(y.slow(), x.slow(), slow);
    f.check("mixed");
  }

  @Test
  void aBrokenAdapterHarmsItsOwnRowsOnly() {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      Pair x = f.random(dtype, 1, 6, 32);
      Pair y = f.inOut(dtype, 1, 6, 40);
      List<LoraSegment> fast = new ArrayList<>();
      segment(dtype, 0, 2, 32, 40, 5, f.between(1, 40), fast, new ArrayList<>());
      float[] broken = new float[4 * 32];
      Arrays.fill(broken, Float.NaN);
      Pair a = f.of(dtype, broken, 4, 32);
      Pair b = f.random(dtype, 1, 40, 4);
      fast.add(new LoraSegment(2, 4, a.fast(), b.fast(), 1, null, null));
      segment(dtype, 4, 6, 32, 40, 3, f.between(1, 40), fast, new ArrayList<>());
      ops.addLora(y.fast(), x.fast(), fast);
      float[] after = f.read(y.fast());
      for (int row = 0; row < 6; row++) {
        assertThat(finite(after, row, 40)).as("row %d", row).isEqualTo(row != 2 && row != 3);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void measuresTheRowsOfAnAdaptedWeight(DType dtype) {
    Pair weight = f.random(dtype, 1, 70, 45);
    Pair a = f.random(dtype, 1, 5, 45);
    Pair b = f.random(dtype, 1, 70, 5);
    Pair out = f.output(DType.F32, 70);
    ops.loraRowNorms(out.fast(), weight.fast(), a.fast(), b.fast(), 0.25f);
    f.twin.loraRowNorms(out.slow(), weight.slow(), a.slow(), b.slow(), 0.25f);
    f.check("norms");
  }
}
