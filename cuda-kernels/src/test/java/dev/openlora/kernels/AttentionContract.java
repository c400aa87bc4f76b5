package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.kernels.OpsFixture.Pair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What every implementation of {@link Ops} does with paged keys and values. Each test runs steps
 * over sequences that grow, on pages in random order, beside {@link ReferenceOps}.
 */
public abstract class AttentionContract {
  private static final int PAGES = 64;

  private Ops ops;
  private OpsFixture f;
  private KvPages pages;
  private KvPages twinPages;
  private final List<Integer> freePages = new ArrayList<>();
  private final List<List<Integer>> tables = new ArrayList<>();
  private final List<Integer> lengths = new ArrayList<>();

  /** The operations under test; closed by the suite. */
  protected abstract Ops open() throws Exception;

  @BeforeEach
  final void begin() throws Exception {
    long seed = KernelSeeds.next(getClass().getSimpleName());
    ops = open();
    f = new OpsFixture(ops, seed);
    pagesOf(DType.F32, 1, 1, 1, 1);
  }

  @AfterEach
  final void end() {
    f.close();
    ops.close();
    assertThat(TensorArena.openArenas()).isZero();
    assertThat(TensorArena.openBytes()).isZero();
  }

  private void pagesOf(DType dtype, int layers, int pageSize, int kvHeads, int headSize) {
    KvPages.Shape shape = new KvPages.Shape(layers, PAGES, pageSize, kvHeads, headSize, dtype);
    pages = ops.newKvPages(f.arena, shape);
    twinPages = f.twin.newKvPages(f.twinArena, shape);
    freePages.clear();
    for (int page = 0; page < PAGES; page++) {
      freePages.add(page);
    }
    Collections.shuffle(freePages, f.random);
  }

  private int newSequence() {
    tables.add(new ArrayList<>());
    lengths.add(0);
    return tables.size() - 1;
  }

  /** Adds rows to each sequence named; {sequence, rows} pairs, rows 0: left out. */
  private AttentionBatch grow(int[][] growth) {
    List<int[]> members = new ArrayList<>();
    for (int[] g : growth) {
      if (g[1] > 0) {
        members.add(g);
      }
    }
    int[] starts = new int[members.size() + 1];
    int[] kvLengths = new int[members.size()];
    int[][] pageTables = new int[members.size()][];
    int pageSize = pages.shape().pageSize();
    for (int i = 0; i < members.size(); i++) {
      int s = members.get(i)[0];
      int length = lengths.get(s) + members.get(i)[1];
      lengths.set(s, length);
      while (tables.get(s).size() * pageSize < length) {
        tables.get(s).add(freePages.removeLast());
      }
      starts[i + 1] = starts[i] + members.get(i)[1];
      kvLengths[i] = length;
      pageTables[i] = tables.get(s).stream().mapToInt(Integer::intValue).toArray();
    }
    return new AttentionBatch(starts, kvLengths, pageTables);
  }

