package dev.openlora.server.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A dict in insertion order whose keys are equal as in Python: 1, 1.0 and True are one key, and the
 * first spelling stays. Filled by whoever builds it, then never changed.
 */
final class Dict implements Thing {
  /** A key as it was first written, and its value. */
  record Entry(Object key, Object value) {}

  private record TupleKey(List<Object> items) {}

  private final LinkedHashMap<Object, Entry> entries = new LinkedHashMap<>();

  void put(Budget budget, Object key, Object value) {
    Object hashable = hashable(budget, key, 0);
    Entry old = entries.get(hashable);
    entries.put(hashable, new Entry(old == null ? key : old.key(), value));
  }

  void putAll(Dict other) {
    entries.putAll(other.entries);
  }

  @Nullable Object get(Budget budget, Object key) {
    Entry entry = entries.get(hashable(budget, key, 0));
    return entry == null ? null : entry.value();
  }

  int size() {
    return entries.size();
  }

  Collection<Entry> entries() {
    return entries.values();
  }

  List<Object> keys() {
    List<Object> keys = new ArrayList<>(size());
    entries.values().forEach(e -> keys.add(e.key()));
    return keys;
  }

  static boolean isHashable(Budget budget, Object key) {
    return !(key instanceof List || key instanceof Dict || key instanceof DictView)
        && (!(key instanceof Tuple t) || t.items().stream().allMatch(k -> isHashable(budget, k)));
  }

  /** Something with Java's equals and hashCode that is equal exactly where Python's keys are. */
  static Object hashable(Budget budget, Object key, int depth) {
    return switch (key) {
      case Boolean b -> b ? 1L : 0L;
      case Double d when d == Math.rint(d) && !Double.isInfinite(d) ->
          Numbers.normal(
              Math.abs(d) < 1e18
                  ? BigInteger.valueOf(d.longValue())
                  : new BigDecimal(d).toBigInteger());
      case Markup m -> m.text();
      case Undefined u -> Undefined.class;
      case Tuple t -> {
        budget.nesting(depth);
        List<Object> items = new ArrayList<>(t.items().size());
        for (Object item : t.items()) {
          budget.step();
          items.add(hashable(budget, item, depth + 1));
        }
        yield new TupleKey(items);
      }
      case List<?> l -> throw TemplateException.type("unhashable type: 'list'");
      case DictView v when v.part() != DictView.Part.VALUES ->
          throw TemplateException.type("unhashable type: '" + Values.type(v) + "'");
      case Dict d -> throw TemplateException.type("unhashable type: 'dict'");
      default -> key;
    };
  }
}
