package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.List;

/** {@code + - * / // % **} and the signs, on numbers and on what else Python has them for. */
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(Budget budget, Expr.Operator operator, Object a, Object b) {
    if (a instanceof Thing.Undefined u) {
      throw u.failure();
    }
    if (b instanceof Thing.Undefined u
        && !(operator == Expr.Operator.MODULO && Values.textOf(a) != null)) {
      throw u.failure();
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return numbers(budget, operator, a, b);
    }
    return switch (operator) {
      case ADD -> add(budget, a, b);
      case MULTIPLY ->
          Numbers.isInt(b)
              ? times(budget, a, b)
              : Numbers.isInt(a) ? times(budget, b, a) : refuse(operator, a, b);
      case MODULO ->
          switch (a) {
            case String s -> PercentFormat.apply(budget, s, b, false);
            case Thing.Markup m -> new Thing.Markup(PercentFormat.apply(budget, m.text(), b, true));
            default -> refuse(operator, a, b);
          };
      case SUBTRACT, DIVIDE, FLOOR_DIVIDE, POWER -> refuse(operator, a, b);
    };
  }

  private static Object refuse(Expr.Operator operator, Object a, Object b) {
    throw TemplateException.type(
        "unsupported operand type(s) for "
            + operator.symbol()
            + ": '"
            + Values.type(a)
            + "' and '"
            + Values.type(b)
            + "'");
  }

  private static Object numbers(Budget budget, Expr.Operator operator, Object a, Object b) {
    if (operator == Expr.Operator.POWER) {
      return Numbers.power(budget, a, b);
    }
    if (Numbers.isInt(a) && Numbers.isInt(b)) {
      return switch (operator) {
        case ADD -> checked(budget, Numbers.add(a, b));
        case SUBTRACT -> checked(budget, Numbers.subtract(a, b));
        case MULTIPLY -> {
          if (!(a instanceof Long && b instanceof Long)) {
            budget.integer((long) Numbers.big(a).bitLength() + Numbers.big(b).bitLength() - 1);
          }
          yield Numbers.multiply(a, b);
        }
        case DIVIDE -> Numbers.divide(a, b);
        case FLOOR_DIVIDE -> Numbers.floorDivide(a, b);
        case MODULO -> Numbers.modulo(a, b);
        case POWER -> throw new IllegalStateException();
      };
    }
    double x = Numbers.real(a);
    double y = Numbers.real(b);
    return switch (operator) {
      case ADD -> x + y;
      case SUBTRACT -> x - y;
      case MULTIPLY -> x * y;
      case DIVIDE -> {
        if (y == 0) {
          throw TemplateException.type("float division by zero");
        }
        yield x / y;
      }
      case FLOOR_DIVIDE -> Numbers.floorDivide(x, y);
      case MODULO -> Numbers.modulo(x, y);
      case POWER -> throw new IllegalStateException();
    };
  }

  private static Object checked(Budget budget, Object sum) {
    if (!(sum instanceof Long)) {
      budget.integer(Numbers.big(sum).bitLength());
    }
    return sum;
  }

  static Object add(Budget budget, Object a, Object b) {
    String x = Values.textOf(a);
    String y = Values.textOf(b);
    if (x != null && y != null) {
      boolean marked = a instanceof Thing.Markup || b instanceof Thing.Markup;
      if (marked) {
        x = a instanceof Thing.Markup ? x : Escapes.html(budget, x);
        y = b instanceof Thing.Markup ? y : Escapes.html(budget, y);
      }
      budget.text((long) x.length() + y.length());
      return marked ? new Thing.Markup(x + y) : x + y;
    }
    if (x != null) {
      throw TemplateException.type(
          "can only concatenate str (not \"" + Values.type(b) + "\") to str");
    }
    if (a instanceof List<?> l && b instanceof List<?> m) {
      return joined(budget, Values.elements(l), Values.elements(m));
    }
    if (a instanceof Thing.Tuple t && b instanceof Thing.Tuple u) {
      return new Thing.Tuple(joined(budget, t.items(), u.items()));
    }
    if (a instanceof List || a instanceof Thing.Tuple) {
      String type = Values.type(a);
      throw TemplateException.type(
          "can only concatenate " + type + " (not \"" + Values.type(b) + "\") to " + type);
    }
    return refuse(Expr.Operator.ADD, a, b);
  }

  private static List<Object> joined(Budget budget, List<Object> a, List<Object> b) {
    budget.items((long) a.size() + b.size());
    List<Object> out = new ArrayList<>(a.size() + b.size());
    out.addAll(a);
    out.addAll(b);
    return out;
  }

  private static Object times(Budget budget, Object sequence, Object count) {
    int times = Math.max(0, Numbers.index(count));
    return switch (sequence) {
      case String s -> repeated(budget, s, times);
      case Thing.Markup m -> new Thing.Markup(repeated(budget, m.text(), times));
      case List<?> l -> repeated(budget, Values.elements(l), times);
      case Thing.Tuple t -> new Thing.Tuple(repeated(budget, t.items(), times));
      default -> refuse(Expr.Operator.MULTIPLY, sequence, count);
    };
  }

  private static String repeated(Budget budget, String s, int times) {
    budget.text((long) s.length() * times);
    return s.repeat(times);
  }

  private static List<Object> repeated(Budget budget, List<Object> items, int times) {
    budget.items((long) items.size() * times);
    List<Object> out = new ArrayList<>(items.size() * times);
    for (int i = 0; i < times && !items.isEmpty(); i++) {
      out.addAll(items);
    }
    return out;
  }

  static Object negate(Object v) {
    return switch (v) {
      case Double d -> -d;
      case Thing.Undefined u -> throw u.failure();
      case Object i when Numbers.isInt(i) ->
          Numbers.negate(i instanceof Boolean ? Numbers.normal(Numbers.big(i)) : i);
      default ->
          throw TemplateException.type("bad operand type for unary -: '" + Values.type(v) + "'");
    };
  }

  static Object plus(Object v) {
    return switch (v) {
      case Double d -> d;
      case Thing.Undefined u -> throw u.failure();
      case Object i when Numbers.isInt(i) -> Numbers.normal(Numbers.big(i));
      default ->
          throw TemplateException.type("bad operand type for unary +: '" + Values.type(v) + "'");
    };
  }
}
