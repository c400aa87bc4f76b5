package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.PrimitiveIterator;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What Python's protocols say about any value: its truth, length, items, equality and order. */
final class Values {
  private Values() {}

  /**
   * Turns given Java values into a template's own, copying what could change; null becomes None.
   */
  static Object given(@Nullable Object value, Budget budget, int depth) {
    if (depth > 500) {
      throw TemplateException.limit("input nested more than 500 deep");
    }
    return switch (value) {
      case null -> Thing.None.NONE;
      case String s -> s;
      case Boolean b -> b;
      case Long l -> l;
      case Double d -> d;
      case Float f -> f.doubleValue();
      case Integer i -> i.longValue();
      case Short s -> s.longValue();
      case BigInteger b -> Numbers.normal(b);
      case java.math.BigDecimal d -> d.doubleValue();
      case java.util.Map<?, ?> m -> {
        Dict dict = new Dict();
        m.forEach(
            (k, v) -> dict.put(budget, given(k, budget, depth + 1), given(v, budget, depth + 1)));
        yield dict;
      }
      case Iterable<?> l -> {
        List<Object> list = new ArrayList<>();
        l.forEach(v -> list.add(given(v, budget, depth + 1)));
        yield list;
      }
      default ->
          throw new TemplateException(
              TemplateException.Kind.INPUT,
              "a value of " + value.getClass().getName() + " is not plain data");
    };
  }

  static String type(Object v) {
    return switch (v) {
      case String s -> "str";
      case Boolean b -> "bool";
      case Long l -> "int";
      case BigInteger b -> "int";
      case Double d -> "float";
      case List<?> l -> "list";
      case Thing t ->
          switch (t) {
            case Thing.None n -> "NoneType";
            case Thing.Undefined u -> "Undefined";
            case Thing.Tuple tuple -> "tuple";
            case Thing.Markup m -> "Markup";
            case Thing.Range r -> "range";
            case Thing.DictView view ->
                "dict_" + view.part().name().toLowerCase(java.util.Locale.ROOT);
            case Thing.Lazy lazy -> lazy.type();
            case Thing.Namespace n -> "Namespace";
            case Dict d -> "dict";
            case Loop l -> "LoopContext";
            case Callable.Function f -> f.type();
            case Callable.Counter c -> c.type.equals("joiner") ? "Joiner" : "Cycler";
            case Callable.Self s -> "TemplateReference";
            case Macro m -> "Macro";
          };
      default -> throw new IllegalStateException("not a value: " + v.getClass());
    };
  }

  static boolean truth(Object v) {
    return switch (v) {
      case String s -> !s.isEmpty();
      case Boolean b -> b;
      case Long l -> l != 0;
      case Double d -> d != 0;
      case List<?> l -> !l.isEmpty();
      case Thing.None n -> false;
      case Thing.Undefined u -> false;
      case Thing.Tuple t -> !t.items().isEmpty();
      case Thing.Markup m -> !m.text().isEmpty();
      case Thing.Range r -> r.size() > 0;
      case Thing.DictView view -> view.dict().size() > 0;
      case Dict d -> d.size() > 0;
      default -> true;
    };
  }

  static @Nullable String textOf(Object v) {
    return v instanceof String s ? s : v instanceof Thing.Markup m ? m.text() : null;
  }

  /** How many items, or -1 where Python has no length for it. */
  static int lengthOrNone(Object v) {
    return switch (v) {
      case String s -> Text.length(s);
      case Thing.Markup m -> Text.length(m.text());
      case List<?> l -> l.size();
      case Thing.Tuple t -> t.items().size();
      case Dict d -> d.size();
      case Thing.DictView view -> view.dict().size();
      case Thing.Range r -> r.size();
      case Thing.Undefined u -> 0;
      case Loop l -> l.length();
      default -> -1;
    };
  }

  static int length(Object v) {
    int length = lengthOrNone(v);
    if (length < 0) {
      throw TemplateException.type("object of type '" + type(v) + "' has no len()");
    }
    return length;
  }

