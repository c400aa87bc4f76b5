package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.kernels.OpsFixture.Pair;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What linear layers of int8 weights do on every instruction set, compared with {@link Int8Weight}
 * and, where weights are widened, to the bit with the BF16 kernels. Prints its seed; {@code
 * -Dtests.seed=…} replays one.
 */
abstract class Int8LinearContract {
  private final CpuIsa isa;
  private final List<CpuOps> opened = new ArrayList<>();
  private int arenasBefore;
  private CpuOps ops;
  private OpsFixture f;

  Int8LinearContract(CpuIsa isa) {
    this.isa = isa;
  }

  @BeforeEach
  final void begin() throws IOException {
    long seed = KernelSeeds.next("int8 " + isa);
    arenasBefore = TensorArena.openArenas();
    ops = int8(2);
    f = new OpsFixture(ops, seed);
  }

  @AfterEach
  final void end() {
    f.close();
    opened.forEach(CpuOps::close);
    assertThat(TensorArena.openArenas()).isEqualTo(arenasBefore);
  }

  private CpuOps int8(int threads) throws IOException {
    CpuOps made = CpuUnderTest.openInt8(isa, threads);
    opened.add(made);
    return made;
  }

  private CpuOps deterministic(int threads) throws IOException {
    CpuOps made = CpuUnderTest.openInt8Deterministic(isa, threads);
    opened.add(made);
    return made;
  }

  private CpuOps bf16(int threads) throws IOException {
    CpuOps made = CpuUnderTest.open(isa, threads);
    opened.add(made);
    return made;
  }

  private static Int8Weight rounded(Pair weight) {
    return new Int8Weight(
        weight.slow().toFloats(), (int) weight.slow().size(0), (int) weight.slow().size(1));
  }

