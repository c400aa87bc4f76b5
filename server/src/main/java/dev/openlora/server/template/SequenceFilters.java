package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The filters of lists, dicts and whatever else has items. Where Jinja2 has a generator, the items
 * come lazily.
 */
final class SequenceFilters {
  private SequenceFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    Filters.put(all, "list", (in, a) -> Values.list(in.budget(), a.get(0)), "value");
    Filters.put(all, "first", SequenceFilters::first, "seq");
    Filters.put(all, "last", SequenceFilters::last, "seq");
    Filters.put(all, "random", SequenceFilters::random, "seq");
    Filters.put(all, "reverse", SequenceFilters::reverse, "value");
    Filters.put(all, "join", SequenceFilters::join, "value", "d", "attribute");
    Filters.put(
        all, "sort", SequenceFilters::sort, "value", "reverse", "case_sensitive", "attribute");
    Filters.put(all, "unique", SequenceFilters::unique, "value", "case_sensitive", "attribute");
    Filters.put(
        all, "min", (in, a) -> extreme(in, a, false), "value", "case_sensitive", "attribute");
    Filters.put(
        all, "max", (in, a) -> extreme(in, a, true), "value", "case_sensitive", "attribute");
    Filters.put(all, "sum", SequenceFilters::sum, "iterable", "attribute", "start");
    Filters.put(all, "batch", SequenceFilters::batch, "value", "linecount!", "fill_with");
    Filters.put(all, "slice", SequenceFilters::slice, "value", "slices!", "fill_with");
    Filters.put(
        all,
        "groupby",
        SequenceFilters::groupby,
        "value",
        "attribute!",
        "default",
        "case_sensitive");
    Filters.put(all, "items", SequenceFilters::items, "value");
    Filters.put(
        all, "dictsort", SequenceFilters::dictsort, "value", "case_sensitive", "by", "reverse");
    all.put("map", SequenceFilters::map);
    all.put("select", (in, args) -> select(in, args, true, false));
    all.put("reject", (in, args) -> select(in, args, false, false));
    all.put("selectattr", (in, args) -> select(in, args, true, true));
    all.put("rejectattr", (in, args) -> select(in, args, false, true));
  }

  private static Thing.Undefined nothing(String reason) {
    return new Thing.Undefined(TemplateException.Kind.UNDEFINED, reason);
  }

  private static Object first(Interpreter in, Signature.Bound a) {
    Iterator<Object> items = Values.iterate(in.budget(), a.get(0));
    return items.hasNext() ? items.next() : nothing("No first item, sequence was empty.");
  }

  private static Object last(Interpreter in, Signature.Bound a) {
    if (a.get(0) instanceof Thing.Lazy || !Values.isIterable(a.get(0))) {
      throw TemplateException.type("'" + Values.type(a.get(0)) + "' object is not reversible");
    }
    List<Object> items = Values.list(in.budget(), a.get(0));
    return items.isEmpty() ? nothing("No last item, sequence was empty.") : items.getLast();
  }

  private static Object random(Interpreter in, Signature.Bound a) {
    int size = Values.length(a.get(0));
    return size == 0
        ? nothing("No random item, sequence was empty.")
        : Attributes.item(in, a.get(0), (long) ThreadLocalRandom.current().nextInt(size));
  }

  private static Object reverse(Interpreter in, Signature.Bound a) {
    Object value = a.get(0);
    if (Values.textOf(value) != null) {
      return Attributes.slice(in, value, Thing.None.NONE, Thing.None.NONE, -1L);
    }
    if (!Values.isIterable(value)) {
      throw TemplateException.type("argument must be iterable");
    }
    List<Object> reversed = Values.list(in.budget(), value).reversed();
    return value instanceof Thing.Lazy
        ? new ArrayList<>(reversed)
        : new Thing.Lazy("reversed", reversed.iterator());
  }

  private static Object join(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    String separator = Printer.str(budget, a.get(1, ""));
    Function<Object, Object> key = a.hasValue(2) ? attribute(in, a.get(2), null, false) : v -> v;
    List<String> texts = new ArrayList<>();
    long length = 0;
    for (Iterator<Object> items = Values.iterate(budget, a.get(0)); items.hasNext(); ) {
      String text = Printer.str(budget, key.apply(items.next()));
      length += text.length() + separator.length();
      if (length - separator.length() > budget.limits().stringChars()) {
        budget.text(length);
      }
      texts.add(text);
    }
    return Strings.join(budget, separator, texts);
  }

  /** What an attribute path such as {@code a.b.0} leads to; without a path the item itself. */
  private static Function<Object, Object> attribute(
      Interpreter in, Object path, @Nullable Object otherwise, boolean ignoreCase) {
    List<Object> parts = path instanceof Thing.None ? List.of() : parts(path);
    return item -> {
      Object value = item;
      for (Object part : parts) {
        value = Attributes.item(in, value, part);
        if (otherwise != null && value instanceof Thing.Undefined) {
          value = otherwise;
        }
      }
      return ignoreCase ? lower(in, value) : value;
    };
  }

  private static List<Object> parts(Object path) {
    String text = Values.textOf(path);
    if (text == null) {
      return List.of(path);
    }
    List<Object> parts = new ArrayList<>();
    for (String part : text.split("\\.", -1)) {
      boolean number =
          !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
      parts.add(number ? (Object) Long.parseLong(part) : part);
    }
    return parts;
  }

  private static Object lower(Interpreter in, Object value) {
    return Values.textOf(value) == null ? value : Strings.call(in, value, "lower");
  }

  private static Object sort(Interpreter in, Signature.Bound a) {
    boolean ignoreCase = !a.truth(2, false);
    Object path = a.get(3, Thing.None.NONE);
    String text = Values.textOf(path);
    List<Function<Object, Object>> keys = new ArrayList<>();
    for (Object part : text == null ? List.of(path) : List.of(text.split(",", -1))) {
      keys.add(attribute(in, part, null, ignoreCase));
    }
    Function<Object, Object> key =
        item -> {
          List<Object> values = new ArrayList<>(keys.size());
          keys.forEach(k -> values.add(k.apply(item)));
          return values;
        };
    return Sorting.sorted(in.budget(), Values.list(in.budget(), a.get(0)), key, a.truth(1, false));
  }

  /** An iterator that computes one item ahead, and null is its end. */
  private abstract static class Generated implements Iterator<Object> {
    private @Nullable Object next;

    abstract @Nullable Object compute();

    @Override
    public boolean hasNext() {
      if (next == null) {
        next = compute();
      }
      return next != null;
    }

    @Override
    public Object next() {
      if (!hasNext() || next == null) {
        throw new NoSuchElementException();
      }
      Object item = next;
      next = null;
      return item;
    }
  }

  private static Thing.Lazy lazy(java.util.function.Supplier<@Nullable Object> next) {
    return new Thing.Lazy(
        "generator",
        new Generated() {
          @Override
          @Nullable Object compute() {
            return next.get();
          }
        });
  }

  private static Object unique(Interpreter in, Signature.Bound a) {
    Function<Object, Object> key =
        attribute(in, a.get(2, Thing.None.NONE), null, !a.truth(1, false));
    Iterator<Object> items = Values.iterate(in.budget(), a.get(0));
    Thing.Seen seen = new Thing.Seen();
    return lazy(() -> {
      while (items.hasNext()) {
        Object item = items.next();
        if (seen.add(in.budget(), key.apply(item))) {
          return item;
        }
      }
      return null;
    });
  }

  private static Object extreme(Interpreter in, Signature.Bound a, boolean max) {
    Budget budget = in.budget();
    Function<Object, Object> key =
        attribute(in, a.get(2, Thing.None.NONE), null, !a.truth(1, false));
    Iterator<Object> items = Values.iterate(budget, a.get(0));
    if (!items.hasNext()) {
      return nothing("No aggregated item, sequence was empty.");
    }
    Object best = items.next();
    Object bestKey = key.apply(best);
    while (items.hasNext()) {
      Object item = items.next();
      Object itemKey = key.apply(item);
      boolean better =
          max
              ? Values.ordered(budget, itemKey, bestKey, ">")
              : Values.less(budget, itemKey, bestKey);
      if (better) {
        best = item;
        bestKey = itemKey;
      }
    }
    return best;
  }

  private static Object sum(Interpreter in, Signature.Bound a) {
    Function<Object, Object> key = a.hasValue(1) ? attribute(in, a.get(1), null, false) : v -> v;
    Object sum = a.get(2, 0L);
    if (Values.textOf(sum) != null) {
      throw TemplateException.type("sum() can't sum strings [use ''.join(seq) instead]");
    }
    for (Iterator<Object> items = Values.iterate(in.budget(), a.get(0)); items.hasNext(); ) {
      sum = Arithmetic.apply(in.budget(), Expr.Operator.ADD, sum, key.apply(items.next()));
    }
    return sum;
  }

  private static Object batch(Interpreter in, Signature.Bound a) {
    int size = a.integer(1, 1);
    Iterator<Object> items = Values.iterate(in.budget(), a.get(0));
    boolean[] emptyFirst = {size == 0 && items.hasNext()};
    return lazy(() -> {
      List<Object> row = new ArrayList<>();
      if (emptyFirst[0]) {
        emptyFirst[0] = false;
        return row;
      }
      if (!items.hasNext()) {
        return null;
      }
      while (items.hasNext() && (size <= 0 || row.size() < size)) {
        row.add(items.next());
        in.budget().item();
        in.budget().checkItems(row.size());
      }
      fill(in.budget(), row, size, a);
      return row;
    });
  }

  private static void fill(Budget budget, List<Object> row, int size, Signature.Bound a) {
    if (a.hasValue(2) && row.size() < size) {
      budget.items(size);
      while (row.size() < size) {
        row.add(a.get(2));
      }
    }
  }

  private static Object slice(Interpreter in, Signature.Bound a) {
    int slices = a.integer(1, 1);
    List<Object> items = Values.list(in.budget(), a.get(0));
    if (slices == 0) {
      throw TemplateException.type("integer division or modulo by zero");
    }
    int each = Math.floorDiv(items.size(), slices);
    int longer = Math.floorMod(items.size(), slices);
    int[] at = {0, 0};
    return lazy(() -> {
      if (at[0] >= slices) {
        return null;
      }
      in.budget().step();
      boolean isLonger = at[0]++ < longer;
      int end = at[1] + each + (isLonger ? 1 : 0);
      List<Object> column = new ArrayList<>(items.subList(at[1], end));
      at[1] = end;
      in.budget().items(column.size() + 1L);
      if (a.hasValue(2) && !isLonger) {
        column.add(a.get(2));
      }
      return column;
    });
  }

  private static Object groupby(Interpreter in, Signature.Bound a) {
    Budget budget = in.budget();
    boolean caseSensitive = a.truth(3, false);
    Object otherwise = a.hasValue(2) ? a.get(2) : null;
    Function<Object, Object> key = attribute(in, a.get(1), otherwise, !caseSensitive);
    Function<Object, Object> shown = attribute(in, a.get(1), otherwise, false);
    List<Object> groups = new ArrayList<>();
    List<Object> group = new ArrayList<>();
    Object groupKey = null;
    for (Object item : Sorting.sorted(budget, Values.list(budget, a.get(0)), key, false)) {
      Object itemKey = key.apply(item);
      if (groupKey == null || !Values.equal(budget, groupKey, itemKey)) {
        group = new ArrayList<>();
        groups.add(new Thing.Tuple(List.of(shown.apply(item), group), true));
        groupKey = itemKey;
      }
      group.add(item);
    }
    return groups;
  }

  private static Object items(Interpreter in, Signature.Bound a) {
    Object value = a.get(0);
    Iterator<Object> items =
        value instanceof Dict d
            ? Values.iterate(in.budget(), new Thing.DictView(d, Thing.DictView.Part.ITEMS))
            : List.<Object>of().iterator();
    return lazy(() -> {
      if (!(value instanceof Dict || value instanceof Thing.Undefined)) {
        throw TemplateException.type("Can only get item pairs from a mapping.");
      }
      return items.hasNext() ? items.next() : null;
    });
  }

  private static Object dictsort(Interpreter in, Signature.Bound a) {
    String by = a.text(2, "key");
    if (!by.equals("key") && !by.equals("value")) {
      throw TemplateException.type("You can only sort by either \"key\" or \"value\"");
    }
    if (a.get(0) instanceof Thing.Undefined u) {
      throw u.failure();
    }
    if (!(a.get(0) instanceof Dict d)) {
      throw TemplateException.type(
          "'" + Values.type(a.get(0)) + "' object has no attribute 'items'");
    }
    Long position = by.equals("key") ? 0L : 1L;
    Function<Object, Object> key = attribute(in, position, null, !a.truth(1, false));
    List<Object> pairs = new Thing.DictView(d, Thing.DictView.Part.ITEMS).items();
    return Sorting.sorted(in.budget(), pairs, key, a.truth(3, false));
  }

  private static Object map(Interpreter in, Callable.Args args) {
    Object value = args.positional().getFirst();
    if (!Values.truth(value)) {
      return lazy(() -> null);
    }
    Callable.Args rest = args.withoutFirst(1);
    Iterator<Object> items = Values.iterate(in.budget(), value);
    return lazy(
        new java.util.function.Supplier<@Nullable Object>() {
          private @Nullable Function<Object, Object> function;

          @Override
          public @Nullable Object get() {
            if (function == null) {
              function = mapping(in, rest);
            }
            return items.hasNext() ? function.apply(items.next()) : null;
          }
        });
  }

  private static Function<Object, Object> mapping(Interpreter in, Callable.Args args) {
    Object path = args.named().get("attribute");
    if (args.positional().isEmpty() && path != null) {
      Map<String, Object> rest = new LinkedHashMap<>(args.named());
      rest.remove("attribute");
      Object otherwise = rest.remove("default");
      if (!rest.isEmpty()) {
        throw TemplateException.type(
            "Unexpected keyword argument '" + rest.keySet().iterator().next() + "'");
      }
      return attribute(in, path, otherwise instanceof Thing.None ? null : otherwise, false);
    }
    if (args.positional().isEmpty()) {
      throw TemplateException.type("map requires a filter argument");
    }
    String name = name(args.positional().getFirst());
    Callable.Args rest = args.withoutFirst(1);
    return item -> Filters.apply(in, name, with(item, rest));
  }

  private static String name(Object value) {
    String name = Values.textOf(value);
    if (name == null) {
      throw TemplateException.type(
          "a filter or test has a str for a name, not " + Values.type(value));
    }
    return name;
  }

  private static Callable.Args with(Object item, Callable.Args rest) {
    List<Object> positional = new ArrayList<>(rest.positional().size() + 1);
    positional.add(item);
    positional.addAll(rest.positional());
    return new Callable.Args(positional, rest.named());
  }

  private static Object select(
      Interpreter in, Callable.Args args, boolean wanted, boolean ofAttribute) {
    Object value = args.positional().getFirst();
    if (!Values.truth(value)) {
      return lazy(() -> null);
    }
    Iterator<Object> items = Values.iterate(in.budget(), value);
    return lazy(
        new java.util.function.Supplier<@Nullable Object>() {
          private @Nullable Predicate<Object> test;

          @Override
          public @Nullable Object get() {
            if (test == null) {
              test = selection(in, args.withoutFirst(1), ofAttribute);
            }
            while (items.hasNext()) {
              Object item = items.next();
              if (test.test(item) == wanted) {
                return item;
              }
            }
            return null;
          }
        });
  }

  private static Predicate<Object> selection(
      Interpreter in, Callable.Args args, boolean ofAttribute) {
    Function<Object, Object> subject = item -> item;
    Callable.Args rest = args;
    if (ofAttribute) {
      if (args.positional().isEmpty()) {
        throw TemplateException.type("Missing parameter for attribute name");
      }
      subject = attribute(in, args.positional().getFirst(), null, false);
      rest = args.withoutFirst(1);
    }
    Function<Object, Object> of = subject;
    if (rest.positional().isEmpty()) {
      return item -> Values.truth(of.apply(item));
    }
    String name = name(rest.positional().getFirst());
    Callable.Args others = rest.withoutFirst(1);
    return item -> Values.truth(Tests.apply(in, name, with(of.apply(item), others)));
  }
}
