package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.kernels.TrainingOpsFixture.Pair;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Attention in training, there and back, compared with {@link ReferenceTrainingOps}. */
abstract class TrainingAttentionContract extends TrainingOpsSuite {
  private void checkAttention(AttentionCase a) {
    long[] queries = a.q().fast().shape();
    long[] keys = a.k().fast().shape();
    Pair dOut = f.random(queries);
    Pair dQ = f.inOut(queries);
    Pair dK = f.inOut(keys);
    Pair dV = f.inOut(keys);
    Pair out = f.output(queries);
    a.attentionAndBack(ops, Pair::fast, out, dQ, dK, dV, dOut);
    a.attentionAndBack(f.twin, Pair::slow, out, dQ, dK, dV, dOut);
    float[] kept = out.fast().toFloats();
    Pair again = f.output(queries);
    assertThat(a.attention(ops, Pair::fast, again.fast(), null)).isNull();
    assertThat(again.fast().toFloats()).as("without a tape").isEqualTo(kept);
    f.twin.copy(again.slow(), out.slow());
    f.check(
        "attention "
            + Arrays.toString(queries)
            + Arrays.toString(keys)
            + Arrays.toString(a.starts())
            + " window "
            + a.window());
  }

  @Test
  void attendsThereAndBack() {
    int[] sizes = {6, 20, 48, 2};
    int[] groups = {1, 2, 4, 7};
    for (int size : sizes) {
      for (int group : groups) {
        int kvHeads = f.between(1, 4);
        int window = f.random.nextBoolean() ? 0 : f.between(1, 9);
        int[] lengths = f.random.ints(f.between(1, 5), 1, 20).toArray();
        lengths[f.random.nextInt(lengths.length)] = 1;
        checkAttention(AttentionCase.random(f, kvHeads, group, size, window, lengths));
      }
    }
    checkAttention(AttentionCase.random(f, 1, 1, 8, 0, 1));
    checkAttention(AttentionCase.random(f, 2, 2, 8, 0, 1, 1, 1, 1, 1));
    checkAttention(AttentionCase.random(f, 3, 1, 8, 4, 40, 1, 2, 3, 100));
  }

  @Test
  void attendsASequenceThatIsLongerThanABlock() {
    checkAttention(AttentionCase.random(f, 2, 1, 4, 0, 30, 420, 1));
    checkAttention(AttentionCase.random(f, 1, 2, 4, 300, 620));
  }

  /** Of whole numbers, as any rounding of such scores is as much as the shares that are left. */
  @Test
  void attendsWhatItIsSureOf() {
    AttentionCase a = AttentionCase.random(f, 2, 2, 4, 0, 6, 3);
    for (Pair pair : List.of(a.q(), a.k())) {
      float[] values = f.values(300, pair.fast().shape());
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.round(values[i]);
      }
      pair.fast().write(values);
      pair.slow().write(values);
    }
    checkAttention(a);
  }

  @Test
  void keepsSequencesApart() {
    AttentionCase a = AttentionCase.random(f, 2, 2, 8, 0, 7, 12, 1, 30);
    float[][] before = a.results(ops);
    int from = a.starts()[1];
    int to = a.starts()[2];
    for (Pair pair : List.of(a.q(), a.k(), a.v())) {
      Tensor rows = pair.fast().rows(from, to);
      rows.write(f.values(1e6, rows.shape()));
    }
    float[][] after = a.results(ops);
    for (int i = 0; i < before.length; i++) {
      int width = before[i].length / 50;
      for (int j = 0; j < before[i].length; j++) {
        boolean changed = j / width >= from && j / width < to;
        assertThat(changed || before[i][j] == after[i][j])
            .as("result %d, row %d", i, j / width)
            .isTrue();
      }
      assertThat(after[i]).as("result %d", i).isNotEqualTo(before[i]);
    }
  }
}
