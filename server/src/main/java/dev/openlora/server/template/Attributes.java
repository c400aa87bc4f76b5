package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * {@code x.name}, {@code x[key]} and slices, behind the sandbox: what Python has under a forbidden
 * name is an undefined value that fails with {@link TemplateException.Kind#SANDBOX} when it is
 * used.
 */
final class Attributes {
  private static final Set<String> MUTATE_LIST =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");
  private static final Set<String> MUTATE_DICT =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private Attributes() {}

  /** {@code x.name}: the attribute, or else the key. */
  static Object attribute(Interpreter in, Object x, String name) {
    Object own = find(in, x, name);
    if (own != null) {
      return own;
    }
    if (x instanceof Dict d) {
      Object value = d.get(in.budget(), name);
      if (value != null) {
        return value;
      }
    }
    return missing(x, name);
  }

  /** Only the attribute, never the key: the filter attr. */
  static Object attributeOnly(Interpreter in, Object x, String name) {
    boolean absent = x instanceof Thing.Undefined && isDunder(name) && !hasDunder(x, name);
    Object own = absent ? null : find(in, x, name);
    return own == null ? missing(x, name) : own;
  }

  /** {@code x[key]}: the item, or else, for a string, the attribute. */
  static Object item(Interpreter in, Object x, Object key) {
    Object item = itemOrNull(in, x, key);
    if (item != null) {
      return item;
    }
    String name = Values.textOf(key);
    Object own = name == null ? null : find(in, x, name);
    return own != null ? own : missing(x, key);
  }

  private static Thing.Undefined missing(Object x, Object name) {
    String reason;
    if (x instanceof Thing.None) {
      reason = "'None' has no attribute '" + name + "'";
    } else if (name instanceof String) {
      reason = "'" + Values.type(x) + " object' has no attribute '" + name + "'";
    } else {
      reason =
          Values.type(x)
              + " object has no element "
              + (name instanceof Long ? name : Values.type(name));
    }
    return new Thing.Undefined(TemplateException.Kind.UNDEFINED, reason);
  }

  private static Thing.Undefined unsafe(Object x, String name) {
    return new Thing.Undefined(
        TemplateException.Kind.SANDBOX,
        "access to attribute '" + name + "' of '" + Values.type(x) + "' object is unsafe.");
  }

  private static boolean isDunder(String name) {
    return name.length() > 4 && name.startsWith("__") && name.endsWith("__");
  }

  private static @Nullable Object find(Interpreter in, Object x, String name) {
    if (isDunder(name) && hasDunder(x, name)) {
      return unsafe(x, name);
    }
    return switch (x) {
      case String s -> Strings.bound(s, name);
      case Thing.Markup m -> Strings.bound(m, name);
      case List<?> l ->
          MUTATE_LIST.contains(name) ? unsafe(x, name) : sequence(Values.elements(l), "list", name);
      case Boolean b -> number(Numbers.big(b), name);
      case Long l -> number(Numbers.big(l), name);
      case BigInteger b -> number(b, name);
      case Double d -> real(d, name);
      case Thing t -> find(in, t, name);
      default -> null;
    };
  }

  /**
   * Where the difference can be seen, which names Python has: a dict may have others as keys,
   * undefined fails.
   */
  private static boolean hasDunder(Object x, String name) {
    return switch (x) {
      case Dict d -> PYTHON_DICT.contains(name) || PYTHON_OBJECT.contains(name);
      case Thing.Undefined u -> PYTHON_UNDEFINED.contains(name) || PYTHON_OBJECT.contains(name);
      default -> true;
    };
  }

  private static final Set<String> PYTHON_OBJECT =
      Set.of(
          "__class__",
          "__delattr__",
          "__dir__",
          "__doc__",
          "__eq__",
          "__format__",
          "__ge__",
          "__getattribute__",
          "__getstate__",
          "__gt__",
          "__hash__",
          "__init__",
          "__init_subclass__",
          "__le__",
          "__lt__",
          "__ne__",
          "__new__",
          "__reduce__",
          "__reduce_ex__",
          "__repr__",
          "__setattr__",
          "__sizeof__",
          "__str__",
          "__subclasshook__");
  private static final Set<String> PYTHON_UNDEFINED =
      Set.of(
          "__add__",
          "__aiter__",
          "__bool__",
          "__call__",
          "__complex__",
          "__float__",
          "__floordiv__",
          "__getattr__",
          "__getitem__",
          "__int__",
          "__iter__",
          "__len__",
          "__mod__",
          "__module__",
          "__mul__",
          "__neg__",
          "__pos__",
          "__pow__",
          "__radd__",
          "__rfloordiv__",
          "__rmod__",
          "__rmul__",
          "__rpow__",
          "__rsub__",
          "__rtruediv__",
          "__slots__",
          "__sub__",
          "__truediv__");
  private static final Set<String> PYTHON_DICT =
      Set.of(
          "__class_getitem__",
          "__contains__",
          "__delitem__",
          "__getitem__",
          "__ior__",
          "__iter__",
          "__len__",
          "__or__",
          "__reversed__",
          "__ror__",
          "__setitem__");

  private static @Nullable Object find(Interpreter in, Thing x, String name) {
    return switch (x) {
      case Thing.Undefined u -> throw u.failure();
      case Thing.None n -> null;
      case Thing.Markup m -> Strings.bound(m, name);
      case Thing.DictView v -> null;
      case Thing.Lazy l -> null;
      case Thing.Namespace n -> n.attributes.get(name);
      case Thing.Tuple t when t.group() && name.equals("grouper") -> t.items().get(0);
      case Thing.Tuple t when t.group() && name.equals("list") -> t.items().get(1);
      case Thing.Tuple t -> sequence(t.items(), "tuple", name);
      case Thing.Range r ->
          switch (name) {
            case "start" -> r.start();
            case "stop" -> r.stop();
            case "step" -> r.step();
            default -> sequence(new RangeList(r), "range", name);
          };
      case Dict d -> MUTATE_DICT.contains(name) ? unsafe(x, name) : dict(d, name);
      case Loop l -> l.attribute(in, name);
      case Macro m -> m.attribute(name);
      case Callable.Function f -> f.attributes().get(name);
      case Callable.Counter c -> counter(c, name);
      case Callable.Self s ->
          s.block() == null && in.hasBlock(name) ? new Callable.Self(name) : null;
    };
  }

  private static final class RangeList extends java.util.AbstractList<Object> {
    private final Thing.Range range;

    RangeList(Thing.Range range) {
      this.range = range;
    }

    @Override
    public Object get(int i) {
      return range.get(i);
    }

    @Override
    public int size() {
      return range.size();
    }
  }

  private static Callable.Function method(String name, Callable.Body body) {
    return new Callable.Function(name, "builtin_function_or_method", Map.of(), body);
  }

  private static final Signature ONE = Signature.of("index", 1, "value");

  private static @Nullable Object sequence(List<Object> items, String type, String name) {
    return switch (name) {
      case "index" ->
          method(name, (in, args) -> index(in.budget(), items, ONE.bind(args).get(0), type));
      case "count" -> method(name, (in, args) -> count(in.budget(), items, ONE.bind(args).get(0)));
      case "copy" ->
          type.equals("list") ? method(name, (in, args) -> Values.list(in.budget(), items)) : null;
      default -> null;
    };
  }

  private static Object index(Budget budget, List<Object> items, Object wanted, String type) {
    for (int i = 0; i < items.size(); i++) {
      budget.step();
      if (Values.equal(budget, items.get(i), wanted)) {
        return (long) i;
      }
    }
    throw TemplateException.type(Printer.repr(budget, wanted) + " is not in " + type);
  }

  private static Object count(Budget budget, List<Object> items, Object wanted) {
    long count = 0;
    for (Object item : items) {
      budget.step();
      count += Values.equal(budget, item, wanted) ? 1 : 0;
    }
    return count;
  }

  private static final Signature GET = Signature.of("get", 1, "key", "default");
  private static final Signature NOTHING = Signature.of("items", 0);

  private static @Nullable Object dict(Dict d, String name) {
    return switch (name) {
      case "items" -> view(d, Thing.DictView.Part.ITEMS, name);
      case "keys" -> view(d, Thing.DictView.Part.KEYS, name);
      case "values" -> view(d, Thing.DictView.Part.VALUES, name);
      case "get" ->
          method(
              name,
              (in, args) -> {
                Signature.Bound a = GET.bind(args);
                Object value = d.get(in.budget(), a.get(0));
                return value == null ? a.get(1, Thing.None.NONE) : value;
              });
      case "copy" ->
          method(
              name,
              (in, args) -> {
                NOTHING.bind(args);
                in.budget().items(d.size());
                Dict copy = new Dict();
                copy.putAll(d);
                return copy;
              });
      case "fromkeys" -> method(name, Globals::fromKeys);
      default -> null;
    };
  }

  private static Callable.Function view(Dict d, Thing.DictView.Part part, String name) {
    return method(
        name,
        (in, args) -> {
          NOTHING.bind(args);
          return new Thing.DictView(d, part);
        });
  }

  private static @Nullable Object number(BigInteger i, String name) {
    return switch (name) {
      case "real", "numerator" -> Numbers.normal(i);
      case "imag" -> 0L;
      case "denominator" -> 1L;
      case "conjugate" -> method(name, (in, args) -> Numbers.normal(i));
      case "bit_length" -> method(name, (in, args) -> (long) i.abs().bitLength());
      case "bit_count" -> method(name, (in, args) -> (long) i.abs().bitCount());
      case "as_integer_ratio" -> method(name, (in, args) -> Thing.Tuple.of(Numbers.normal(i), 1L));
      case "to_bytes", "from_bytes" -> method(name, Attributes::unsupported);
      default -> null;
    };
  }

  private static @Nullable Object real(double d, String name) {
    return switch (name) {
      case "real" -> d;
      case "imag" -> 0.0;
      case "conjugate" -> method(name, (in, args) -> d);
      case "is_integer" -> method(name, (in, args) -> d == Math.rint(d) && !Double.isInfinite(d));
      case "as_integer_ratio", "hex", "fromhex" -> method(name, Attributes::unsupported);
      default -> null;
    };
  }

  private static Object unsupported(Interpreter in, Callable.Args args) {
    throw TemplateException.type("this method is not supported");
  }

  private static @Nullable Object counter(Callable.Counter c, String name) {
    boolean joiner = c.type.equals("joiner");
    return switch (name) {
      case "sep" -> joiner ? c.items.get(1) : null;
      case "used" -> joiner ? (Object) (c.position() > 0) : null;
      case "current" -> joiner ? null : c.current();
      case "pos" -> joiner ? null : (Object) (long) c.position();
      case "items" -> joiner ? null : new Thing.Tuple(c.items);
      case "next" -> joiner ? null : method(name, (in, args) -> c.next());
      case "reset" ->
          joiner
              ? null
              : method(
                  name,
                  (in, args) -> {
                    c.reset();
                    return Thing.None.NONE;
                  });
      default -> null;
    };
  }

  private static @Nullable Object itemOrNull(Interpreter in, Object x, Object key) {
    if (x instanceof Thing.Undefined u) {
      throw u.failure();
    }
    if (x instanceof Dict d) {
      return Dict.isHashable(in.budget(), key) ? d.get(in.budget(), key) : null;
    }
    if (!Numbers.isInt(key)) {
      return null;
    }
    return switch (x) {
      case String s -> character(in.budget(), s, key);
      case Thing.Markup m -> {
        String c = character(in.budget(), m.text(), key);
        yield c == null ? null : new Thing.Markup(c);
      }
      case List<?> l -> element(Values.elements(l)::get, l.size(), key);
      case Thing.Tuple t -> element(t.items()::get, t.items().size(), key);
      case Thing.Range r -> element(r::get, r.size(), key);
      default -> null;
    };
  }

  private static @Nullable String character(Budget budget, String s, Object key) {
    budget.scan(2L * s.length());
    int length = Text.length(s);
    int i = Numbers.index(key);
    i = i < 0 ? i + length : i;
    return i < 0 || i >= length ? null : Character.toString(s.codePointAt(Text.index(s, i)));
  }

  private static @Nullable Object element(IntFunction<Object> items, int size, Object key) {
    int i = Numbers.index(key);
    i = i < 0 ? i + size : i;
    return i < 0 || i >= size ? null : items.apply(i);
  }

  /**
   * {@code x[start:stop:step]}; None stands for what was left out. What cannot be cut is undefined
   * while compiling and an error later, as in Jinja2.
   */
  static Object slice(Interpreter in, Object x, Object start, Object stop, Object step) {
    Budget budget = in.budget();
    if (x instanceof Thing.Undefined u) {
      throw u.failure();
    }
    boolean sequence =
        Values.textOf(x) != null
            || x instanceof List
            || x instanceof Thing.Tuple
            || x instanceof Thing.Range;
    if (!sequence || !isBound(start) || !isBound(stop) || !isBound(step)) {
      if (in.isFolding()) {
        return missing(x, "slice");
      }
      throw TemplateException.type(
          sequence
              ? "slice indices must be integers or None"
              : "'" + Values.type(x) + "' object cannot be sliced");
    }
    int by = step instanceof Thing.None ? 1 : Numbers.index(step);
    if (by == 0) {
      throw TemplateException.type("slice step cannot be zero");
    }
    int size = Values.length(x);
    int from =
        start instanceof Thing.None
            ? (by > 0 ? 0 : size - 1)
            : clip(Numbers.index(start), size, by);
    int to =
        stop instanceof Thing.None ? (by > 0 ? size : -1) : clip(Numbers.index(stop), size, by);
    long span = by > 0 ? (long) to - from : (long) from - to;
    int count = span <= 0 ? 0 : (int) ((span - 1) / Math.abs((long) by) + 1);
    return switch (x) {
      case String s -> text(budget, s, from, by, count);
      case Thing.Markup m -> new Thing.Markup(text(budget, m.text(), from, by, count));
      case List<?> l -> items(budget, Values.elements(l), from, by, count);
      case Thing.Tuple t -> new Thing.Tuple(items(budget, t.items(), from, by, count));
      case Thing.Range r ->
          new Thing.Range(
              position(r, from), position(r, to), Numbers.multiply(r.step(), (long) by), count);
      default -> throw new IllegalStateException();
    };
  }

  private static Object position(Thing.Range r, int i) {
    return r.get(i);
  }

  private static boolean isBound(Object v) {
    return v instanceof Thing.None || Numbers.isInt(v);
  }

  private static int clip(int i, int size, int by) {
    int at = i < 0 ? i + size : i;
    return by > 0 ? Math.max(0, Math.min(size, at)) : Math.max(-1, Math.min(size - 1, at));
  }

  private static String text(Budget budget, String s, int from, int by, int count) {
    budget.scan(2L * s.length());
    if (by == 1) {
      String part = Text.slice(s, from, from + count);
      budget.text(part.length());
      return part;
    }
    budget.text(4L * s.length());
    int[] points = s.codePoints().toArray();
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < count; i++) {
      out.appendCodePoint(points[from + i * by]);
    }
    return out.toString();
  }

  private static List<Object> items(
      Budget budget, List<Object> items, int from, int by, int count) {
    budget.items(count);
    List<Object> out = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      out.add(items.get(from + i * by));
    }
    return out;
  }
}
