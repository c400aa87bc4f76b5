package dev.openlora.server.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads expressions: conditional, or, and, not, comparison, sum, {@code ~}, product, power, sign,
 * in this order from loose to tight. Filters and tests follow a signed value directly, so they bind
 * tighter than any operator but the sign. Nothing calls itself once per operator in a row; only
 * brackets, signs and {@code not} go deeper.
 */
final class ExpressionParser {
  private static final Map<String, Expr.Comparison> COMPARISONS =
      Map.of(
          "==", Expr.Comparison.EQUAL,
          "!=", Expr.Comparison.NOT_EQUAL,
          "<", Expr.Comparison.LESS,
          "<=", Expr.Comparison.LESS_EQUAL,
          ">", Expr.Comparison.GREATER,
          ">=", Expr.Comparison.GREATER_EQUAL);
  private static final Map<String, Expr.Operator> SUMS =
      Map.of("+", Expr.Operator.ADD, "-", Expr.Operator.SUBTRACT);
  private static final Map<String, Expr.Operator> PRODUCTS =
      Map.of(
          "*", Expr.Operator.MULTIPLY,
          "/", Expr.Operator.DIVIDE,
          "//", Expr.Operator.FLOOR_DIVIDE,
          "%", Expr.Operator.MODULO);
  private static final Set<String> ENDS_TEST = Set.of("else", "or", "and");

  private final Tokens tokens;
  private final Folding folding;
  private final Consumer<String> nameRead;
  private boolean soft;
  private @Nullable TemplateException unknown;

  ExpressionParser(Tokens tokens, Folding folding, Consumer<String> nameRead) {
    this.tokens = tokens;
    this.folding = folding;
    this.nameRead = nameRead;
  }

  /** Whether an unknown filter is an error only when it is reached; gives what was so before. */
  boolean soft(boolean now) {
    boolean before = soft;
    soft = now;
    return before;
  }

  /** What is printed: wholly literal, it is computed while compiling whatever it is. */
  Expr printed() {
    return folding.print(tuple(true));
  }

  /** Fails when a filter or test was met that does not exist, outside of anything conditional. */
  void refuseUnknown() {
    if (unknown != null) {
      throw unknown;
    }
  }

  private void checkKnown(boolean exists, String kind, String name, int line) {
    if (!exists && !soft && unknown == null) {
      unknown = TemplateException.syntax("No " + kind + " named '" + name + "'.", line);
    }
  }

