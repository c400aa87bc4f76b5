package dev.openlora.engine;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which KV pages are free, held, or kept for reuse. A held page counts its holders; a full page can
 * be published under a {@link PrefixKey}, and stays findable after its last holder until its room
 * is needed, oldest first. Knows no device and no sequence. Engine thread only.
 */
final class PagePool {
  static final int NONE = -1;

  private final int pages;
  private final int[] holders;
  private final @Nullable PrefixKey[] keys;
  private final @Nullable Set<String>[] owners;
  private final ArrayDeque<Integer> free = new ArrayDeque<>();
  private final LinkedHashSet<Integer> cached = new LinkedHashSet<>();
  private final Map<PrefixKey, Integer> pageOf = new HashMap<>();

  @SuppressWarnings("unchecked")
  PagePool(int pages) {
    this.pages = pages;
    holders = new int[pages];
    keys = new PrefixKey[pages];
    owners = (Set<String>[]) new Set<?>[pages];
    for (int page = 0; page < pages; page++) {
      free.add(page);
    }
  }

  int pages() {
    return pages;
  }

  /** Pages that {@link #take} can give: free ones and those kept only for reuse. */
  int available() {
    return free.size() + cached.size();
  }

  int cachedPages() {
    return cached.size();
  }

  int heldPages() {
    return pages - free.size() - cached.size();
  }

  /** A page held once, or {@link #NONE}. */
  int take() {
    Integer page = free.poll();
    if (page == null) {
      if (cached.isEmpty()) {
        return NONE;
      }
      page = cached.removeFirst();
      unpublish(page);
    }
    holders[page] = 1;
    return page;
  }

  /** The page published under the key, held once more, or {@link #NONE}. */
  int find(PrefixKey key) {
    Integer page = pageOf.get(key);
    if (page == null) {
      return NONE;
    }
    if (holders[page]++ == 0) {
      cached.remove(page);
    }
    return page;
  }

  void release(int page) {
    if (holders[page] <= 0) {
      throw new IllegalStateException("page " + page + " released, though nobody holds it");
    }
    if (--holders[page] == 0) {
      if (keys[page] == null) {
        free.add(page);
      } else {
        cached.add(page);
      }
    }
  }

  /**
   * Lets others find a held, full page. The first page under a key stays; a second one is simply
   * not shared.
   */
  void publish(int page, PrefixKey key, Set<String> adapterHashes) {
    if (holders[page] <= 0) {
      throw new IllegalStateException("page " + page + " published, though nobody holds it");
    }
    if (keys[page] == null && pageOf.putIfAbsent(key, page) == null) {
      keys[page] = key;
      owners[page] = adapterHashes;
    }
  }

  /** Makes unfindable every page that an adapter had a part in; returns how many were freed. */
  int forget(String adapterSha256) {
    int freed = 0;
    for (int page = 0; page < pages; page++) {
      Set<String> owner = owners[page];
      if (owner != null && owner.contains(adapterSha256)) {
        unpublish(page);
        if (holders[page] == 0) {
          cached.remove(page);
          free.add(page);
          freed++;
        }
      }
    }
    return freed;
  }

  private void unpublish(int page) {
    PrefixKey key = keys[page];
    if (key != null) {
      pageOf.remove(key);
      keys[page] = null;
      owners[page] = null;
    }
  }

  /** Throws when the books do not balance. */
  void checkIntegrity() {
    int held = 0;
    for (int page = 0; page < pages; page++) {
      held += holders[page] > 0 ? 1 : 0;
      PrefixKey key = keys[page];
      if (key != null && !Integer.valueOf(page).equals(pageOf.get(key))) {
        throw new IllegalStateException(
            "page " + page + " has a key under which another page is found");
      }
    }
    if (held != heldPages() || pageOf.size() < cached.size()) {
      throw new IllegalStateException(
          held + " pages held, " + free.size() + " free, " + cached.size() + " cached of " + pages);
    }
  }
}
