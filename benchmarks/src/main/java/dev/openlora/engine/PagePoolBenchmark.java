package dev.openlora.engine;

import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * What does one page of keys and values cost in the pager's books? A pool of 16,384 pages, half of
 * them published; in the package of the pool because that is the engine's own.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class PagePoolBenchmark {
  private static final int PAGES = 16_384;
  private static final int PAGE_SIZE = 16;

  private final PrefixKey[] known = new PrefixKey[PAGES / 2];
  private final PrefixKey unknown = new PrefixKey(1, 2, 3, 4);
  private final int[] ids = new Random(1).ints(PAGE_SIZE, 0, 32_000).toArray();
  private PagePool pool;
  private PagePool full;
  private long published;
  private int next;

  @Setup
  public void fill() {
    Random random = new Random(2);
    pool = new PagePool(PAGES);
    full = new PagePool(PAGES);
    for (int i = 0; i < known.length; i++) {
      known[i] =
          new PrefixKey(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
      int page = pool.take();
      pool.publish(page, known[i], Set.of());
      pool.release(page);
    }
    for (int i = 0; i < PAGES; i++) {
      takePublishAndRelease();
    }
    if (full.cachedPages() != PAGES || pool.find(unknown) != PagePool.NONE) {
      throw new IllegalStateException(full.cachedPages() + " pages are cached");
    }
  }

  @Benchmark
  public int takeAndRelease() {
    int page = pool.take();
    pool.release(page);
    return page;
  }

  /** Of a pool in which every page is kept for reuse, so that the oldest has to go. */
  @Benchmark
  public int takePublishAndRelease() {
    int page = full.take();
    full.publish(page, new PrefixKey(published++, 0, 0, 1), Set.of());
    full.release(page);
    return page;
  }

  @Benchmark
  public int findAndRelease() {
    next = (next + 1) % known.length;
    int page = pool.find(known[next]);
    pool.release(page);
    return page;
  }

  @Benchmark
  public int findNothing() {
    return pool.find(unknown);
  }

  /** The name of a page: SHA-256 over the one before it and 16 tokens. */
  @Benchmark
  public Object key() {
    return PrefixKey.ROOT.next(ids, 0, PAGE_SIZE, List.of());
  }
}
