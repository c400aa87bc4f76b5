package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * A stable sort that asks only {@code a < b}, as Python's does: values without an order fail, and
 * an order that contradicts itself (NaN) still ends.
 */
final class Sorting {
  private record Keyed<T>(Object key, T item) {}

  private Sorting() {}

  static <T> List<T> sorted(
      Budget budget, List<T> items, Function<T, Object> key, boolean reverse) {
    budget.items(items.size());
    List<Keyed<T>> keyed = new ArrayList<>(items.size());
    for (T item : reverse ? items.reversed() : items) {
      keyed.add(new Keyed<>(key.apply(item), item));
    }
    List<T> sorted = new ArrayList<>(items.size());
    for (Keyed<T> k : merge(budget, keyed)) {
      sorted.add(k.item());
    }
    return reverse ? sorted.reversed() : sorted;
  }

  private static <T> List<Keyed<T>> merge(Budget budget, List<Keyed<T>> items) {
    if (items.size() < 2) {
      return items;
    }
    int middle = items.size() / 2;
    List<Keyed<T>> left = merge(budget, items.subList(0, middle));
    List<Keyed<T>> right = merge(budget, items.subList(middle, items.size()));
    List<Keyed<T>> out = new ArrayList<>(items.size());
    int l = 0;
    int r = 0;
    while (l < left.size() && r < right.size()) {
      budget.step();
      out.add(
          Values.less(budget, right.get(r).key(), left.get(l).key())
              ? right.get(r++)
              : left.get(l++));
    }
    out.addAll(left.subList(l, left.size()));
    out.addAll(right.subList(r, right.size()));
    return out;
  }
}
