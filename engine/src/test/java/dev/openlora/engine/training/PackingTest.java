package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PackingTest {
  private static TrainingConfig.Batches limits(
      int batchTokens, int maxLength, TrainingConfig.Longer longer) {
    return new TrainingConfig.Batches(batchTokens, 1, maxLength, longer);
  }

  private static List<TrainingBatch> pack(
      Iterator<Example> examples, TrainingConfig.Batches limits) {
    Packing packing = new Packing(examples, limits, "rows", 0);
    List<TrainingBatch> batches = new ArrayList<>();
    for (TrainingBatch batch; (batch = packing.next()) != null; ) {
      batches.add(batch);
    }
    return batches;
  }

  /** The examples that a batch is made of, read from its arrays alone. */
  private static List<Example> unpack(TrainingBatch batch) {
    List<Example> examples = new ArrayList<>();
    assertThat(batch.starts()[0]).isZero();
    assertThat(batch.starts()[batch.sequences()]).isEqualTo(batch.rows());
    for (int i = 0; i < batch.sequences(); i++) {
      int from = batch.starts()[i];
      int to = batch.starts()[i + 1];
      assertThat(to).isGreaterThan(from);
      int[] ids = Arrays.copyOf(Arrays.copyOfRange(batch.ids(), from, to), to - from + 1);
      boolean[] learned = new boolean[ids.length];
      for (int row = from; row < to; row++) {
        int at = row - from;
        assertThat(batch.positions()[row]).isEqualTo(at);
        int target = batch.targets()[row];
        learned[at + 1] = target != TrainingBatch.NOT_LEARNED;
        if (at + 2 < ids.length) {
          assertThat(target).isIn(TrainingBatch.NOT_LEARNED, ids[at + 1]);
        } else {
          ids[at + 1] = target;
        }
      }
      examples.add(new Example(ids, learned));
    }
    return examples;
  }

  /** What of an example reaches a batch: its last id only where it is learned. */
  private static String seen(Example example) {
    int[] ids = example.ids().clone();
    boolean[] learned = example.learned().clone();
    learned[0] = false;
    if (!learned[ids.length - 1]) {
      ids[ids.length - 1] = TrainingBatch.NOT_LEARNED;
    }
    return Arrays.toString(ids) + Arrays.toString(learned);
  }

  @Test
  void refusesALongerExampleByItsPlace() {
    List<Example> examples = Examples.counting(3, 5, 4);
    examples.add(Examples.counting(1, 5, 9).getFirst());
    TrainingConfig.Batches limits = limits(8, 8, TrainingConfig.Longer.REFUSE);
    assertThatThrownBy(() -> pack(examples.iterator(), limits))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("rows[3]: 9 tokens (expected: at most max_length 8, or longer: cut)");
  }

  @Test
  void cutsALongerExampleAtItsEnd() {
    Example example = Examples.counting(1, 20, 9).getFirst();
    List<TrainingBatch> batches =
        pack(List.of(example).iterator(), limits(4, 5, TrainingConfig.Longer.CUT));
    assertThat(batches).hasSize(1);
    assertThat(batches.getFirst().ids()).containsExactly(0, 1, 2, 3);
    assertThat(batches.getFirst().targets()).containsExactly(1, 2, 3, 4);
    assertThat(example.ids()).hasSize(9);
  }

  @Test
  void laysSequencesOneAfterTheOther() {
    TrainingBatch batch =
        Packing.batchOf(
            List.of(
                new Example(new int[] {7, 8, 9}, new boolean[] {true, false, true}),
                new Example(new int[] {4, 5}, new boolean[] {false, true})));
    assertThat(batch.ids()).containsExactly(7, 8, 4);
    assertThat(batch.positions()).containsExactly(0, 1, 0);
    assertThat(batch.starts()).containsExactly(0, 2, 3);
    assertThat(batch.targets()).containsExactly(TrainingBatch.NOT_LEARNED, 9, 5);
  }

  @Test
  void losesNothingAndRepeatsNothingInAnyEpoch() {
    long seed = Seeds.next("PackingTest");
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int maxLength = 2 + random.nextInt(12);
      int batchTokens = maxLength - 1 + random.nextInt(20);
      List<Example> examples =
          Examples.random(random.nextLong(), 1 + random.nextInt(30), 6, maxLength);
      TrainingConfig.Batches limits = limits(batchTokens, maxLength, TrainingConfig.Longer.REFUSE);
      ExampleSet set = ExampleSet.of(examples);
      long shuffle = random.nextLong();
      for (int epoch = 0; epoch < 3; epoch++) {
        List<TrainingBatch> batches = pack(set.examples(shuffle, epoch, 0), limits);
        assertThat(batches).allSatisfy(batch -> assertThat(batch.rows()).isBetween(1, batchTokens));
        for (int i = 0; i + 1 < batches.size(); i++) {
          int next = batches.get(i + 1).starts()[1];
          assertThat(batches.get(i).rows() + next)
              .as("a batch is closed when the next example does not fit")
              .isGreaterThan(batchTokens);
        }
        assertThat(batches.stream().flatMap(batch -> unpack(batch).stream()))
            .extracting(PackingTest::seen)
            .containsExactlyInAnyOrderElementsOf(examples.stream().map(PackingTest::seen).toList());
        assertThat(new Packing(set.examples(shuffle, epoch, 0), limits, "rows", 0).countBatches())
            .isEqualTo(batches.size());
      }
    }
  }

  @Test
  void goesOnAfterAnyBatchWithTheSameBatches() {
    List<Example> examples = Examples.random(3, 40, 6, 9);
    TrainingConfig.Batches limits = limits(15, 9, TrainingConfig.Longer.REFUSE);
    ExampleSet set = ExampleSet.of(examples);
    List<TrainingBatch> whole = pack(set.examples(1, 2, 0), limits);
    Packing packing = new Packing(set.examples(1, 2, 0), limits, "rows", 0);
    for (int i = 0; i < whole.size(); i++) {
      List<TrainingBatch> rest = pack(set.examples(1, 2, packing.taken()), limits);
      assertThat(rest).usingRecursiveComparison().isEqualTo(whole.subList(i, whole.size()));
      packing.next();
    }
    assertThat(packing.taken()).isEqualTo(40);
  }

  @Test
  void anOrderIsEveryNumberOnceAndItsOwnInEachEpochAndSeed() {
    assertThat(Shuffle.order(500, 3, 0)).hasSize(500).doesNotHaveDuplicates();
    assertThat(Arrays.stream(Shuffle.order(500, 3, 0)).summaryStatistics().getMax()).isEqualTo(499);
    assertThat(Shuffle.order(500, 3, 0))
        .isEqualTo(Shuffle.order(500, 3, 0))
        .isNotEqualTo(Shuffle.order(500, 3, 1))
        .isNotEqualTo(Shuffle.order(500, 4, 0));
    assertThat(Shuffle.order(0, 3, 0)).isEmpty();
  }

  @Test
  void everyOrderOfThreeComesAboutAsOften() {
    int[] counts = new int[27];
    for (int epoch = 0; epoch < 6000; epoch++) {
      int[] order = Shuffle.order(3, 11, epoch);
      counts[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    assertThat(Arrays.stream(counts).filter(count -> count > 0).boxed())
        .hasSize(6)
        .allSatisfy(count -> assertThat(count).isBetween(850, 1150));
  }
}
