package dev.openlora.kernels;

import dev.openlora.kernels.Torch.Operator;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Narrow segments shared out over a few threads, each of which keeps OpenMP out of its products:
 * two OpenMP threads on one small product wait for each other longer than they work (measured, two
 * cores: widening a 4864 x 16 matrix takes 24 us, with one thread 6). All handles are made by the
 * caller, so a lane touches no shared state but the tensors of its own rows. The caller's thread is
 * the first lane.
 */
final class LoraLanes implements AutoCloseable {
  private static final int JOBS_WORTH_A_LANE = 4;

  private final Torch torch;
  private final int threads;
  private final @Nullable MethodHandle setThreads;
  private final List<Lane> lanes = new ArrayList<>();
  private final LanePool pool;

  /**
   * One segment, by handles. Jobs of the same rows stay in one lane, in their order.
   *
   * @param a 0 without matrices, as b; gain and shift likewise
   */
  record Job(
      int from,
      int to,
      long rows,
      long x,
      long a,
      long b,
      long rank,
      long in,
      long out,
      double scale,
      long gain,
      long shift) {}

  LoraLanes(Torch torch, TorchLibrary library) {
    this.torch = torch;
    this.threads = Math.max(1, library.threads());
    this.pool = new LanePool("lora", threads);
    // Without this symbol the lanes work, only slower.
    this.setThreads =
        library
            .find("omp_set_num_threads")
            .map((MemorySegment address) ->
                Linker.nativeLinker()
                    .downcallHandle(address, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)))
            .orElse(null);
  }

  void run(List<Job> jobs) {
    List<List<Job>> shares = shares(jobs);
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < shares.size(); i++) {
      if (i == lanes.size()) {
        lanes.add(new Lane());
      }
      Lane lane = lanes.get(i);
      List<Job> share = shares.get(i);
      work.add(() -> lane.run(share));
    }
    try {
      pool.run(work);
    } finally {
      limitThreads(threads);
    }
  }

  /** As even as the rows allow: no row is in two shares. One share where there is little to do. */
  private List<List<Job>> shares(List<Job> jobs) {
    int count = Math.clamp(jobs.size() / JOBS_WORTH_A_LANE, 1, threads);
    int[] firstRowFrom = new int[jobs.size() + 1];
    firstRowFrom[jobs.size()] = Integer.MAX_VALUE;
    for (int i = jobs.size() - 1; i >= 0; i--) {
      firstRowFrom[i] = Math.min(firstRowFrom[i + 1], jobs.get(i).from());
    }
    List<List<Job>> shares = new ArrayList<>();
    int begin = 0;
    int rowsEnd = 0;
    for (int i = 0; i < jobs.size(); i++) {
      rowsEnd = Math.max(rowsEnd, jobs.get(i).to());
      boolean full = i + 1 >= (long) jobs.size() * (shares.size() + 1) / count;
      if (full && rowsEnd <= firstRowFrom[i + 1]) {
        shares.add(jobs.subList(begin, i + 1));
        begin = i + 1;
      }
    }
    return shares;
  }

  private void limitThreads(int count) {
    if (setThreads == null) {
      return;
    }
    try {
      setThreads.invokeExact(count);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("omp_set_num_threads " + count, e);
    }
  }

  @Override
  public void close() {
    pool.close();
    lanes.forEach(Lane::close);
    lanes.clear();
  }

  /**
   * The memory of one thread's work: one widened matrix of each side at a time. One thread at a
   * time.
   */
  private final class Lane {
    private final TorchArena scratch = new TorchArena(torch, Device.CPU, "lora lane");
    private final TorchHandles passing = new TorchHandles();

    void run(List<Job> jobs) {
      limitThreads(1);
      try {
        Wide a = new Wide();
        Wide b = new Wide();
        Wide shrunk = new Wide();
        for (Job job : jobs) {
          if (job.a() != 0) {
            a.shape(job.rank(), job.in());
            b.shape(job.out(), job.rank());
            shrunk.shape(job.to() - job.from(), job.rank());
            torch.copy(a.handle, job.a());
            torch.mm(shrunk.handle, job.x(), a.transposed);
            torch.copy(b.handle, job.b());
            torch.addmm(job.rows(), job.rows(), shrunk.handle, b.transposed, 1, job.scale());
          }
          if (job.gain() != 0) {
            torch.apply(Operator.MULTIPLY, job.rows(), job.gain(), job.rows());
          }
          if (job.shift() != 0) {
            torch.copy(job.rows(), passing.add(torch.sum(job.rows(), job.shift())));
          }
        }
      } finally {
        passing.freeAll(torch);
        scratch.reset();
      }
    }

    void close() {
      scratch.close();
    }

    /** F32 memory that is one matrix after another, in place, so that it stays in the cache. */
    private final class Wide {
      private @Nullable Tensor memory;
      private long rows;
      private long columns;
      private long handle;
      private long transposed;

      void shape(long newRows, long newColumns) {
        if (newRows == rows && newColumns == columns) {
          return;
        }
        Tensor last = memory;
        if (last == null || last.elements() < newRows * newColumns) {
          last = scratch.allocate(DType.F32, newRows * newColumns);
          memory = last;
        }
        rows = newRows;
        columns = newColumns;
        Tensor matrix = last.rows(0, newRows * newColumns).reshape(newRows, newColumns);
        handle = matrix.handle(torch, passing);
        transposed = matrix.transposedHandle(torch, passing);
      }
    }
  }
}