  static boolean isIterable(Object v) {
    return (lengthOrNone(v) >= 0 && !(v instanceof Loop)) || v instanceof Thing.Lazy;
  }

  /** Goes through the items, one step of the budget each. */
  static Iterator<Object> iterate(Budget budget, Object v) {
    Iterator<Object> items = items(v);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return items.hasNext();
      }

      @Override
      public Object next() {
        budget.step();
        return items.next();
      }
    };
  }

  private static Iterator<Object> items(Object v) {
    return switch (v) {
      case String s -> characters(s);
      case Thing.Markup m -> characters(m.text());
      case List<?> l -> elements(l).iterator();
      case Thing.Tuple t -> t.items().iterator();
      case Dict d -> each(d, Dict.Entry::key);
      case Thing.DictView view -> each(view.dict(), view::item);
      case Thing.Lazy lazy -> lazy.iterator();
      case Thing.Undefined u -> List.<Object>of().iterator();
      case Thing.Range r ->
          new Iterator<>() {
            private int at;

            @Override
            public boolean hasNext() {
              return at < r.size();
            }

            @Override
            public Object next() {
              return r.get(at++);
            }
          };
      default -> throw TemplateException.type("'" + type(v) + "' object is not iterable");
    };
  }

  private static Iterator<Object> each(Dict d, Function<Dict.Entry, Object> part) {
    Iterator<Dict.Entry> entries = d.entries().iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return entries.hasNext();
      }

      @Override
      public Object next() {
        return part.apply(entries.next());
      }
    };
  }

  private static Iterator<Object> characters(String s) {
    PrimitiveIterator.OfInt points = s.codePoints().iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return points.hasNext();
      }

      @Override
      public Object next() {
        return Character.toString(points.nextInt());
      }
    };
  }

  /** The only lists among the values are lists of values. */
  @SuppressWarnings("unchecked")
  static List<Object> elements(List<?> list) {
    return (List<Object>) list;
  }

  static List<Object> list(Budget budget, Object v) {
    int known = lengthOrNone(v);
    if (known > 0) {
      budget.checkItems(known);
    }
    return collect(budget, iterate(budget, v));
  }

  static List<Object> collect(Budget budget, Iterator<Object> items) {
    List<Object> list = new ArrayList<>();
    while (items.hasNext()) {
      list.add(items.next());
      budget.item();
      budget.checkItems(list.size());
    }
    return list;
  }

  static boolean equal(Budget budget, Object a, Object b) {
    return equal(budget, a, b, 0);
  }

  @SuppressWarnings("ReferenceEquality")
  private static boolean equal(Budget budget, Object a, Object b, int depth) {
    if (a == b) {
      return !(a instanceof Double d) || !d.isNaN() || depth > 0;
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return !isNaN(a) && !isNaN(b) && Numbers.compare(a, b) == 0;
    }
    String x = textOf(a);
    String y = textOf(b);
    if (x != null || y != null) {
      return x != null && x.equals(y);
    }
    budget.nesting(depth);
    return switch (a) {
      case List<?> l -> b instanceof List<?> m && equal(budget, elements(l), elements(m), depth);
      case Thing.Tuple t ->
          b instanceof Thing.Tuple u && equal(budget, t.items(), u.items(), depth);
      case Thing.Undefined u -> b instanceof Thing.Undefined;
      case Dict d -> b instanceof Dict e && equal(budget, d, e, depth);
      case Thing.Range r ->
          b instanceof Thing.Range s
              && r.size() == s.size()
              && (r.size() == 0
                  || (r.get(0).equals(s.get(0))
                      && r.get(r.size() - 1).equals(s.get(r.size() - 1))));
      case Thing.DictView v ->
          v.part() != Thing.DictView.Part.VALUES
              && b instanceof Thing.DictView w
              && v.part() == w.part()
              && v.dict().size() == w.dict().size()
              && v.items().stream().allMatch(item -> contains(budget, item, w));
      default -> a.equals(b);
    };
  }

  private static boolean equal(Budget budget, List<Object> a, List<Object> b, int depth) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      budget.step();
      if (!equal(budget, a.get(i), b.get(i), depth + 1)) {
        return false;
      }
    }
    return true;
  }

  private static boolean equal(Budget budget, Dict a, Dict b, int depth) {
    if (a.size() != b.size()) {
      return false;
    }
    for (Dict.Entry e : a.entries()) {
      budget.step();
      Object other = b.get(budget, e.key());
      if (other == null || !equal(budget, e.value(), other, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isNaN(Object v) {
    return v instanceof Double d && d.isNaN();
  }

  /** {@code a < b}. */
  static boolean less(Budget budget, Object a, Object b) {
    return ordered(budget, a, b, "<", 0);
  }

  /** One of {@code < <= > >=}. */
  static boolean ordered(Budget budget, Object a, Object b, String operator) {
    return ordered(budget, a, b, operator, 0);
  }

  private static boolean ordered(Budget budget, Object a, Object b, String operator, int depth) {
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return !isNaN(a) && !isNaN(b) && holds(Numbers.compare(a, b), operator);
    }
    String x = textOf(a);
    String y = textOf(b);
    if (x != null && y != null) {
      return holds(Text.compare(x, y), operator);
    }
    if (a instanceof Thing.Undefined u) {
      throw u.failure();
    }
    if (b instanceof Thing.Undefined u) {
      throw u.failure();
    }
    budget.nesting(depth);
    if (a instanceof List<?> l && b instanceof List<?> m) {
      return ordered(budget, elements(l), elements(m), operator, depth);
    }
    if (a instanceof Thing.Tuple t && b instanceof Thing.Tuple u) {
      return ordered(budget, t.items(), u.items(), operator, depth);
    }
    throw TemplateException.type(
        "'"
            + operator
            + "' not supported between instances of '"
            + type(a)
            + "' and '"
            + type(b)
            + "'");
  }

  private static boolean ordered(
      Budget budget, List<Object> a, List<Object> b, String operator, int depth) {
    int shared = Math.min(a.size(), b.size());
    for (int i = 0; i < shared; i++) {
      budget.step();
      if (!equal(budget, a.get(i), b.get(i), depth + 1)) {
        return ordered(budget, a.get(i), b.get(i), operator, depth + 1);
      }
    }
    return holds(Integer.compare(a.size(), b.size()), operator);
  }

  private static boolean holds(int order, String operator) {
    return switch (operator) {
      case "<" -> order < 0;
      case "<=" -> order <= 0;
      case ">" -> order > 0;
      default -> order >= 0;
    };
  }

  /** {@code item in container}. */
  static boolean contains(Budget budget, Object item, Object container) {
    String text = textOf(container);
    if (text != null) {
      budget.scan(text.length());
      String part = textOf(item);
      if (part == null) {
        throw TemplateException.type(
            "'in <string>' requires string as left operand, not " + type(item));
      }
      return text.contains(part);
    }
    switch (container) {
      case Dict d -> {
        return d.get(budget, item) != null;
      }
      case Thing.DictView v when v.part() == Thing.DictView.Part.KEYS -> {
        return v.dict().get(budget, item) != null;
      }
      case Thing.DictView v when v.part() == Thing.DictView.Part.ITEMS -> {
        if (item instanceof Thing.Tuple t && t.items().size() == 2) {
          Object value = v.dict().get(budget, t.items().getFirst());
          return value != null && equal(budget, value, t.items().get(1), 1);
        }
        return false;
      }
      default -> {}
    }
    if (!isIterable(container)) {
      throw TemplateException.type("argument of type '" + type(container) + "' is not iterable");
    }
    Iterator<Object> items = iterate(budget, container);
    while (items.hasNext()) {
      if (equal(budget, items.next(), item, 1)) {
        return true;
      }
    }
    return false;
  }
}
