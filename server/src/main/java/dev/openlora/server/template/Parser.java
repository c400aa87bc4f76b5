package dev.openlora.server.template;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the statements of a template; {@link ExpressionParser} reads what stands in them.
 *
 * <p>What Jinja2 leaves to the Python compiler is refused here too: {@code break} outside a loop,
 * two parameters of one name. Inside {@code if} an unknown filter is an error only when it is
 * reached, elsewhere at once.
 */
final class Parser {
  private static final Set<String> SPECIAL = Set.of("caller", "kwargs", "varargs");

  private final Tokens tokens;
  private final ExpressionParser expressions;
  private final Map<String, Stmt.Block> blocks = new HashMap<>();
  private final Deque<Set<String>> macros = new ArrayDeque<>();
  private boolean inLoop;

  /** A template that has been read, and its blocks by name. */
  record Parsed(List<Stmt> body, Map<String, Stmt.Block> blocks) {}

  private Parser(String source, Budget budget) {
    this.tokens = new Tokens(Lexer.tokens(source), budget.limits());
    this.expressions = new ExpressionParser(tokens, new Folding(budget), this::nameRead);
  }

  static Parsed parse(String source, Budget budget) {
    Parser parser = new Parser(source, budget);
    List<Stmt> body = parser.body(List.of());
    return new Parsed(body, Map.copyOf(parser.blocks));
  }

  private void nameRead(String name) {
    if (SPECIAL.contains(name)) {
      macros.forEach(uses -> uses.add(name));
    }
  }

  /** Statements up to one of the tags in {@code ends}, whose name is then the current token. */
  private List<Stmt> body(List<String> ends) {
    List<Stmt> body = new ArrayList<>();
    while (true) {
      Token t = tokens.current();
      switch (t.kind()) {
        case DATA -> {
          body.add(new Stmt.Data(t.text(), t.line()));
          tokens.next();
        }
        case VARIABLE_BEGIN -> {
          tokens.next();
          body.add(new Stmt.Print(expressions.printed(), t.line()));
          expressions.refuseUnknown();
          tokens.expect(Token.Kind.VARIABLE_END);
        }
        case BLOCK_BEGIN -> {
          tokens.next();
          if (tokens.current().kind() == Token.Kind.NAME
              && ends.contains(tokens.current().text())) {
            return body;
          }
          statement(body);
          expressions.refuseUnknown();
          tokens.expect(Token.Kind.BLOCK_END);
        }
        default -> {
          if (!ends.isEmpty()) {
            throw tokens.error(
                "Unexpected end of template, looking for " + String.join(" or ", ends));
          }
          return body;
        }
      }
    }
  }

  /** The rest of an opening tag, the statements and the closing tag {@code ends}. */
  private List<Stmt> blockOf(String... ends) {
    if (tokens.current().isOperator(":")) {
      tokens.next();
    }
    tokens.expect(Token.Kind.BLOCK_END);
    tokens.enter();
    List<Stmt> body = body(List.of(ends));
    tokens.leave();
    if (ends.length == 1) {
      tokens.next();
    }
    return body;
  }

  /** Statements in a scope of their own, where an unknown filter counts again. */
  private List<Stmt> hardBlockOf(boolean loop, String... ends) {
    boolean outerLoop = inLoop;
    boolean outerSoft = expressions.soft(false);
    inLoop = loop;
    List<Stmt> body = blockOf(ends);
    inLoop = outerLoop;
    expressions.soft(outerSoft);
    return body;
  }