  /** Columns [from, from + width) of a matrix. */
  private static Tensor columns(Tensor x, long from, long width) {
    return x.view(from, new long[] {x.size(0), width}, x.strides());
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void multipliesByTheRoundedWeight(DType outType) {
    int[][] sizes = {
      {1, 1, 1},
      {1, 896, 33},
      {2, 31, 31},
      {3, 17, 5},
      {12, 64, 64},
      {13, 33, 96},
      {16, 32, 32},
      {17, 100, 40},
      {32, 129, 65},
      {33, 100, 257},
      {70, 30, 47},
      {512, 70, 40},
      {2, 8, 1},
      {2, 65_600, 33}
    };
    for (int[] s : sizes) {
      compare(outType, s[0], s[1], s[2], false);
      compare(outType, s[0], s[1], s[2], true);
    }
    for (int i = 0; i < 30; i++) {
      compare(
          outType, f.between(1, 70), f.between(1, 300), f.between(1, 130), f.random.nextBoolean());
    }
  }

  /** Rows of x and of the result lie apart by a random number of elements that are not theirs. */
  private void compare(DType outType, int rows, int in, int width, boolean biased) {
    int xGap = f.between(0, 5);
    int outGap = f.between(0, 5);
    float[] xs = f.random(DType.BF16, 1, rows, in + xGap).slow().toFloats();
    for (int row = 0; row < rows; row++) {
      Arrays.fill(xs, row * (in + xGap) + in, (row + 1) * (in + xGap), Float.NaN);
    }
    Tensor x = columns(f.of(DType.BF16, xs, rows, in + xGap).fast(), 0, in);
    Pair weight = f.random(DType.BF16, 1 / Math.sqrt(in), width, in);
    Pair bias = biased ? f.random(DType.BF16, 1, width) : null;
    Pair out = f.output(outType, rows, width + outGap);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(columns(out.fast(), 0, width), x, weight.fast(), bias == null ? null : bias.fast());
    Int8Weight twin = rounded(weight);
    float[] biases = bias == null ? new float[width] : bias.slow().toFloats();
    float[] kept = new float[rows * in];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(xs, row * (in + xGap), kept, row * in, in);
    }
    float[] got = f.read(out.fast());
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < width; column++) {
        DotProduct product = twin.product(kept, row, column);
        double wanted = product.value() + biases[column];
        double magnitude = product.magnitude() + Math.abs(biases[column]);
        double bound = (in + 4) * Math.ulp(1.0f) * magnitude + 1e-30;
        if (outType == DType.BF16) {
          bound += Math.abs(wanted) / 256;
        }
        assertThat((double) got[row * (width + outGap) + column])
            .as("[%d, %d] of [%d, %d] x [%d, %d]", row, column, rows, in, width, in)
            .isBetween(wanted - bound, wanted + bound);
      }
      for (int column = width; column < width + outGap; column++) {
        assertThat(got[row * (width + outGap) + column]).isNaN();
      }
    }
    float[] guarded = f.read(out.whole());
    assertThat(guarded[63]).isEqualTo(7.5f);
    assertThat(guarded[guarded.length - 64]).isEqualTo(7.5f);
  }

  @Test
  void aDeterministicRowComesToTheSameInAnyCompany() throws IOException {
    List<CpuOps> crews = List.of(deterministic(1), deterministic(2), deterministic(3));
    for (int in : new int[] {1, 100, 352}) {
      int width = f.between(1, 200);
      Pair weight = f.random(DType.BF16, 1, width, in);
      Pair bias = f.random(DType.BF16, 1, width);
      Tensor x = f.random(DType.BF16, 1, 512, in).fast();
      crews.forEach(crew -> crew.prepare(weight.fast(), f.arena));
      float[][] alone = new float[512][];
      for (int row = 0; row < 512; row++) {
        Tensor out = f.arena.allocate(DType.F32, 1, width);
        crews.get(0).linear(out, x.rows(row, row + 1), weight.fast(), bias.fast());
        alone[row] = out.toFloats();
      }
      for (CpuOps crew : crews) {
        for (int rows = 1; rows <= 71; rows++) {
          int count = rows == 71 ? 512 : rows;
          int from = f.between(0, 512 - count);
          Tensor out = f.arena.allocate(DType.F32, count, width);
          crew.linear(out, x.rows(from, from + count), weight.fast(), bias.fast());
          float[] together = out.toFloats();
          for (int row = 0; row < count; row++) {
            assertThat(Arrays.copyOfRange(together, row * width, (row + 1) * width))
                .as("row %d of %d, %s, in %d", row, count, crew.description(), in)
                .isEqualTo(alone[from + row]);
          }
        }
      }
    }
  }

  @Test
  void sumsManyRowsAsTheBf16KernelDoesBeforeItScales() throws IOException {
    CpuOps plain = bf16(2);
    for (int rows : new int[] {33, 64, 200}) {
      int in = f.between(1, 400);
      int width = f.between(1, 100);
      Pair weight = f.random(DType.BF16, 0.1, width, in);
      Int8Weight twin = rounded(weight);
      Tensor steps = f.of(DType.BF16, twin.steps, width, in).fast();
      Tensor x = f.random(DType.BF16, 1, rows, in).fast();
      Tensor out = f.arena.allocate(DType.F32, rows, width);
      Tensor sums = f.arena.allocate(DType.F32, rows, width);
      ops.prepare(weight.fast(), f.arena);
      plain.prepare(steps, f.arena);
      ops.linear(out, x, weight.fast(), null);
      plain.linear(sums, x, steps, null);
      float[] expected = sums.toFloats();
      for (int i = 0; i < expected.length; i++) {
        expected[i] = expected[i] * twin.scales[i % width] + 0.0f; // a zero without a sign
      }
      assertThat(out.toFloats()).as("%d x %d x %d", rows, in, width).isEqualTo(expected);
    }
  }

  /** Weights that are whole numbers up to 127, so that their scales are 1. */
  private Pair wholeNumbers(int width, int in) {
    float[] values = new float[width * in];
    for (int i = 0; i < values.length; i++) {
      values[i] = f.between(-127, 127);
    }
    for (int row = 0; row < width; row++) {
      values[row * in + f.between(0, in - 1)] = f.random.nextBoolean() ? 127 : -127;
    }
    return f.of(DType.BF16, values, width, in);
  }

  /**
   * Sums of products with x's digits are whole numbers: nothing is lost before they become a float,
   * as long as no element is under 2^-14 of its row's largest.
   */
  final void compareWithExactSums() throws IOException {
    CpuOps exactly = deterministic(2);
    for (int i = 0; i < 30; i++) {
      int rows = f.between(1, 70);
      int in = f.between(1, 1000);
      int width = f.between(1, 70);
      float[] xs = new float[rows * in];
      for (int at = 0; at < xs.length; at++) {
        xs[at] = Math.scalb(f.between(-255, 255), f.between(-5, 0) + at / in % 20);
      }
      for (int row = 0; row < rows; row++) {
        xs[row * in] = Math.scalb(128, row % 20);
      }
      Pair weight = wholeNumbers(width, in);
      Tensor x = f.of(DType.BF16, xs, rows, in).fast();
      Tensor out = f.arena.allocate(DType.F32, rows, width);
      exactly.prepare(weight.fast(), f.arena);
      exactly.linear(out, x, weight.fast(), null);
      float[] got = out.toFloats();
      float[] ws = weight.slow().toFloats();
      for (int at = 0; at < got.length; at++) {
        double exact = DotProduct.of(xs, at / width, ws, at % width, in).value();
        double ulp = Math.ulp((float) exact);
        assertThat((double) got[at])
            .as("[%d, %d] of %d x %d x %d", at / width, at % width, rows, in, width)
            .isBetween(exact - ulp, exact + ulp);
      }
    }
  }

  @Test
  void holdsTheLargestSums() {
    for (int in : new int[] {65_535, 65_536, 65_537}) {
      float[] xs = new float[2 * in];
      Arrays.fill(xs, 0, in, 254); // whose middle digit is -128
      Arrays.fill(xs, in, 2 * in, -254);
      float[] ws = new float[2 * in];
      Arrays.fill(ws, 0, in, 127);
      Arrays.fill(ws, in, 2 * in, -127);
      Pair weight = f.of(DType.BF16, ws, 2, in);
      Tensor out = f.arena.allocate(DType.F32, 2, 2);
      ops.prepare(weight.fast(), f.arena);
      ops.linear(out, f.of(DType.BF16, xs, 2, in).fast(), weight.fast(), null);
      double exact = 254.0 * 127 * in;
      for (int at = 0; at < 4; at++) {
        double wanted = at == 0 || at == 3 ? exact : -exact;
        assertThat((double) out.toFloats()[at])
            .as("%d terms", in)
            .isBetween(wanted - exact * 1e-4, wanted + exact * 1e-4);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-126, -110, -100, 0, 100, 109})
  void rowsMayBeTinyAndHuge(int exponent) {
    float[] xs = {3, -1, 120, 7, 1, 1, 1, 1, 0, 0, 0, 0};
    for (int i = 0; i < xs.length; i++) {
      xs[i] = Math.scalb(xs[i], exponent);
    }
    Pair weight = f.of(DType.BF16, new float[] {127, 2, -1, 3, 5, 127, 6, 7}, 2, 4);
    Tensor out = f.arena.allocate(DType.F32, 3, 2);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(out, f.of(DType.BF16, xs, 3, 4).fast(), weight.fast(), null);
    float[] expected = {280, 657, 131, 145, 0, 0};
    for (int i = 0; i < expected.length; i++) {
      expected[i] = Math.scalb(expected[i], exponent);
    }
    assertThat(out.toFloats()).isEqualTo(expected);
  }

  @Test
  void isOffTheExactProductByHalfAStepOfEachWeightAtMost() {
    int rows = 5;
    int in = 300;
    int width = 60;
    Pair x = f.random(DType.BF16, 1, rows, in);
    Pair weight = f.random(DType.BF16, 0.05, width, in);
    Pair out = f.output(DType.F32, rows, width);
    ops.prepare(weight.fast(), f.arena);
    ops.linear(out.fast(), x.fast(), weight.fast(), null);
    float[] got = f.read(out.fast());
    float[] xs = x.slow().toFloats();
    float[] ws = weight.slow().toFloats();
    float[] scales = rounded(weight).scales;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < width; column++) {
        double exact = 0;
        double halves = 0;
        for (int i = 0; i < in; i++) {
          exact += (double) xs[row * in + i] * ws[column * in + i];
          halves += Math.abs(xs[row * in + i]) * scales[column] / 2;
        }
        assertThat(Math.abs(got[row * width + column] - exact))
            .as("[%d, %d]", row, column)
            .isLessThanOrEqualTo(halves * 1.001);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 40})
  void scalesEachRowOfTheWeightByItsLargestValue(int rows) {
    int in = 50;
    float[] weight = new float[5 * in];
    Arrays.fill(weight, in, 2 * in, 1e-3f);
    weight[in + 7] = 0x1.fcp127f; // 127 * 2^121: its steps are powers of two
    Arrays.fill(weight, 2 * in, 3 * in, 127 * 0x1p-133f); // as bf16, the smallest steps there are
    weight[2 * in] = -127 * 0x1p-133f;
    Arrays.fill(weight, 3 * in, 4 * in, 2.5f); // ties, to even
    weight[3 * in] = -127;
    weight[3 * in + 1] = 3.5f;
    weight[4 * in + 49] = -127; // alone in its row
    Pair w = f.of(DType.BF16, weight, 5, in);
    float[] xs = new float[rows * in];
    Arrays.fill(xs, 1);
    Pair x = f.of(DType.BF16, xs, rows, in);
    float[] biases = {0, 0, 0, 0, 1};
    Pair bias = f.of(DType.BF16, biases, 5);
    Pair out = f.output(DType.F32, rows, 5);
    ops.prepare(w.fast(), f.arena);
    ops.linear(out.fast(), x.fast(), w.fast(), bias.fast());
    float[] expected = {0, 0x1.fcp127f, 48 * 127 * 0x1p-133f, -127 + 4 + 48 * 2, -126};
    float[] got = f.read(out.fast());
    for (int row = 0; row < rows; row++) {
      assertThat(Arrays.copyOfRange(got, row * 5, row * 5 + 5)).isEqualTo(expected);
    }
  }

  @Test
  void aRowOfZerosComesToTheBias() {
    Pair w = f.of(DType.BF16, new float[3 * 20], 3, 20);
    Pair x = f.random(DType.BF16, 1e30, 2, 20);
    Pair bias = f.of(DType.BF16, new float[] {1.5f, -2, 0}, 3);
    Pair out = f.output(DType.BF16, 2, 3);
    ops.prepare(w.fast(), f.arena);
    ops.linear(out.fast(), x.fast(), w.fast(), bias.fast());
    assertThat(f.read(out.fast())).isEqualTo(new float[] {1.5f, -2, 0, 1.5f, -2, 0});
  }

  @Test
  void refusesAWeightThatIsNotFiniteByItsFirstRow() {
    for (float broken : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] values = f.random(DType.BF16, 1, 90, 40).slow().toFloats();
      values[71 * 40 + 39] = broken;
      values[33 * 40 + 5] = broken;
      values[88 * 40] = broken;
      Pair weight = f.of(DType.BF16, values, 90, 40);
      assertThatThrownBy(() -> ops.prepare(weight.fast(), f.arena))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("weight row: a NaN or an infinity in row 33 of BF16[90, 40]");
      // Its first rows are fine, and so are the kernels.
      compare(DType.F32, 3, 40, 32, true);
    }
  }

  @Test
  void aNaNRowStaysInItsRow() {
    for (int rows : new int[] {5, 40}) {
      float[] values = f.random(DType.BF16, 1, rows, 64).slow().toFloats();
      Arrays.fill(values, 64, 128, Float.NaN);
      values[3 * 64] = Float.POSITIVE_INFINITY;
      Pair x = f.of(DType.BF16, values, rows, 64);
      Pair weight = f.random(DType.BF16, 1, 48, 64);
      Pair out = f.output(DType.F32, rows, 48);
      ops.prepare(weight.fast(), f.arena);
      ops.linear(out.fast(), x.fast(), weight.fast(), null);
      float[] got = f.read(out.fast());
      for (int i = 0; i < got.length; i++) {
        boolean broken = i / 48 == 1 || i / 48 == 3;
        assertThat(Float.isFinite(got[i])).as("element %d", i).isEqualTo(!broken);
      }
    }
  }

  @Test
  void roundsForLinearLayersOnly() {
    Pair table = f.random(DType.BF16, 1, 37, 19);
    Pair x = f.random(DType.BF16, 1, 4, 19);
    Pair ids = f.ints(3, 36, 0, 3);
    Pair looked = f.output(DType.BF16, 4, 19);
    Pair y = f.output(DType.F32, 4, 37);
    Pair a = f.random(DType.BF16, 0.3, 6, 19);
    Pair b = f.random(DType.BF16, 0.3, 37, 6);
    ops.prepare(table.fast(), f.arena);
    ops.embedding(looked.fast(), table.fast(), ids.fast());
    f.twin.embedding(looked.slow(), table.slow(), ids.slow());
    assertThat(f.read(looked.fast())).isEqualTo(looked.slow().toFloats());
    ops.linear(y.fast(), x.fast(), table.fast(), null);
    float[] base = f.read(y.fast());
    ops.addLora(
        y.fast(), x.fast(), List.of(new LoraSegment(0, 4, a.fast(), b.fast(), 2, null, null)));
    y.slow().write(base);
    f.twin.addLora(
        y.slow(), x.slow(), List.of(new LoraSegment(0, 4, a.slow(), b.slow(), 2, null, null)));
    Pair narrow = f.of(DType.BF16, f.read(y.fast()), 4, 37);
    f.check("adapter on int8", new Pair(narrow.fast(), narrow.fast(), y.slow()));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 896, 33",
    "9, 64, 200",
    "20, 100, 70",
    "40, 96, 45",
    "600, 64, 70",
    "300, 4160, 40"
  })
  void fusesLayersAndTheirAdaptersAsItDoesThemApart(int rows, int in, int width) {
    fuses(rows, in, width, adapters(rows, in, width), adapters(rows, in, width));
    List<LoraSegment> added = f.additions(rows, in, width, 1, rows);
    fuses(rows, in, width, added, f.additions(rows, in, width, 1, 6));
  }

  private void fuses(
      int rows, int in, int width, List<LoraSegment> ofFirst, List<LoraSegment> ofLast) {
    Tensor x = f.random(DType.BF16, 1, rows, in).fast();
    List<AdaptedLinear> layers = new ArrayList<>();
    List<Tensor> outs = new ArrayList<>();
    List<Tensor> apart = new ArrayList<>();
    for (List<LoraSegment> segments : List.of(ofFirst, List.<LoraSegment>of(), ofLast)) {
      Tensor weight = f.random(DType.BF16, 1 / Math.sqrt(in), width, in).fast();
      Tensor bias = f.random(DType.BF16, 1, width).fast();
      ops.prepare(weight, f.arena);
      layers.add(new AdaptedLinear(weight, bias, segments));
      outs.add(f.output(DType.F32, rows, width).fast());
      Tensor alone = f.arena.allocate(DType.F32, rows, width);
      ops.linear(alone, x, weight, bias);
      ops.addLora(alone, x, layers.getLast().segments());
      apart.add(alone);
    }
    ops.linear(outs, x, layers);
    for (int i = 0; i < layers.size(); i++) {
      assertThat(f.read(outs.get(i))).as("layer %d", i).isEqualTo(apart.get(i).toFloats());
    }
    Tensor product = f.arena.allocate(DType.BF16, rows, width);
    ops.siluMul(product, apart.get(0), apart.get(2));
    Tensor gated = f.output(DType.BF16, rows, width).fast();
    Tensor first = f.arena.allocate(DType.F32, rows, width);
    Tensor second = f.arena.allocate(DType.F32, rows, width);
    ops.gatedLinear(gated, x, layers.get(0), layers.get(2), first, second);
    assertThat(f.read(gated)).isEqualTo(product.toFloats());
  }

  /** One on most rows, and four on a row or two of them. */
  private List<LoraSegment> adapters(int rows, int in, int width) {
    List<LoraSegment> segments = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int from = i == 0 ? rows / 8 : f.between(0, rows - 1);
      int to = i == 0 ? rows - rows / 8 : Math.min(rows, from + f.between(1, 2));
      int rank = f.between(1, 20);
      Tensor a = f.random(DType.BF16, 1 / Math.sqrt(in), rank, in).fast();
      Tensor b = f.random(DType.BF16, 0.25, width, rank).fast();
      Tensor gain = i == 3 ? f.random(DType.BF16, 1, width).fast() : null;
      segments.add(new LoraSegment(from, to, a, b, 0.5f, gain, null));
    }
    return segments;
  }

  @Test
  void doesNothingForNoRowsAndLeavesOtherTypesToTheTwin() {
    Pair weight = f.random(DType.BF16, 1, 12, 8);
    ops.prepare(weight.fast(), f.arena);
    Tensor none = f.arena.allocate(DType.BF16, 0, 8);
    Tensor out = f.arena.allocate(DType.BF16, 0, 12);
    ops.linear(out, none, weight.fast(), null);
    assertThat(out.size(0)).isZero();
    Pair wide = f.random(DType.F32, 1, 12, 8);
    Pair x = f.random(DType.F32, 1, 3, 8);
    Pair y = f.output(DType.F32, 3, 12);
    ops.prepare(wide.fast(), f.arena);
    ops.linear(y.fast(), x.fast(), wide.fast(), null);
    f.twin.linear(y.slow(), x.slow(), wide.slow(), null);
    f.check("F32 by the twin", y);
  }

  @Test
  void saysHowItKeepsWeights() throws IOException {
    assertThat(ops.description()).startsWith("native ").contains("(2 threads, int8 weights)");
    assertThat(bf16(1).description()).contains("(1 threads)");
  }
}
