package dev.openlora.server.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values of expressions, in the scope that the {@link Interpreter} is in. */
final class Evaluation {
  private final Interpreter in;
  private final Budget budget;
  private String captured = "";

  Evaluation(Interpreter in) {
    this.in = in;
    this.budget = in.budget();
  }

  /**
   * The filters of a block on its text; their input is read before anything else, so it cannot be
   * replaced.
   */
  Object filtered(Expr filters, String text) {
    captured = text;
    return value(filters);
  }

  Object value(Expr e) {
    return switch (e) {
      case Expr.Const c -> c.value();
      case Expr.Name n -> in.lookup(n.name());
      case Expr.Attribute a -> Attributes.attribute(in, value(a.of()), a.name());
      case Expr.Item i -> Attributes.item(in, value(i.of()), value(i.key()));
      case Expr.Slice s ->
          Attributes.slice(in, value(s.of()), value(s.start()), value(s.stop()), value(s.step()));
      case Expr.Call c -> call(c, null);
      case Expr.Filter f -> {
        Object input = value(f.input());
        yield Filters.apply(in, f.name(), withInput(input, f.arguments()));
      }
      case Expr.Test t -> {
        Object input = value(t.input());
        yield Tests.apply(in, t.name(), withInput(input, t.arguments()));
      }
      case Expr.Not n -> !Values.truth(value(n.of()));
      case Expr.And a -> {
        Object left = value(a.left());
        yield Values.truth(left) ? value(a.right()) : left;
      }
      case Expr.Or o -> {
        Object left = value(o.left());
        yield Values.truth(left) ? left : value(o.right());
      }
      case Expr.Negative n -> Arithmetic.negate(value(n.of()));
      case Expr.Positive p -> Arithmetic.plus(value(p.of()));
      case Expr.Binary b -> {
        Object left = value(b.left());
        yield Arithmetic.apply(budget, b.operator(), left, value(b.right()));
      }
      case Expr.Power p -> power(p);
      case Expr.Concat c -> concat(c);
      case Expr.Compare c -> compare(c);
      case Expr.Conditional c -> {
        if (Values.truth(value(c.test()))) {
          yield value(c.then());
        }
        yield c.otherwise() != null
            ? value(c.otherwise())
            : new Thing.Undefined(
                TemplateException.Kind.UNDEFINED,
                "the inline if-expression evaluated to false and has no else");
      }
      case Expr.ListOf l -> values(l.items());
      case Expr.TupleOf t -> new Thing.Tuple(values(t.items()));
      case Expr.DictOf d -> {
        budget.items(d.keys().size());
        Dict dict = new Dict();
        for (int i = 0; i < d.keys().size(); i++) {
          Object key = value(d.keys().get(i));
          dict.put(budget, key, value(d.values().get(i)));
        }
        yield dict;
      }
      case Expr.Captured c -> captured;
    };
  }

  private List<Object> values(List<Expr> expressions) {
    budget.items(expressions.size());
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expr e : expressions) {
      values.add(value(e));
    }
    return values;
  }

  private Object power(Expr.Power p) {
    List<Object> operands = values(p.operands());
    if (operands.size() > 2) {
      Numbers.checkTower(budget, operands);
    }
    Object power = operands.getFirst();
    for (Object exponent : operands.subList(1, operands.size())) {
      power = Arithmetic.apply(budget, Expr.Operator.POWER, power, exponent);
    }
    return power;
  }

  private Object concat(Expr.Concat c) {
    List<String> texts = new ArrayList<>(c.parts().size());
    for (Expr part : c.parts()) {
      texts.add(Printer.output(budget, value(part)));
    }
    return Strings.join(budget, "", texts);
  }

  private Object compare(Expr.Compare c) {
    Object left = value(c.first());
    for (int i = 0; i < c.operators().size(); i++) {
      Object right = value(c.operands().get(i));
      boolean holds =
          switch (c.operators().get(i)) {
            case EQUAL -> Values.equal(budget, left, right);
            case NOT_EQUAL -> !Values.equal(budget, left, right);
            case LESS -> Values.ordered(budget, left, right, "<");
            case LESS_EQUAL -> Values.ordered(budget, left, right, "<=");
            case GREATER -> Values.ordered(budget, left, right, ">");
            case GREATER_EQUAL -> Values.ordered(budget, left, right, ">=");
            case IN -> Values.contains(budget, left, right);
            case NOT_IN -> !Values.contains(budget, left, right);
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }

  /** A call, with the body of a call block as {@code caller} if there is one. */
  Object call(Expr.Call c, @Nullable Macro caller) {
    Object callee = value(c.callee());
    Callable.Args args = args(List.of(), c.arguments());
    if (caller != null) {
      Map<String, Object> named = new LinkedHashMap<>(args.named());
      if (named.put("caller", caller) != null) {
        throw TemplateException.type("got multiple values for keyword argument 'caller'");
      }
      args = new Callable.Args(args.positional(), named);
    }
    budget.step();
    try {
      return switch (callee) {
        case Callable f -> f.call(in, args);
        case Loop l -> l.call(args);
        case Thing.Undefined u -> throw u.failure();
        default ->
            throw TemplateException.type("'" + Values.type(callee) + "' object is not callable");
      };
    } catch (TemplateException failure) {
      throw failure.at(c.line());
    }
  }

  private Callable.Args withInput(Object input, Expr.Arguments arguments) {
    budget.step();
    return args(List.of(input), arguments);
  }

  private Callable.Args args(List<Object> first, Expr.Arguments arguments) {
    List<Object> positional = new ArrayList<>(first);
    for (Expr e : arguments.positional()) {
      positional.add(value(e));
    }
    Map<String, Object> named = new LinkedHashMap<>();
    for (int i = 0; i < arguments.names().size(); i++) {
      named.put(arguments.names().get(i), value(arguments.named().get(i)));
    }
    if (arguments.star() != null) {
      positional.addAll(Values.list(budget, value(arguments.star())));
    }
    if (arguments.starStar() != null) {
      addNamed(named, value(arguments.starStar()));
    }
    return new Callable.Args(positional, named);
  }

  private static void addNamed(Map<String, Object> named, Object mapping) {
    if (!(mapping instanceof Dict d)) {
      throw TemplateException.type(
          "argument after ** must be a mapping, not " + Values.type(mapping));
    }
    for (Dict.Entry e : d.entries()) {
      if (!(e.key() instanceof String name)) {
        throw TemplateException.type("keywords must be strings");
      }
      if (named.put(name, e.value()) != null) {
        throw TemplateException.type("got multiple values for keyword argument '" + name + "'");
      }
    }
  }
}
