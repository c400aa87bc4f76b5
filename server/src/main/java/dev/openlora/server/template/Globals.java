package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The functions every template has: range, dict, namespace, cycler, joiner, and the two that
 * transformers adds.
 */
final class Globals {
  private static final int RANGE_MAX = 100_000;
  private static final Signature MESSAGE = Signature.of("raise_exception", 1, "message");
  private static final Signature FORMAT = Signature.of("strftime_now", 1, "format");
  private static final Signature SEPARATOR = Signature.of("joiner", 0, "sep");
  private static final Signature KEYS = Signature.of("fromkeys", 1, "iterable", "value");

  private static final Map<String, Object> ALL =
      Map.of(
          "raise_exception", function("raise_exception", Globals::raise),
          "strftime_now", function("strftime_now", Globals::strftime),
          "range", function("range", Globals::range),
          "dict",
              new Callable.Function(
                  "dict",
                  "TemplateDict",
                  Map.of("fromkeys", function("fromkeys", Globals::fromKeys)),
                  (in, args) -> dict(in.budget(), args)),
          "namespace", type("namespace", Globals::namespace),
          "cycler", type("cycler", Globals::cycler),
          "joiner", type("joiner", Globals::joiner),
          "lipsum", function("lipsum", Globals::lipsum));

  private Globals() {}

  static Map<String, Object> all() {
    return ALL;
  }

  private static Callable.Function function(String name, Callable.Body body) {
    return new Callable.Function(name, body);
  }

  private static Callable.Function type(String name, Callable.Body body) {
    return new Callable.Function(name, "type", Map.of(), body);
  }

  private static Object raise(Interpreter in, Callable.Args args) {
    throw new TemplateException(
        TemplateException.Kind.RAISED, Printer.str(in.budget(), MESSAGE.bind(args).get(0)));
  }

  private static Object strftime(Interpreter in, Callable.Args args) {
    Object format = FORMAT.bind(args).get(0);
    String text = Values.textOf(format);
    if (text == null) {
      throw TemplateException.type("strftime() argument 1 must be str, not " + Values.type(format));
    }
    return Strftime.format(in.budget(), in.now(), text);
  }

  private static Object lipsum(Interpreter in, Callable.Args args) {
    throw TemplateException.type("lipsum is not supported");
  }

  private static Object range(Interpreter in, Callable.Args args) {
    List<Object> given = args.positional();
    if (given.isEmpty() || given.size() > 3 || !args.named().isEmpty()) {
      throw TemplateException.type("range expected 1 to 3 arguments, got " + given.size());
    }
    List<Object> bounds = new ArrayList<>();
    for (Object bound : given) {
      if (!Numbers.isInt(bound)) {
        throw TemplateException.type(
            "'" + Values.type(bound) + "' object cannot be interpreted as an integer");
      }
      bounds.add(Numbers.normal(Numbers.big(bound)));
    }
    Object start = bounds.size() == 1 ? 0L : bounds.getFirst();
    Object stop = bounds.size() == 1 ? bounds.getFirst() : bounds.get(1);
    Object step = bounds.size() == 3 ? bounds.get(2) : 1L;
    int direction = Numbers.big(step).signum();
    if (direction == 0) {
      throw TemplateException.type("range() arg 3 must not be zero");
    }
    Object span = direction > 0 ? Numbers.subtract(stop, start) : Numbers.subtract(start, stop);
    Object stride = direction > 0 ? step : Numbers.negate(step);
    Object size =
        Numbers.big(span).signum() <= 0
            ? 0L
            : Numbers.add(Numbers.floorDivide(Numbers.subtract(span, 1L), stride), 1L);
    if (Numbers.compare(size, (long) RANGE_MAX) > 0) {
      throw new TemplateException(
          TemplateException.Kind.SANDBOX,
          "Range too big. The sandbox blocks ranges larger than " + RANGE_MAX + ".");
    }
    return new Thing.Range(start, stop, step, Numbers.index(size));
  }

  /** {@code dict(mapping or pairs, name=value …)}. */
  private static Dict dict(Budget budget, Callable.Args args) {
    if (args.positional().size() > 1) {
      throw TemplateException.type(
          "dict expected at most 1 argument, got " + args.positional().size());
    }
    Dict dict = new Dict();
    for (Object given : args.positional()) {
      if (given instanceof Dict other) {
        budget.items(other.size());
        dict.putAll(other);
        continue;
      }
      for (Iterator<Object> pairs = Values.iterate(budget, given); pairs.hasNext(); ) {
        List<Object> pair = Values.list(budget, pairs.next());
        if (pair.size() != 2) {
          throw TemplateException.type(
              "dictionary update sequence has an element of length " + pair.size());
        }
        dict.put(budget, pair.get(0), pair.get(1));
      }
    }
    args.named().forEach((name, value) -> dict.put(budget, name, value));
    return dict;
  }

  static Object fromKeys(Interpreter in, Callable.Args args) {
    Signature.Bound a = KEYS.bind(args);
    Dict dict = new Dict();
    for (Object key : Values.list(in.budget(), a.get(0))) {
      dict.put(in.budget(), key, a.get(1, Thing.None.NONE));
    }
    return dict;
  }

  private static Object namespace(Interpreter in, Callable.Args args) {
    Thing.Namespace namespace = new Thing.Namespace();
    for (Dict.Entry e : dict(in.budget(), args).entries()) {
      if (e.key() instanceof String name) {
        namespace.set(name, e.value());
      }
    }
    return namespace;
  }

  private static Object cycler(Interpreter in, Callable.Args args) {
    if (args.positional().isEmpty() || !args.named().isEmpty()) {
      throw TemplateException.type("at least one item has to be provided");
    }
    return new Callable.Counter("cycler", args.positional());
  }

  private static Object joiner(Interpreter in, Callable.Args args) {
    return new Callable.Counter("joiner", List.of("", SEPARATOR.bind(args).get(0, ", ")));
  }
}
