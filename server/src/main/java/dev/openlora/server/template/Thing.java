package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The values of a template that are not plain Java.
 *
 * <p>Plain are {@link Boolean}, {@link Long} or {@link java.math.BigInteger} (always the smaller
 * that fits), {@link Double}, {@link String} and {@link List}; Python's None is {@link None#NONE},
 * so no null is ever a value. No value a template can reach is changed, but for namespaces and the
 * few objects that count.
 */
sealed interface Thing
    permits Thing.None,
        Thing.Undefined,
        Thing.Tuple,
        Thing.Markup,
        Thing.Range,
        Thing.DictView,
        Thing.Lazy,
        Thing.Namespace,
        Dict,
        Loop,
        Callable {

  /** Python's None. */
  enum None implements Thing {
    NONE
  }

  /**
   * A name, key or attribute that is not there. Prints as nothing and is false; whatever else is
   * done to it fails with its kind and reason.
   */
  record Undefined(TemplateException.Kind kind, String reason) implements Thing {
    static Undefined name(String name) {
      return new Undefined(TemplateException.Kind.UNDEFINED, "'" + name + "' is undefined");
    }

    TemplateException failure() {
      return new TemplateException(kind, reason);
    }
  }

  /** A tuple; {@code group} marks the pairs of groupby, which also have names. */
  record Tuple(List<Object> items, boolean group) implements Thing {
    Tuple(List<Object> items) {
      this(items, false);
    }

    static Tuple of(Object... items) {
      return new Tuple(List.of(items));
    }
  }

  /** Text marked as safe for HTML; what is added to it gets escaped. */
  record Markup(String text) implements Thing {}

  /** A range of at most 100,000 ints; start, stop and step are Long or BigInteger. */
  record Range(Object start, Object stop, Object step, int size) implements Thing {
    Object get(int i) {
      return Numbers.add(start, Numbers.multiply(step, (long) i));
    }
  }

  /** {@code d.keys()}, {@code d.values()} or {@code d.items()}. */
  record DictView(Dict dict, Part part) implements Thing {
    enum Part {
      KEYS,
      VALUES,
      ITEMS
    }

    Object item(Dict.Entry e) {
      return switch (part) {
        case KEYS -> e.key();
        case VALUES -> e.value();
        case ITEMS -> Tuple.of(e.key(), e.value());
      };
    }

    List<Object> items() {
      List<Object> items = new ArrayList<>(dict.size());
      dict.entries().forEach(e -> items.add(item(e)));
      return items;
    }
  }

  /**
   * An iterator that is read once and computes what it gives only then, as Python's generators do.
   */
  record Lazy(String type, Iterator<Object> iterator) implements Thing {}

  /** The one thing a template may assign attributes to. */
  final class Namespace implements Thing {
    final Map<String, Object> attributes = new LinkedHashMap<>();

    void set(String name, Object value) {
      if (name.startsWith("_")) {
        throw new TemplateException(
            TemplateException.Kind.SANDBOX,
            "a namespace takes no names that begin with _, got '" + name + "'");
      }
      attributes.put(name, value);
    }
  }

  /** Keys already seen, equal as keys of a dict are. */
  final class Seen {
    private final Set<Object> keys = new HashSet<>();

    boolean add(Budget budget, Object key) {
      return keys.add(Dict.hashable(budget, key, 0));
    }
  }
}
