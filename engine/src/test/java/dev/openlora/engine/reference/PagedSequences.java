package dev.openlora.engine.reference;

import dev.openlora.adapter.Adapter;
import dev.openlora.engine.model.Decoder;
import dev.openlora.engine.model.RowRun;
import dev.openlora.engine.model.StepInput;
import dev.openlora.kernels.AttentionBatch;
import dev.openlora.kernels.Ops;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Sequences on their way through a {@link Decoder}, in pages that lie anywhere, cut into steps as a
 * test wants them. Keeps the log-probabilities of every position.
 */
final class PagedSequences {
  /** An adapter on a sequence, as {@link ReferenceModel.Applied} says it. */
  record Applied(Adapter adapter, float scale, int activeFrom) {}

  /** A sequence and how far it has come. */
  static final class Sequence {
    final int[] ids;
    final List<Applied> adapters;
    final float[][] logProbs;
    private final int[] pages;
    private int computed;

    private Sequence(int[] ids, List<Applied> adapters, int[] pages) {
      this.ids = ids;
      this.adapters = adapters;
      this.pages = pages;
      logProbs = new float[ids.length][];
    }

    int remaining() {
      return ids.length - computed;
    }
  }

  /** So many further rows of a sequence. */
  record Chunk(Sequence sequence, int rows) {}

  private final Decoder decoder;
  private final int pageSize;
  private final List<Integer> free = new ArrayList<>();

  PagedSequences(Decoder decoder, int pageCount, int pageSize, Random random) {
    this.decoder = decoder;
    this.pageSize = pageSize;
    for (int i = 0; i < pageCount; i++) {
      free.add(i);
    }
    Collections.shuffle(free, random);
  }

  Sequence add(int[] ids, List<Applied> adapters) {
    int[] pages = new int[(ids.length + pageSize - 1) / pageSize];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = free.removeLast();
    }
    return new Sequence(ids, adapters, pages);
  }

  void step(Ops ops, List<Chunk> chunks) {
    StepInput input = input(chunks);
    try (TensorArena arena = ops.newArena("step")) {
      Tensor normed = decoder.forward(input, arena);
      int rows = input.outputRows().length;
      float[] logits = decoder.logits(input, normed, 0, rows, arena).toFloats();
      int row = 0;
      for (Chunk chunk : chunks) {
        for (int i = 0; i < chunk.rows(); i++) {
          chunk.sequence().logProbs[chunk.sequence().computed++] = logSoftmax(logits, row++, rows);
        }
      }
    }
  }

  private StepInput input(List<Chunk> chunks) {
    int rows = chunks.stream().mapToInt(Chunk::rows).sum();
    int[] ids = new int[rows];
    int[] positions = new int[rows];
    int[] starts = new int[chunks.size() + 1];
    int[] lengths = new int[chunks.size()];
    int[][] pages = new int[chunks.size()][];
    List<RowRun> runs = new ArrayList<>();
    int row = 0;
    for (int s = 0; s < chunks.size(); s++) {
      Sequence sequence = chunks.get(s).sequence();
      for (int i = 0; i < chunks.get(s).rows(); i++) {
        int position = sequence.computed + i;
        ids[row] = sequence.ids[position];
        positions[row] = position;
        extend(runs, row++, i == 0, acting(sequence, position));
      }
      starts[s + 1] = row;
      lengths[s] = sequence.computed + chunks.get(s).rows();
      pages[s] = Arrays.copyOf(sequence.pages, (lengths[s] + pageSize - 1) / pageSize);
    }
    int[] all = java.util.stream.IntStream.range(0, rows).toArray();
    return new StepInput(ids, positions, new AttentionBatch(starts, lengths, pages), runs, all);
  }

  private static List<RowRun.Applied> acting(Sequence sequence, int position) {
    return sequence.adapters.stream()
        .filter(applied -> position >= applied.activeFrom())
        .map(applied -> new RowRun.Applied(applied.adapter(), applied.scale()))
        .toList();
  }

  private static void extend(
      List<RowRun> runs, int row, boolean newSequence, List<RowRun.Applied> acting) {
    if (acting.isEmpty()) {
      return;
    }
    RowRun last = runs.isEmpty() ? null : runs.getLast();
    if (!newSequence && last != null && last.to() == row && last.adapters().equals(acting)) {
      runs.set(runs.size() - 1, new RowRun(last.from(), row + 1, acting));
    } else {
      runs.add(new RowRun(row, row + 1, acting));
    }
  }

  private static float[] logSoftmax(float[] logits, int row, int rows) {
    int width = logits.length / rows;
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < width; i++) {
      highest = Math.max(highest, logits[row * width + i]);
    }
    double sum = 0;
    for (int i = 0; i < width; i++) {
      sum += Math.exp(logits[row * width + i] - highest);
    }
    float[] logProbs = new float[width];
    for (int i = 0; i < width; i++) {
      logProbs[i] = (float) (logits[row * width + i] - highest - Math.log(sum));
    }
    return logProbs;
  }
}
