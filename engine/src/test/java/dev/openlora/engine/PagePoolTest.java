package dev.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.engine.sampling.Seeds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PagePoolTest {
  private static PrefixKey key(int n) {
    return new PrefixKey(n, 1, 2, 3);
  }

  @Test
  void keepsAPublishedPageAfterItsLastHolderUntilRoomIsNeeded() {
    PagePool pool = new PagePool(2);
    int page = pool.take();
    pool.publish(page, key(1), Set.of());
    pool.release(page);
    assertThat(pool.cachedPages()).isEqualTo(1);
    assertThat(pool.find(key(1))).isEqualTo(page);
    pool.release(page);
    int first = pool.take();
    int second = pool.take();
    assertThat(Set.of(first, second)).containsExactlyInAnyOrder(0, 1);
    assertThat(pool.find(key(1))).isEqualTo(PagePool.NONE);
    assertThat(pool.take()).isEqualTo(PagePool.NONE);
    pool.checkIntegrity();
  }

  @Test
  void givesUpTheOldestCachedPageFirst() {
    PagePool pool = new PagePool(3);
    for (int i = 0; i < 3; i++) {
      int page = pool.take();
      pool.publish(page, key(i), Set.of());
      pool.release(page);
    }
    pool.release(pool.find(key(0)));
    pool.take();
    assertThat(pool.find(key(1))).isEqualTo(PagePool.NONE);
    assertThat(pool.find(key(0))).isNotEqualTo(PagePool.NONE);
  }

  @Test
  void forgetsThePagesOfOneAdapterOnly() {
    PagePool pool = new PagePool(4);
    int mine = pool.take();
    int other = pool.take();
    pool.publish(mine, key(1), Set.of("aa"));
    pool.publish(other, key(2), Set.of("bb"));
    pool.release(mine);
    pool.release(other);
    assertThat(pool.forget("aa")).isEqualTo(1);
    assertThat(pool.find(key(1))).isEqualTo(PagePool.NONE);
    assertThat(pool.find(key(2))).isEqualTo(other);
    pool.checkIntegrity();
  }

  @Test
  void refusesToReleaseWhatNobodyHolds() {
    PagePool pool = new PagePool(1);
    assertThatThrownBy(() -> pool.release(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("page 0");
  }

  @Test
  void balancesOverRandomOperations() {
    long seed = Seeds.next("PagePoolTest");
    Random random = new Random(seed);
    PagePool pool = new PagePool(17);
    List<Integer> held = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      switch (random.nextInt(5)) {
        case 0 -> {
          int page = pool.take();
          assertThat(page == PagePool.NONE).isEqualTo(new HashSet<>(held).size() == 17);
          if (page != PagePool.NONE) {
            assertThat(held).doesNotContain(page);
            held.add(page);
          }
        }
        case 1 -> {
          int page = pool.find(key(random.nextInt(30)));
          if (page != PagePool.NONE) {
            held.add(page);
          }
        }
        case 2 -> {
          if (!held.isEmpty()) {
            pool.publish(
                held.get(random.nextInt(held.size())),
                key(random.nextInt(30)),
                Set.of("a" + random.nextInt(3)));
          }
        }
        case 3 -> {
          if (!held.isEmpty()) {
            pool.release(held.remove(random.nextInt(held.size())));
          }
        }
        default -> {
          if (random.nextInt(20) == 0) {
            pool.forget("a" + random.nextInt(3));
          }
        }
      }
      pool.checkIntegrity();
      assertThat(pool.heldPages()).isEqualTo(new HashSet<>(held).size());
    }
  }
}