  private void statement(List<Stmt> body) {
    Token t = tokens.current();
    int line = t.line();
    if (t.kind() != Token.Kind.NAME) {
      throw tokens.error("tag name expected");
    }
    tokens.next();
    switch (t.text()) {
      case "if" -> body.add(ifStatement(line));
      case "for" -> body.add(forStatement(line));
      case "set" -> body.add(setStatement(line));
      case "with" -> body.add(with(line));
      case "macro" -> {
        String name = tokens.name();
        body.add(new Stmt.Define(macro(name), line));
      }
      case "call" -> body.add(callBlock(line));
      case "filter" -> {
        Expr filters = expressions.filters(new Expr.Captured(), true);
        body.add(new Stmt.FilterBlock(filters, hardBlockOf(inLoop, "endfilter"), line));
      }
      case "block" -> body.add(block(line));
      case "generation" -> body.add(new Stmt.Generation(hardBlockOf(false, "endgeneration"), line));
      case "autoescape" -> {
        Expr on = expressions.expression(true);
        body.add(new Stmt.Autoescape(on, hardBlockOf(inLoop, "endautoescape"), line));
      }
      case "print" -> {
        while (tokens.current().kind() != Token.Kind.BLOCK_END) {
          body.add(new Stmt.Print(expressions.expression(true), line));
          if (tokens.current().kind() != Token.Kind.BLOCK_END) {
            tokens.expectOperator(",");
          }
        }
      }
      case "break", "continue" -> {
        if (!inLoop) {
          throw TemplateException.syntax("'" + t.text() + "' outside loop", line);
        }
        body.add(t.text().equals("break") ? new Stmt.Break(line) : new Stmt.Continue(line));
      }
      case "include", "import", "from", "extends" -> body.add(load(t.text(), line));
      default ->
          throw TemplateException.syntax("Encountered unknown tag '" + t.text() + "'.", line);
    }
  }

  private Stmt ifStatement(int line) {
    boolean outer = expressions.soft(true);
    List<Stmt.Branch> branches = new ArrayList<>();
    List<Stmt> otherwise = List.of();
    while (true) {
      Expr test = expressions.tuple(false);
      branches.add(new Stmt.Branch(test, blockOf("elif", "else", "endif")));
      String tag = tokens.next().text();
      if (tag.equals("else")) {
        otherwise = blockOf("endif");
      }
      if (!tag.equals("elif")) {
        break;
      }
    }
    expressions.soft(outer);
    return new Stmt.If(branches, otherwise, line);
  }

  private Stmt forStatement(int line) {
    Stmt.Target target = target(false, "in");
    if (names(target).contains("loop")) {
      throw TemplateException.syntax(
          "Can't assign to special loop variable in for-loop target", line);
    }
    tokens.expectName("in");
    Expr items = expressions.tuple(false, "recursive");
    Expr test = null;
    if (tokens.skipName("if")) {
      boolean outer = expressions.soft(false);
      test = expressions.expression(true);
      expressions.soft(outer);
    }
    boolean recursive = tokens.skipName("recursive");
    List<Stmt> body = hardBlockOf(true, "endfor", "else");
    List<Stmt> otherwise = List.of();
    if (tokens.next().text().equals("else")) {
      otherwise = hardBlockOf(inLoop && !recursive, "endfor");
    }
    return new Stmt.For(target, items, test, recursive, body, otherwise, line);
  }

  private static Set<String> names(Stmt.Target target) {
    return switch (target) {
      case Stmt.Target.Variable v -> Set.of(v.name());
      case Stmt.Target.Member m -> Set.of();
      case Stmt.Target.Several s -> {
        Set<String> names = new HashSet<>();
        s.targets().forEach(t -> names.addAll(names(t)));
        yield names;
      }
    };
  }

  private Stmt setStatement(int line) {
    Stmt.Target target = target(true);
    if (tokens.current().isOperator("=")) {
      tokens.next();
      return new Stmt.Set(target, expressions.tuple(true), line);
    }
    Expr filters = expressions.filters(new Expr.Captured(), false);
    return new Stmt.SetBlock(target, filters, hardBlockOf(inLoop, "endset"), line);
  }

  private Stmt with(int line) {
    List<Stmt.Target> targets = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    while (tokens.current().kind() != Token.Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(target(false));
      tokens.expectOperator("=");
      values.add(expressions.expression(true));
    }
    return new Stmt.With(targets, values, hardBlockOf(inLoop, "endwith"), line);
  }

