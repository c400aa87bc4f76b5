package dev.openlora.server.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression of a template. */
sealed interface Expr {

  /** A literal, or what literals have been folded to. */
  record Const(Object value) implements Expr {}

  record Name(String name) implements Expr {}

  record ListOf(List<Expr> items) implements Expr {}

  record TupleOf(List<Expr> items) implements Expr {}

  record DictOf(List<Expr> keys, List<Expr> values) implements Expr {}

  record Attribute(Expr of, String name) implements Expr {}

  record Item(Expr of, Expr key) implements Expr {}

  record Slice(Expr of, Expr start, Expr stop, Expr step) implements Expr {}

  record Call(Expr callee, Arguments arguments, int line) implements Expr {}

  record Filter(Expr input, String name, Arguments arguments, int line) implements Expr {}

  record Test(Expr input, String name, Arguments arguments, int line) implements Expr {}

  record Negative(Expr of) implements Expr {}

  record Positive(Expr of) implements Expr {}

  record Not(Expr of) implements Expr {}

  record And(Expr left, Expr right) implements Expr {}

  record Or(Expr left, Expr right) implements Expr {}

  record Binary(Operator operator, Expr left, Expr right) implements Expr {}

  /** {@code a ** b ** c …}, from the left. */
  record Power(List<Expr> operands) implements Expr {}

  record Concat(List<Expr> parts) implements Expr {}

  /** {@code first op1 operand1 op2 operand2 …}, each operand computed once. */
  record Compare(Expr first, List<Comparison> operators, List<Expr> operands) implements Expr {}

  record Conditional(Expr test, Expr then, @Nullable Expr otherwise) implements Expr {}

  /** The text of the block that is being filtered. */
  record Captured() implements Expr {}

  /**
   * Arguments of a call, a filter or a test; {@code star} and {@code starStar} are {@code *args}
   * and {@code **kwargs}.
   */
  record Arguments(
      List<Expr> positional,
      List<String> names,
      List<Expr> named,
      @Nullable Expr star,
      @Nullable Expr starStar) {
    static final Arguments NONE = new Arguments(List.of(), List.of(), List.of(), null, null);
  }

  enum Operator {
    ADD("+"),
    SUBTRACT("-"),
    MULTIPLY("*"),
    DIVIDE("/"),
    FLOOR_DIVIDE("//"),
    MODULO("%"),
    POWER("** or pow()");

    private final String symbol;

    Operator(String symbol) {
      this.symbol = symbol;
    }

    String symbol() {
      return symbol;
    }
  }

  enum Comparison {
    EQUAL,
    NOT_EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    IN,
    NOT_IN
  }

  /**
   * Filters that Jinja2 never computes while compiling: chance, and those that look up others by
   * name.
   */
  java.util.Set<String> NEVER_FOLDED =
      java.util.Set.of("random", "map", "select", "reject", "selectattr", "rejectattr");

  /** Whether nothing in it is known only while rendering. */
  static boolean isLiteral(Expr e) {
    return switch (e) {
      case Const c -> true;
      case ListOf l -> areLiteral(l.items());
      case TupleOf t -> areLiteral(t.items());
      case DictOf d -> areLiteral(d.keys()) && areLiteral(d.values());
      case Slice s -> areLiteral(List.of(s.of(), s.start(), s.stop(), s.step()));
      case Negative n -> isLiteral(n.of());
      case Positive p -> isLiteral(p.of());
      case Binary b -> isLiteral(b.left()) && isLiteral(b.right());
      case Power p -> areLiteral(p.operands());
      case Concat c -> areLiteral(c.parts());
      case Filter f ->
          isLiteral(f.input()) && areLiteral(f.arguments()) && !NEVER_FOLDED.contains(f.name());
      case Attribute a -> isLiteral(a.of());
      case Item i -> isLiteral(i.of()) && isLiteral(i.key());
      case Test t -> isLiteral(t.input()) && areLiteral(t.arguments());
      case Not n -> isLiteral(n.of());
      case And a -> isLiteral(a.left()) && isLiteral(a.right());
      case Or o -> isLiteral(o.left()) && isLiteral(o.right());
      case Compare c -> isLiteral(c.first()) && areLiteral(c.operands());
      case Conditional c ->
          isLiteral(c.test())
              && isLiteral(c.then())
              && (c.otherwise() == null || isLiteral(c.otherwise()));
      case Name n -> false;
      case Call c -> false;
      case Captured c -> false;
    };
  }

  private static boolean areLiteral(List<Expr> all) {
    return all.stream().allMatch(Expr::isLiteral);
  }

  private static boolean areLiteral(Arguments a) {
    return a.star() == null
        && a.starStar() == null
        && areLiteral(a.positional())
        && areLiteral(a.named());
  }
}