  /** heads 0: writes only. */
  private void step(DType dtype, AttentionBatch batch, int heads, int... windows) {
    KvPages.Shape shape = pages.shape();
    try (TensorArena step = ops.newArena("step")) {
      AttentionPlan plan = ops.plan(step, pages, batch);
      AttentionPlan twinPlan = f.twin.plan(f.twinArena, twinPages, batch);
      assertThat(plan.batch()).isSameAs(batch);
      for (int layer = 0; layer < shape.layers(); layer++) {
        Pair k = f.random(dtype, 1, batch.rows(), shape.kvHeads(), shape.headSize());
        Pair v = f.random(dtype, 1, batch.rows(), shape.kvHeads(), shape.headSize());
        ops.writeKv(plan, layer, k.fast(), v.fast());
        f.twin.writeKv(twinPlan, layer, k.slow(), v.slow());
        if (heads == 0) {
          continue;
        }
        Pair q = f.random(dtype, 1, batch.rows(), heads, shape.headSize());
        Pair out = f.output(dtype, batch.rows(), heads, shape.headSize());
        int window = windows[layer % windows.length];
        float scale = (float) (1 / Math.sqrt(shape.headSize()));
        ops.attention(plan, layer, out.fast(), q.fast(), scale, window);
        f.twin.attention(twinPlan, layer, out.slow(), q.slow(), scale, window);
        f.check("layer " + layer + " window " + window + " " + batch, out);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 8, 8, 4", "F32, 64, 2, 14", "F32, 32, 3, 3", "F32, 128, 1, 8",
    "BF16, 8, 8, 8", "BF16, 64, 2, 14", "BF16, 80, 2, 2", "BF16, 128, 4, 8",
    "BF16, 7, 1, 3", "BF16, 33, 2, 4", "BF16, 32, 1, 17", "BF16, 96, 3, 3",
  })
  void growsMixedSequencesOverShuffledPages(DType dtype, int headSize, int kvHeads, int heads) {
    int queryHeads = heads < kvHeads ? kvHeads : heads;
    pagesOf(dtype, 2, f.random.nextBoolean() ? 16 : f.between(1, 17), kvHeads, headSize);
    for (int s = 0; s < 5; s++) {
      newSequence();
    }
    for (int round = 0; round < 5; round++) {
      int[][] growth = new int[5][];
      for (int s = 0; s < 5; s++) {
        int room = Math.min(12, freePages.size() * pages.shape().pageSize() / 6);
        int many = f.random.nextInt(3) == 0 ? f.between(0, Math.max(1, room)) : 1;
        growth[s] = new int[] {s, Math.min(many, room)};
      }
      AttentionBatch batch = grow(growth);
      if (batch.sequences() > 0) {
        step(dtype, batch, queryHeads, 0, f.between(1, 20));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 16", "BF16, 16", "BF16, 64"})
  void decodesOneRowOfEachWithSimilarAndWithVeryDifferentLengths(DType dtype, int headSize) {
    pagesOf(dtype, 1, 16, 2, headSize);
    int[][] prompts = {{0, 100}, {1, 3}, {2, 101}, {3, 2}, {4, 40}, {5, 99}, {6, 38}};
    for (int s = 0; s < prompts.length; s++) {
      newSequence();
    }
    step(dtype, grow(prompts), 4, 0);
    int[][] one = new int[prompts.length][];
    for (int s = 0; s < one.length; s++) {
      one[s] = new int[] {s, 1};
    }
    for (int window : new int[] {0, 1, 7, 64}) {
      step(dtype, grow(one), 4, window);
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 8", "BF16, 8", "BF16, 32"})
  void cutsALongPromptIntoBlocks(DType dtype, int headSize) {
    pagesOf(dtype, 1, 32, 1, headSize);
    newSequence();
    step(dtype, grow(new int[][] {{0, 700}}), 4, 0);
    step(dtype, grow(new int[][] {{0, 600}}), 4, 100);
    step(dtype, grow(new int[][] {{0, 1}}), 4, 0);
  }

  @Test
  void takesUpWhereAChunkEndedWithinAPage() {
    pagesOf(DType.BF16, 1, 16, 2, 64);
    newSequence();
    newSequence();
    int[][] chunks = {{5, 1}, {12, 30}, {31, 2}, {80, 90}, {1, 5}, {33, 100}};
    for (int[] chunk : chunks) {
      for (int window : new int[] {0, 21}) {
        step(DType.BF16, grow(new int[][] {{0, chunk[0]}, {1, chunk[1]}}), 14, window);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, 0", "BF16, 0", "BF16, 1000"})
  void readsOnePositionAndThousands(DType dtype, int window) {
    pagesOf(dtype, 1, 64, 1, 16);
    newSequence();
    newSequence();
    for (int written = 0; written < 3_990; written += 1_330) {
      step(dtype, grow(new int[][] {{0, 1_330}}), 0);
    }
    step(dtype, grow(new int[][] {{0, 10}, {1, 1}}), 4, window);
  }

  @Test
  void aBrokenSequenceHarmsItsOwnRowsOnlyAndLeavesNothingInItsPages() {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      tables.clear();
      lengths.clear();
      pagesOf(dtype, 1, 4, 2, 8);
      newSequence();
      newSequence();
      newSequence();
      int rows = 6 + 9 + 8;
      AttentionBatch batch = grow(new int[][] {{0, 6}, {1, 9}, {2, 8}});
      float[] broken = f.random(dtype, 1, rows, 2, 8).slow().toFloats();
      Arrays.fill(broken, 6 * 16, 15 * 16, Float.NaN);
      attendWith(dtype, batch, broken, 6, 15);
      int[][] one = {{0, 1}, {1, 1}, {2, 1}};
      float[] next = f.random(dtype, 1, 3, 2, 8).slow().toFloats();
      attendWith(dtype, grow(one), next, 1, 2);

      freePages.addAll(tables.get(1));
      tables.get(1).clear();
      lengths.set(1, 0);
      float[] clean = f.random(dtype, 1, 3 + 1 + 1, 2, 8).slow().toFloats();
      attendWith(dtype, grow(new int[][] {{1, 3}, {0, 1}, {2, 1}}), clean, 0, 0);
      attendWith(dtype, grow(new int[][] {{1, 1}, {0, 1}, {2, 1}}), next, 0, 0);
    }
  }

  private void attendWith(DType dtype, AttentionBatch batch, float[] kv, int badFrom, int badTo) {
    try (TensorArena step = ops.newArena("step")) {
      AttentionPlan plan = ops.plan(step, pages, batch);
      Pair x = f.of(dtype, kv, batch.rows(), 2, 8);
      Pair q = f.random(dtype, 1, batch.rows(), 4, 8);
      Pair out = f.output(dtype, batch.rows(), 4, 8);
      ops.writeKv(plan, 0, x.fast(), x.fast());
      ops.attention(plan, 0, out.fast(), q.fast(), 0.3f, 0);
      float[] result = f.read(out.fast());
      for (int row = 0; row < batch.rows(); row++) {
        boolean nan = false;
        for (int i = row * 32; i < (row + 1) * 32; i++) {
          nan |= Float.isNaN(result[i]);
        }
        assertThat(nan).as("%s row %d", dtype, row).isEqualTo(row >= badFrom && row < badTo);
      }
    }
  }

  @Test
  void leavesTheWindowsPastPagesAlone() {
    pagesOf(DType.F32, 1, 4, 1, 8);
    newSequence();
    step(DType.F32, grow(new int[][] {{0, 30}}), 2, 5);
    Collections.fill(tables.get(0).subList(0, 5), -1);
    step(DType.F32, grow(new int[][] {{0, 1}}), 2, 5);
    step(DType.F32, grow(new int[][] {{0, 3}}), 2, 5);
  }

  @Test
  void namesWhatDoesNotFit() {
    pagesOf(DType.F32, 1, 4, 2, 8);
    newSequence();
    AttentionBatch batch = grow(new int[][] {{0, 3}});
    Tensor two = f.random(DType.F32, 1, 2, 2, 8).fast();
    Tensor three = f.random(DType.F32, 1, 3, 3, 8).fast();
    try (TensorArena step = ops.newArena("step")) {
      AttentionPlan plan = ops.plan(step, pages, batch);
      refused("writeKv k", () -> ops.writeKv(plan, 0, two, two));
      refused("attention q", () -> ops.attention(plan, 0, three, three, 1, 0));
      Tensor q = f.random(DType.F32, 1, 3, 2, 8).fast();
      refused("layer: 1", () -> ops.attention(plan, 1, q, q, 1, 0));
      refused("attention window: -1", () -> ops.attention(plan, 0, q, q, 1, -1));
      int[][] none = {{}};
      refused(
          "plan: sequence 0 has 0 pages",
          () -> ops.plan(step, pages, new AttentionBatch(starts(0, 3), starts(3), none)));
      refused(
          "plan: sequence 0 has 3 rows",
          () -> ops.plan(step, pages, new AttentionBatch(starts(0, 3), starts(2), none)));
    }
  }

  private static int[] starts(int... values) {
    return values;
  }

  private static void refused(String name, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(name);
  }
}
