package dev.openlora.kernels;

import java.util.ArrayList;
import java.util.List;

/**
 * Work cut into one share for each thread, the same shares every time, so that sums come out the
 * same. The caller's thread is the first lane. One caller at a time.
 */
final class TrainingLanes implements AutoCloseable {
  /** What one lane does. */
  interface Work {
    void run(Lane lane, int from, int to);
  }

  /** A thread's own memory: arrays that loops work in, and what its calls of libtorch need. */
  static final class Lane {
    private final int index;
    private final float[][] floats = new float[6][0];
    private int[] ints = {};
    private short[] shorts = {};
    private final TorchArena scratch;
    private final TorchHandles passing = new TorchHandles();

    private Lane(int index, TorchArena scratch) {
      this.index = index;
      this.scratch = scratch;
    }

    int index() {
      return index;
    }

    /** An array of at least this size; the same one for the same number. */
    float[] floats(int number, int size) {
      if (floats[number].length < size) {
        floats[number] = new float[size];
      }
      return floats[number];
    }

    int[] ints(int size) {
      if (ints.length < size) {
        ints = new int[size];
      }
      return ints;
    }

    short[] shorts(int size) {
      if (shorts.length < size) {
        shorts = new short[size];
      }
      return shorts;
    }

    TorchArena scratch() {
      return scratch;
    }

    TorchHandles passing() {
      return passing;
    }
  }

  private final Torch torch;
  private final List<Lane> lanes = new ArrayList<>();
  private final LanePool pool;

  TrainingLanes(Torch torch, int threads) {
    this.torch = torch;
    this.pool = new LanePool("training", Math.max(1, threads));
    for (int i = 0; i < Math.max(1, threads); i++) {
      lanes.add(new Lane(i, new TorchArena(torch, Device.CPU, "training lane " + i)));
    }
  }

  int count() {
    return lanes.size();
  }

  /** Runs [0, count) in even shares, none much smaller than {@code worthALane}. */
  void run(long count, long worthALane, Work work) {
    int shares = (int) Math.clamp(count / Math.max(1, worthALane), 1, lanes.size());
    int[] bounds = new int[shares + 1];
    for (int i = 0; i <= shares; i++) {
      bounds[i] = Math.toIntExact(count * i / shares);
    }
    run(bounds, work);
  }

  /** Runs share i from bounds[i] to bounds[i + 1]; no more shares than lanes. */
  void run(int[] bounds, Work work) {
    List<Runnable> shares = new ArrayList<>();
    for (int i = 0; i + 1 < bounds.length; i++) {
      Lane lane = lanes.get(i);
      int from = bounds[i];
      int to = bounds[i + 1];
      shares.add(() -> work.run(lane, from, to));
    }
    pool.run(shares);
  }

  /** Like {@link #run(int[], Work)}, libtorch's operations each kept in their lane. */
  void runAlone(int[] bounds, Work work) {
    try {
      run(
          bounds,
          (lane, from, to) -> {
            torch.useOneThread();
            try {
              work.run(lane, from, to);
            } finally {
              lane.passing().freeAll(torch);
              lane.scratch().reset();
            }
          });
    } finally {
      torch.useAllThreads();
    }
  }

  @Override
  public void close() {
    pool.close();
    lanes.forEach(lane -> lane.scratch().close());
  }
}
