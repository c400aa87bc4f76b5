package dev.openlora.bench.step;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * How fast threads read memory: each walks through its share of a buffer that no cache holds and
 * sums one number of every cache line, for memory gives whole lines. A plain sum of all numbers
 * would measure its own loop, which ends at 27 GB/s a core in the cache, this one at 170. The sums
 * are checked, so the reading cannot be optimised away.
 *
 * <p>It runs in a Java process of its own, whose heap lies in huge pages, as weights do: in small
 * ones it reads a third less here.
 */
final class StreamBandwidth {
  // Whole arrays are much larger than the regions of the heap, which they fill but for the last.
  private static final int BLOCK_LONGS = 1 << 22;
  private static final int RANGE_LONGS = 1 << 14;
  private static final int LINE_LONGS = 8;
  private static final long MIB = 1024 * 1024;

  private StreamBandwidth() {}

  /** When a thread began and ended its share of one pass. */
  private record Pass(long begin, long end) {}

  /** The child's part; prints bytes per second. */
  public static void main(String[] args) throws InterruptedException {
    System.out.println(
        best(Integer.parseInt(args[0]), Long.parseLong(args[1]), Integer.parseInt(args[2])));
  }

  /** What {@link #best} finds in a process with huge pages. */
  static double ofMachine(int threads, long bytes, int passes)
      throws IOException, InterruptedException {
    long heapMiB = bytes / MIB + 256;
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseTransparentHugePages",
                "-XX:+UseSerialGC",
                "-Xmn16m",
                "-Xmx" + heapMiB + "m",
                "-cp",
                System.getProperty("java.class.path"),
                StreamBandwidth.class.getName(),
                String.valueOf(threads),
                String.valueOf(bytes),
                String.valueOf(passes))
            .redirectErrorStream(true)
            .start();
    try {
      String output =
          new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      String last = output.substring(output.lastIndexOf('\n') + 1);
      if (child.waitFor() != 0 || !last.matches("[0-9.E]+")) {
        throw new IOException("reading memory with " + threads + " threads failed: " + output);
      }
      return Double.parseDouble(last);
    } finally {
      child.destroyForcibly();
    }
  }

  /** Bytes per second of the best of several passes over {@code bytes} of memory. */
  static double best(int threads, long bytes, int passes) throws InterruptedException {
    long blocks = bytes / (8L * BLOCK_LONGS) / threads;
    if (threads < 1 || passes < 1 || blocks < 1 || blocks > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "stream: "
              + threads
              + " threads, "
              + bytes
              + " bytes, "
              + passes
              + " passes (expected: at least 1 each, and 32 MiB for each thread)");
    }
    CyclicBarrier together = new CyclicBarrier(threads);
    List<Callable<List<Pass>>> shares = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      shares.add(() -> passes((int) blocks, passes, together));
    }
    List<List<Pass>> all = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (Future<List<Pass>> share : pool.invokeAll(shares)) {
        all.add(share.get());
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("a thread that read memory failed", e.getCause());
    }
    long nanos = Long.MAX_VALUE;
    for (int pass = 0; pass < passes; pass++) {
      long begin = Long.MAX_VALUE;
      long end = Long.MIN_VALUE;
      for (List<Pass> thread : all) {
        begin = Math.min(begin, thread.get(pass).begin());
        end = Math.max(end, thread.get(pass).end());
      }
      nanos = Math.min(nanos, end - begin);
    }
    return 8.0 * BLOCK_LONGS * blocks * threads / (nanos / 1e9);
  }

  /** One thread's passes over blocks that it filled itself, so that they lie near it. */
  private static List<Pass> passes(int blocks, int passes, CyclicBarrier together)
      throws Exception {
    long[][] memory = new long[blocks][];
    for (int i = 0; i < blocks; i++) {
      memory[i] = new long[BLOCK_LONGS];
      Arrays.fill(memory[i], i + 1L);
    }
    long expected = BLOCK_LONGS / LINE_LONGS * (long) blocks * (blocks + 1L) / 2;
    List<Pass> done = new ArrayList<>();
    for (int pass = 0; pass < passes; pass++) {
      together.await();
      long begin = System.nanoTime();
      long sum = 0;
      for (long[] block : memory) {
        for (int from = 0; from < BLOCK_LONGS; from += RANGE_LONGS) {
          sum += sum(block, from, from + RANGE_LONGS);
        }
      }
      done.add(new Pass(begin, System.nanoTime()));
      if (sum != expected) {
        throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
      }
    }
    return done;
  }

  private static long sum(long[] values, int from, int to) {
    long even = 0;
    long odd = 0;
    for (int i = from; i < to; i += 2 * LINE_LONGS) {
      even += values[i];
      odd += values[i + LINE_LONGS];
    }
    return even + odd;
  }
}
