package dev.openlora.server.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What stands after {@code is}, by name; select and its kin look tests up here too. */
final class Tests {
  @FunctionalInterface
  private interface OfOne {
    boolean holds(Interpreter in, Object value);
  }

  @FunctionalInterface
  private interface OfTwo {
    boolean holds(Interpreter in, Object value, Object other);
  }

  @FunctionalInterface
  private interface Check {
    boolean holds(Interpreter in, Callable.Args args);
  }

  private static final Map<String, Check> ALL =
      Map.ofEntries(
          one("defined", (in, v) -> !(v instanceof Thing.Undefined)),
          one("undefined", (in, v) -> v instanceof Thing.Undefined),
          one("none", (in, v) -> v instanceof Thing.None),
          one("boolean", (in, v) -> v instanceof Boolean),
          one("true", (in, v) -> v instanceof Boolean b && b),
          one("false", (in, v) -> v instanceof Boolean b && !b),
          one("integer", (in, v) -> Numbers.isInt(v) && !(v instanceof Boolean)),
          one("float", (in, v) -> v instanceof Double),
          one("number", (in, v) -> Numbers.isNumber(v)),
          one("string", (in, v) -> Values.textOf(v) != null),
          one("mapping", (in, v) -> v instanceof Dict),
          one("sequence", (in, v) -> isSequence(v)),
          one("iterable", (in, v) -> Values.isIterable(v) || v instanceof Loop),
          one(
              "callable",
              (in, v) ->
                  v instanceof Callable || v instanceof Loop || v instanceof Thing.Undefined),
          one("escaped", (in, v) -> v instanceof Thing.Markup),
          one("lower", (in, v) -> Strings.isCase(Printer.str(in.budget(), v), false)),
          one("upper", (in, v) -> Strings.isCase(Printer.str(in.budget(), v), true)),
          one("odd", (in, v) -> remainder(in, v, 2L, 1L)),
          one("even", (in, v) -> remainder(in, v, 2L, 0L)),
          two("divisibleby", (in, v, by) -> remainder(in, v, by, 0L)),
          one("filter", (in, v) -> isKey(in, v) && Filters.exists(Printer.str(in.budget(), v))),
          one("test", (in, v) -> isKey(in, v) && exists(Printer.str(in.budget(), v))),
          two("sameas", (in, v, w) -> same(v, w)),
          two("in", (in, v, w) -> Values.contains(in.budget(), v, w)),
          two("eq", Tests::equal),
          two("==", Tests::equal),
          two("equalto", Tests::equal),
          two("ne", (in, v, w) -> !equal(in, v, w)),
          two("!=", (in, v, w) -> !equal(in, v, w)),
          ordered("lt", "<"),
          ordered("<", "<"),
          ordered("lessthan", "<"),
          ordered("le", "<="),
          ordered("<=", "<="),
          ordered("gt", ">"),
          ordered(">", ">"),
          ordered("greaterthan", ">"),
          ordered("ge", ">="),
          ordered(">=", ">="));

  private Tests() {}

  private static Map.Entry<String, Check> one(String name, OfOne test) {
    Signature signature = Signature.of("test_" + name, 1, "value");
    return Map.entry(name, (in, args) -> test.holds(in, signature.bind(args).get(0)));
  }

  private static Map.Entry<String, Check> two(String name, OfTwo test) {
    Signature signature =
        Signature.of("test_" + name, 2, "value", name.equals("divisibleby") ? "num" : "other");
    return Map.entry(
        name,
        (in, args) -> {
          Signature.Bound a = signature.bind(args);
          return test.holds(in, a.get(0), a.get(1));
        });
  }

  private static Map.Entry<String, Check> ordered(String name, String operator) {
    return two(name, (in, v, w) -> Values.ordered(in.budget(), v, w, operator));
  }

  static boolean exists(String name) {
    return ALL.containsKey(name);
  }

  /** Whether the test holds for the first argument. */
  static Object apply(Interpreter in, String name, Callable.Args args) {
    @Nullable Check check = ALL.get(name);
    if (check == null) {
      throw TemplateException.type("No test named '" + name + "'.");
    }
    return check.holds(in, args);
  }

  private static boolean equal(Interpreter in, Object v, Object w) {
    return Values.equal(in.budget(), v, w);
  }

  private static boolean remainder(Interpreter in, Object v, Object by, Object rest) {
    Object modulo = Arithmetic.apply(in.budget(), Expr.Operator.MODULO, v, by);
    return Values.equal(in.budget(), modulo, rest);
  }

  /** Whether it is text; what could not even be a key of a dict fails. */
  private static boolean isKey(Interpreter in, Object v) {
    Dict.hashable(in.budget(), v, 0);
    return Values.textOf(v) != null;
  }

  private static boolean isSequence(Object v) {
    return Values.textOf(v) != null
        || v instanceof List
        || v instanceof Thing.Tuple
        || v instanceof Thing.Range
        || v instanceof Dict
        || v instanceof Thing.Undefined;
  }

  /** Identity; strings, small ints and what has no other self count as one object each. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean same(Object v, Object w) {
    return v == w
        || ((v instanceof String || v instanceof Long || v instanceof Boolean) && v.equals(w));
  }
}
