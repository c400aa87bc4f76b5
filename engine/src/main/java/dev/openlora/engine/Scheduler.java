package dev.openlora.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Chooses what each step computes: first one token for every running sequence, then the rest of the
 * token budget for prompts, oldest first, in chunks. When pages run out, the youngest running
 * sequence gives its own back and is computed again later, with the same output. A pure choice: no
 * tensor, no I/O, no clock. Engine thread only.
 */
final class Scheduler {
  private final Limits limits;
  private final PagePool pool;
  private final Deque<Sequence> waiting = new ArrayDeque<>();

  /** The oldest first; by identity, as sequences are. */
  private final LinkedHashSet<Sequence> running = new LinkedHashSet<>();

  private long preemptions;

  /**
   * @param batchTokens rows of one step
   * @param sequences running at once
   */
  record Limits(int batchTokens, int sequences, int pageSize, boolean prefixCache) {
    Limits {
      if (batchTokens < 1 || sequences < 1 || pageSize < 1) {
        throw new IllegalArgumentException(
            "limits: "
                + batchTokens
                + " batch tokens, "
                + sequences
                + " sequences, pages of "
                + pageSize
                + " (expected: all at least 1)");
      }
    }
  }

  Scheduler(Limits limits, PagePool pool) {
    this.limits = limits;
    this.pool = pool;
  }

  void add(Sequence sequence) {
    waiting.add(sequence);
  }

  /** Takes a sequence out, wherever it is, and frees its pages. */
  void remove(Sequence sequence) {
    if (running.remove(sequence) || waiting.remove(sequence)) {
      sequence.releasePages(pool);
    }
  }

  Batch next() {
    List<Batch.Slice> slices = new ArrayList<>();
    int budget = schedule(limits.batchTokens(), slices, true);
    budget = schedule(budget, slices, false);
    admit(budget, slices);
    slices.sort(Comparator.comparing(slice -> slice.sequence().orderKey()));
    return new Batch(List.copyOf(slices));
  }

  /**
   * Gives rows to running sequences: those that wait for one token, or those still in their prompt.
   */
  private int schedule(int budget, List<Batch.Slice> slices, boolean decoding) {
    int left = budget;
    for (Sequence sequence : List.copyOf(running)) {
      boolean turn = running.contains(sequence) && (sequence.remaining() == 1) == decoding;
      if (!turn || left == 0) {
        continue;
      }
      int rows = Math.min(sequence.remaining(), left);
      while (!ensurePages(sequence, sequence.computed() + rows)) {
        Sequence youngest = running.getLast();
        left += preempt(youngest, slices);
        if (youngest == sequence) {
          break;
        }
      }
      if (running.contains(sequence)) {
        slices.add(slice(sequence, rows));
        left -= rows;
      }
    }
    return left;
  }

  private int preempt(Sequence sequence, List<Batch.Slice> slices) {
    preemptions++;
    running.remove(sequence);
    sequence.releasePages(pool);
    waiting.addFirst(sequence);
    for (Batch.Slice slice : slices) {
      if (slice.sequence() == sequence) {
        slices.remove(slice);
        return slice.rows();
      }
    }
    return 0;
  }

  /** Lets waiting sequences in while rows, places and pages for all their tokens remain. */
  private void admit(int budget, List<Batch.Slice> slices) {
    int left = budget;
    while (left > 0 && running.size() < limits.sequences() && !waiting.isEmpty()) {
      Sequence sequence = waiting.getFirst();
      if (limits.prefixCache() && sequence.request().sampling().promptLogprobs() < 0) {
        sequence.reusePrefix(pool, limits.pageSize());
      }
      if (pagesFor(sequence.length() + 1) - sequence.pageCount() > pool.available()) {
        sequence.releasePages(pool);
        return;
      }
      waiting.removeFirst();
      running.add(sequence);
      int rows = Math.min(sequence.remaining(), left);
      ensurePages(sequence, sequence.computed() + rows);
      slices.add(slice(sequence, rows));
      left -= rows;
    }
  }

  private static Batch.Slice slice(Sequence sequence, int rows) {
    boolean scoresPrompt =
        sequence.request().sampling().promptLogprobs() >= 0 && sequence.outputLength() == 0;
    return Batch.Slice.of(sequence, rows, scoresPrompt);
  }

  private boolean ensurePages(Sequence sequence, int positions) {
    while (sequence.pageCount() < pagesFor(positions)) {
      int page = pool.take();
      if (page == PagePool.NONE) {
        return false;
      }
      sequence.addPage(page);
    }
    return true;
  }

  private int pagesFor(int positions) {
    return (positions + limits.pageSize() - 1) / limits.pageSize();
  }

  /** Marks a slice as computed and shares its full pages. */
  void computed(Batch.Slice slice) {
    slice.sequence().advance(slice.rows());
    if (limits.prefixCache()) {
      slice.sequence().publishFullPages(pool, limits.pageSize());
    }
  }

  int waitingCount() {
    return waiting.size();
  }

  int runningCount() {
    return running.size();
  }

  long preemptions() {
    return preemptions;
  }

  /** Every sequence, running first. */
  List<Sequence> all() {
    List<Sequence> all = new ArrayList<>(running);
    all.addAll(waiting);
    return all;
  }
}