  boolean atTupleEnd(String... ends) {
    Token t = tokens.current();
    if (t.kind() == Token.Kind.VARIABLE_END
        || t.kind() == Token.Kind.BLOCK_END
        || t.isOperator(")")) {
      return true;
    }
    for (String end : ends) {
      if (t.isName(end)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Expressions with commas between them are a tuple; without a comma it is the expression itself.
   */
  Expr tuple(boolean conditional, String... ends) {
    return tuple(conditional, false, ends);
  }

  private Expr tuple(boolean conditional, boolean mayBeEmpty, String... ends) {
    List<Expr> items = new ArrayList<>();
    boolean comma = false;
    while (!atTupleEnd(ends)) {
      items.add(expression(conditional));
      if (!tokens.skipOperator(",")) {
        break;
      }
      comma = true;
    }
    if (!comma && !items.isEmpty()) {
      return items.getFirst();
    }
    if (items.isEmpty() && !mayBeEmpty) {
      throw tokens.error("Expected an expression, got '" + tokens.current().described() + "'");
    }
    return new Expr.TupleOf(items);
  }

  Expr expression(boolean conditional) {
    tokens.enter();
    Expr e = conditional ? conditional() : or();
    tokens.leave();
    return e;
  }

  private Expr conditional() {
    TemplateException before = unknown;
    Expr e = or();
    if (tokens.current().isName("if")) {
      unknown = before;
    }
    int links = 0;
    while (tokens.current().isName("if")) {
      links = tokens.link(links);
      tokens.next();
      boolean outer = soft(true);
      Expr test = or();
      Expr otherwise = null;
      if (tokens.skipName("else")) {
        otherwise = expression(true);
      }
      soft(outer);
      e = new Expr.Conditional(test, e, otherwise);
    }
    return e;
  }

  private Expr or() {
    Expr e = and();
    for (int links = 0; tokens.skipName("or"); ) {
      links = tokens.link(links);
      e = new Expr.Or(e, and());
    }
    return e;
  }

  private Expr and() {
    Expr e = not();
    for (int links = 0; tokens.skipName("and"); ) {
      links = tokens.link(links);
      e = new Expr.And(e, not());
    }
    return e;
  }

  private Expr not() {
    if (!tokens.skipName("not")) {
      return comparison();
    }
    tokens.enter();
    Expr e = new Expr.Not(not());
    tokens.leave();
    return e;
  }

  private Expr comparison() {
    Expr first = sum();
    List<Expr.Comparison> operators = new ArrayList<>();
    List<Expr> operands = new ArrayList<>();
    while (true) {
      Token t = tokens.current();
      if (t.kind() == Token.Kind.OPERATOR && COMPARISONS.containsKey(t.text())) {
        operators.add(COMPARISONS.get(t.text()));
      } else if (t.isName("in")) {
        operators.add(Expr.Comparison.IN);
      } else if (t.isName("not") && tokens.ahead().isName("in")) {
        operators.add(Expr.Comparison.NOT_IN);
        tokens.next();
      } else {
        return operators.isEmpty() ? first : new Expr.Compare(first, operators, operands);
      }
      tokens.link(operands.size());
      tokens.next();
      operands.add(sum());
    }
  }

  private Expr.@Nullable Operator operator(Map<String, Expr.Operator> operators) {
    Token t = tokens.current();
    return t.kind() == Token.Kind.OPERATOR ? operators.get(t.text()) : null;
  }

  private Expr sum() {
    Expr e = concat();
    int links = 0;
    for (Expr.Operator operator; (operator = operator(SUMS)) != null; ) {
      links = tokens.link(links);
      tokens.next();
      e = folding.fold(new Expr.Binary(operator, e, concat()));
    }
    return e;
  }

  private Expr concat() {
    Expr first = product();
    if (!tokens.current().isOperator("~")) {
      return first;
    }
    List<Expr> parts = new ArrayList<>();
    parts.add(first);
    while (tokens.skipOperator("~")) {
      tokens.link(parts.size());
      parts.add(product());
    }
    return folding.fold(new Expr.Concat(parts));
  }

  private Expr product() {
    Expr e = power();
    int links = 0;
    for (Expr.Operator operator; (operator = operator(PRODUCTS)) != null; ) {
      links = tokens.link(links);
      tokens.next();
      e = folding.fold(new Expr.Binary(operator, e, power()));
    }
    return e;
  }

  private Expr power() {
    Expr first = signed(true);
    if (!tokens.current().isOperator("**")) {
      return first;
    }
    List<Expr> operands = new ArrayList<>();
    operands.add(first);
    while (tokens.skipOperator("**")) {
      tokens.link(operands.size());
      operands.add(signed(true));
    }
    return folding.fold(new Expr.Power(operands));
  }

  private Expr signed(boolean withFilters) {
    Expr e;
    boolean minus = tokens.current().isOperator("-");
    if (minus || tokens.current().isOperator("+")) {
      tokens.enter();
      tokens.next();
      Expr of = signed(false);
      e = folding.fold(minus ? new Expr.Negative(of) : new Expr.Positive(of));
      tokens.leave();
    } else {
      e = primary();
    }
    e = postfix(e);
    return withFilters ? filtered(e) : e;
  }

  private Expr postfix(Expr start) {
    Expr e = start;
    for (int links = 0; true; ) {
      Token t = tokens.current();
      if (t.isOperator(".")) {
        e = member(e);
      } else if (t.isOperator("[")) {
        e = subscript(e);
      } else if (t.isOperator("(")) {
        e = call(e);
      } else {
        return e;
      }
      links = tokens.link(links);
    }
  }

  private Expr filtered(Expr start) {
    Expr e = start;
    for (int links = 0; true; ) {
      Token t = tokens.current();
      if (t.isOperator("|")) {
        tokens.next();
        e = filter(e);
      } else if (t.isName("is")) {
        e = test(e);
      } else if (t.isOperator("(")) {
        e = call(e);
      } else {
        return e;
      }
      links = tokens.link(links);
    }
  }

  private Expr call(Expr callee) {
    int line = tokens.current().line();
    return new Expr.Call(callee, arguments(), line);
  }

  /** Filters in a row, the first of them without its bar where {@code started}. */
  Expr filters(Expr input, boolean started) {
    Expr e = input;
    int links = 0;
    boolean first = started;
    while (first || tokens.skipOperator("|")) {
      links = tokens.link(links);
      first = false;
      e = filter(e);
    }
    return e;
  }

  private String dottedName() {
    StringBuilder name = new StringBuilder(tokens.name());
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.name());
    }
    return name.toString();
  }

  private Expr filter(Expr input) {
    int line = tokens.current().line();
    String name = dottedName();
    Expr.Arguments arguments = tokens.current().isOperator("(") ? arguments() : Expr.Arguments.NONE;
    checkKnown(Filters.exists(name), "filter", name, line);
    return folding.fold(new Expr.Filter(input, name, arguments, line));
  }

  private Expr test(Expr input) {
    int line = tokens.next().line();
    boolean negated = tokens.skipName("not");
    String name = dottedName();
    Expr.Arguments arguments = Expr.Arguments.NONE;
    Token t = tokens.current();
    if (t.isOperator("(")) {
      arguments = arguments();
    } else if (startsOperand(t)) {
      if (t.isName("is")) {
        throw tokens.error("You cannot chain multiple tests with is");
      }
      tokens.enter();
      Expr operand = postfix(primary());
      tokens.leave();
      arguments = new Expr.Arguments(List.of(operand), List.of(), List.of(), null, null);
    }
    checkKnown(Tests.exists(name), "test", name, line);
    Expr e = new Expr.Test(input, name, arguments, line);
    return negated ? new Expr.Not(e) : e;
  }

  private static boolean startsOperand(Token t) {
    return switch (t.kind()) {
      case NAME -> !ENDS_TEST.contains(t.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> t.text().equals("[") || t.text().equals("{");
      case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END -> false;
    };
  }

  private Expr member(Expr of) {
    tokens.next();
    Token t = tokens.next();
    return switch (t.kind()) {
      case NAME -> new Expr.Attribute(of, t.text());
      case INTEGER -> new Expr.Item(of, new Expr.Const(integer(t)));
      default -> throw TemplateException.syntax("expected name or number", t.line());
    };
  }

  private Expr subscript(Expr of) {
    tokens.enter();
    tokens.next();
    List<Expr> keys = new ArrayList<>();
    Expr slice = null;
    while (!tokens.current().isOperator("]")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
      }
      Expr start = tokens.current().isOperator(":") ? none() : expression(true);
      if (tokens.skipOperator(":")) {
        if (!keys.isEmpty()) {
          throw tokens.error("a slice has to stand alone");
        }
        Expr stop = bound();
        Expr step = tokens.skipOperator(":") ? bound() : none();
        slice = new Expr.Slice(of, start, stop, step);
      }
      keys.add(start);
    }
    tokens.expectOperator("]");
    tokens.leave();
    if (slice != null) {
      if (keys.size() > 1) {
        throw tokens.error("a slice has to stand alone");
      }
      return slice;
    }
    return new Expr.Item(of, keys.size() == 1 ? keys.getFirst() : new Expr.TupleOf(keys));
  }

  private Expr bound() {
    Token t = tokens.current();
    return t.isOperator(":") || t.isOperator("]") || t.isOperator(",") ? none() : expression(true);
  }

  private static Expr none() {
    return new Expr.Const(Thing.None.NONE);
  }

  private Expr.Arguments arguments() {
    int line = tokens.current().line();
    tokens.enter();
    tokens.expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Expr> named = new ArrayList<>();
    Expr star = null;
    Expr starStar = null;
    boolean more = false;
    while (!tokens.current().isOperator(")")) {
      if (more) {
        tokens.expectOperator(",");
        if (tokens.current().isOperator(")")) {
          break;
        }
      }
      more = true;
      boolean fits;
      if (tokens.skipOperator("*")) {
        fits = star == null && starStar == null;
        star = expression(true);
      } else if (tokens.skipOperator("**")) {
        fits = starStar == null;
        starStar = expression(true);
      } else if (tokens.current().kind() == Token.Kind.NAME && tokens.ahead().isOperator("=")) {
        fits = starStar == null && !names.contains(tokens.current().text());
        names.add(tokens.name());
        tokens.next();
        named.add(expression(true));
      } else {
        fits = star == null && starStar == null && names.isEmpty();
        positional.add(expression(true));
      }
      if (!fits) {
        throw TemplateException.syntax("invalid syntax for function call expression", line);
      }
    }
    tokens.expectOperator(")");
    tokens.leave();
    return new Expr.Arguments(positional, names, named, star, starStar);
  }

  Expr primary() {
    Token t = tokens.next();
    return switch (t.kind()) {
      case NAME -> name(t.text());
      case STRING -> strings(t);
      case INTEGER -> new Expr.Const(integer(t));
      case FLOAT -> new Expr.Const(Double.parseDouble(t.text()));
      case OPERATOR -> bracketed(t);
      case DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, END -> throw unexpected(t);
    };
  }

  private Expr strings(Token first) {
    StringBuilder text = new StringBuilder(first.text());
    while (tokens.current().kind() == Token.Kind.STRING) {
      text.append(tokens.next().text());
    }
    return new Expr.Const(text.toString());
  }

  private Expr bracketed(Token t) {
    tokens.enter();
    Expr e =
        switch (t.text()) {
          case "(" -> {
            Expr inner = tuple(true, true);
            tokens.expectOperator(")");
            yield inner;
          }
          case "[" -> list();
          case "{" -> dict();
          default -> throw unexpected(t);
        };
    tokens.leave();
    return e;
  }

  private static TemplateException unexpected(Token t) {
    return TemplateException.syntax("unexpected '" + t.described() + "'", t.line());
  }

  private Expr name(String name) {
    return switch (name) {
      case "true", "True" -> new Expr.Const(true);
      case "false", "False" -> new Expr.Const(false);
      case "none", "None" -> none();
      default -> {
        nameRead.accept(name);
        yield new Expr.Name(name);
      }
    };
  }

  private Object integer(Token t) {
    String digits = t.text();
    int radix = 10;
    if (digits.length() > 1 && Character.isLetter(digits.charAt(1))) {
      radix =
          Character.toLowerCase(digits.charAt(1)) == 'x'
              ? 16
              : Character.toLowerCase(digits.charAt(1)) == 'o' ? 8 : 2;
      digits = digits.substring(2);
    }
    folding
        .budget()
        .integer(digits.length() * (radix == 10 ? 3L : radix == 2 ? 1 : radix == 8 ? 3 : 4));
    return Numbers.normal(new BigInteger(digits, radix));
  }

  private Expr list() {
    List<Expr> items = new ArrayList<>();
    while (!tokens.current().isOperator("]")) {
      items.add(expression(true));
      if (!tokens.current().isOperator("]")) {
        tokens.expectOperator(",");
      }
    }
    tokens.next();
    return new Expr.ListOf(items);
  }

  private Expr dict() {
    List<Expr> keys = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (!tokens.current().isOperator("}")) {
      keys.add(expression(true));
      tokens.expectOperator(":");
      values.add(expression(true));
      if (!tokens.current().isOperator("}")) {
        tokens.expectOperator(",");
      }
    }
    tokens.next();
    return new Expr.DictOf(keys, values);
  }
}