  private Stmt.MacroDefinition macro(String name) {
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    signature(parameters, defaults);
    Set<String> uses = new HashSet<>();
    return new Stmt.MacroDefinition(name, parameters, defaults, macroBody(uses, "endmacro"), uses);
  }

  private List<Stmt> macroBody(Set<String> uses, String end) {
    macros.push(uses);
    List<Stmt> body = hardBlockOf(false, end);
    macros.pop();
    return body;
  }

  private void signature(List<String> parameters, List<Expr> defaults) {
    tokens.expectOperator("(");
    while (!tokens.current().isOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String parameter = tokens.name();
      if (parameters.contains(parameter)) {
        throw tokens.error("duplicate argument '" + parameter + "' in function definition");
      }
      parameters.add(parameter);
      if (tokens.current().isOperator("=")) {
        tokens.next();
        defaults.add(expressions.expression(true));
      } else if (!defaults.isEmpty()) {
        throw tokens.error("non-default argument follows default argument");
      }
    }
    tokens.expectOperator(")");
  }

  private Stmt callBlock(int line) {
    List<String> parameters = new ArrayList<>();
    List<Expr> defaults = new ArrayList<>();
    if (tokens.current().isOperator("(")) {
      signature(parameters, defaults);
    }
    if (!(expressions.expression(true) instanceof Expr.Call call)) {
      throw TemplateException.syntax("expected call", line);
    }
    Set<String> uses = new HashSet<>();
    List<Stmt> body = macroBody(uses, "endcall");
    return new Stmt.CallBlock(
        call, new Stmt.MacroDefinition("caller", parameters, defaults, body, uses), line);
  }

  private Stmt block(int line) {
    String name = tokens.name();
    boolean scoped = tokens.skipName("scoped");
    if (tokens.skipName("required")) {
      throw TemplateException.syntax("required blocks need a template that extends", line);
    }
    Stmt.Block block = new Stmt.Block(name, hardBlockOf(false, "endblock"), scoped, line);
    tokens.skipName(name);
    if (blocks.put(name, block) != null) {
      throw TemplateException.syntax("block '" + name + "' defined twice", line);
    }
    return block;
  }

  private Stmt load(String tag, int line) {
    expressions.expression(true);
    if (tag.equals("import")) {
      tokens.expectName("as");
      tokens.name();
    } else if (tag.equals("from")) {
      tokens.expectName("import");
    }
    while (tag.equals("from") && tokens.current().kind() != Token.Kind.BLOCK_END) {
      tokens.name();
      if (tokens.current().isOperator(",")) {
        tokens.next();
      }
    }
    while (tokens.current().kind() == Token.Kind.NAME) {
      tokens.next();
    }
    return new Stmt.Load(line);
  }

  /**
   * What stands left of {@code =} or {@code in}; only {@code set} may name a member of a namespace.
   */
  private Stmt.Target target(boolean members, String... ends) {
    List<Stmt.Target> targets = new ArrayList<>();
    boolean several = false;
    while (!(expressions.atTupleEnd(ends) && (several || tokens.current().isOperator(")")))) {
      targets.add(oneTarget(members));
      if (!tokens.current().isOperator(",")) {
        break;
      }
      tokens.next();
      several = true;
    }
    return several ? new Stmt.Target.Several(targets) : targets.getFirst();
  }

  private Stmt.Target oneTarget(boolean members) {
    Token t = tokens.current();
    Expr e = expressions.primary();
    if (members && e instanceof Expr.Name name && tokens.current().isOperator(".")) {
      tokens.next();
      return new Stmt.Target.Member(name.name(), tokens.name());
    }
    return asTarget(e, t.line());
  }

  private static Stmt.Target asTarget(Expr e, int line) {
    return switch (e) {
      case Expr.Name n -> new Stmt.Target.Variable(n.name());
      case Expr.TupleOf t -> {
        List<Stmt.Target> targets = new ArrayList<>();
        t.items().forEach(item -> targets.add(asTarget(item, line)));
        yield new Stmt.Target.Several(targets);
      }
      default -> throw TemplateException.syntax("can't assign to this", line);
    };
  }
}
