package dev.openlora.engine;

import dev.openlora.adapter.Adapter;
import dev.openlora.engine.model.RowRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tokens of one generation, how many of them have keys and values, and in which pages. What the
 * scheduler needs to know of a request, without tensors. Engine thread only.
 */
final class Sequence {
  private final GenerationRequest request;
  private final int[] activeFrom;
  private final List<PrefixKey.Acting> acting = new ArrayList<>();
  private final Set<String> adapterHashes = new HashSet<>();
  private final List<PrefixKey> pageKeys = new ArrayList<>();
  private final String orderKey;
  private int[] ids;
  private int length;
  private int computed;
  private int cachedPromptTokens;
  private int[] pages = new int[4];
  private int pageCount;
  private int publishedPages;

  Sequence(GenerationRequest request) {
    this.request = request;
    ids = request.promptIds().clone();
    length = ids.length;
    activeFrom = new int[request.adapters().size()];
    for (int i = 0; i < activeFrom.length; i++) {
      ScaledAdapter scaled = request.adapters().get(i);
      Adapter adapter = scaled.lease().adapter();
      activeFrom[i] = activation(adapter.invocationTokens(), request.promptIds());
      acting.add(new PrefixKey.Acting(adapter.id().sha256(), scaled.scale(), activeFrom[i]));
      adapterHashes.add(adapter.id().sha256());
    }
    orderKey =
        acting.stream().map(a -> a.sha256() + "*" + a.scale()).collect(Collectors.joining(" "));
  }

  /**
   * aLoRA: from the last occurrence of its invocation tokens; never without one; always without
   * tokens.
   */
  static int activation(int[] invocation, int[] prompt) {
    if (invocation.length == 0) {
      return 0;
    }
    for (int start = prompt.length - invocation.length; start >= 0; start--) {
      if (Arrays.equals(
          prompt, start, start + invocation.length, invocation, 0, invocation.length)) {
        return start;
      }
    }
    return Integer.MAX_VALUE;
  }

  GenerationRequest request() {
    return request;
  }

  int promptLength() {
    return request.promptIds().length;
  }

  int length() {
    return length;
  }

  int outputLength() {
    return length - promptLength();
  }

  int id(int position) {
    return ids[position];
  }

  /** Positions whose keys and values are in the cache. */
  int computed() {
    return computed;
  }

  int remaining() {
    return length - computed;
  }

  int cachedPromptTokens() {
    return cachedPromptTokens;
  }

  void append(int tokenId) {
    if (length == ids.length) {
      ids = Arrays.copyOf(ids, Math.max(16, length * 2));
    }
    ids[length++] = tokenId;
  }

  void advance(int rows) {
    computed += rows;
  }

  int pageCount() {
    return pageCount;
  }

  int[] pageTable() {
    return Arrays.copyOf(pages, pageCount);
  }

  void addPage(int page) {
    if (pageCount == pages.length) {
      pages = Arrays.copyOf(pages, pageCount * 2);
    }
    pages[pageCount++] = page;
  }

  /**
   * Takes from the pool every leading page that already holds this prefix. At least one token stays
   * to be computed.
   */
  void reusePrefix(PagePool pool, int pageSize) {
    int usable = (length - 1) / pageSize;
    for (int i = 0; i < usable; i++) {
      int page = pool.find(pageKey(i, pageSize));
      if (page == PagePool.NONE) {
        break;
      }
      addPage(page);
      computed += pageSize;
      publishedPages = pageCount;
    }
    if (outputLength() == 0) {
      cachedPromptTokens = computed;
    }
  }

  /** Publishes the pages that have become full. */
  void publishFullPages(PagePool pool, int pageSize) {
    for (; (publishedPages + 1) * pageSize <= computed; publishedPages++) {
      pool.publish(pages[publishedPages], pageKey(publishedPages, pageSize), adapterHashes);
    }
  }

  private PrefixKey pageKey(int index, int pageSize) {
    while (pageKeys.size() <= index) {
      int i = pageKeys.size();
      PrefixKey before = i == 0 ? PrefixKey.ROOT : pageKeys.get(i - 1);
      pageKeys.add(before.next(ids, i * pageSize, (i + 1) * pageSize, acting));
    }
    return pageKeys.get(index);
  }

  /** Gives all pages back; everything is to be computed anew. */
  void releasePages(PagePool pool) {
    for (int i = 0; i < pageCount; i++) {
      pool.release(pages[i]);
    }
    pageCount = 0;
    publishedPages = 0;
    computed = 0;
  }

  /**
   * Adapters at work on positions [from, to), as runs relative to {@code row}, the row of {@code
   * from}.
   */
  List<RowRun> runs(int from, int to, int row) {
    List<RowRun> runs = new ArrayList<>();
    int start = from;
    while (start < to) {
      int end = to;
      List<RowRun.Applied> applied = new ArrayList<>();
      for (int i = 0; i < activeFrom.length; i++) {
        if (activeFrom[i] <= start) {
          ScaledAdapter scaled = request.adapters().get(i);
          applied.add(new RowRun.Applied(scaled.lease().adapter(), scaled.scale()));
        } else {
          end = Math.min(end, activeFrom[i]);
        }
      }
      if (!applied.isEmpty()) {
        runs.add(new RowRun(row + start - from, row + end - from, List.copyOf(applied)));
      }
      start = end;
    }
    return runs;
  }

  /** Sequences with the same order key go through the same adapters. */
  String orderKey() {
    return orderKey;
  }
}
