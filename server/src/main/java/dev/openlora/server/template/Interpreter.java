package dev.openlora.server.template;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One rendering: walks the statements and prints. Values of expressions come from {@link
 * Evaluation}.
 *
 * <p>Scopes are those of Jinja2: {@code if} opens none; a loop opens one per iteration, so what its
 * body sets is gone in the next; a macro sees where it was written, not where it is called. One
 * thread only.
 */
final class Interpreter {
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private final Map<String, Stmt.Block> blocks;
  private final @Nullable LocalDateTime now;
  private final Scope root = new Scope(null);
  private final Scope globals;
  private final Evaluation evaluation;
  private final Sink output;
  private final List<Rendered.Span> spans = new ArrayList<>();
  private Sink sink;
  private Scope scope;
  private boolean folding;

  private Interpreter(
      Budget budget,
      Map<String, Stmt.Block> blocks,
      Map<String, Object> given,
      long outputMax,
      @Nullable LocalDateTime now) {
    this.budget = budget;
    this.blocks = blocks;
    this.now = now;
    this.output = new Sink("an output", outputMax);
    this.sink = output;
    Globals.all().forEach(root::set);
    root.set("self", new Callable.Self(null));
    given.forEach(root::set);
    this.globals = new Scope(root);
    this.scope = globals;
    this.evaluation = new Evaluation(this);
  }

  /** Renders a template with values that are {@link Thing}s or plain already. */
  static Rendered render(
      Budget budget,
      Parser.Parsed template,
      Map<String, Object> given,
      long outputMax,
      @Nullable LocalDateTime now) {
    Interpreter in = new Interpreter(budget, template.blocks(), given, outputMax, now);
    in.run(template.body());
    return new Rendered(in.output.toString(), List.copyOf(in.spans));
  }

  /** The value of an expression that needs nothing but itself. */
  static Object constant(Budget budget, Expr e) {
    Interpreter in =
        new Interpreter(budget, Map.of(), Map.of(), budget.limits().outputBase(), null);
    in.folding = true;
    return in.evaluation.value(e);
  }

  /** Whether this happens while compiling. */
  boolean isFolding() {
    return folding;
  }

  Budget budget() {
    return budget;
  }

  LocalDateTime now() {
    return now == null ? LocalDateTime.now(java.time.ZoneId.systemDefault()) : now;
  }

  boolean hasBlock(String name) {
    return blocks.containsKey(name);
  }

  Object lookup(String name) {
    Object value = scope.get(name);
    return value == null ? Thing.Undefined.name(name) : value;
  }

  private Flow run(List<Stmt> body) {
    for (Stmt statement : body) {
      Flow flow;
      try {
        flow = run(statement);
      } catch (TemplateException failure) {
        throw failure.at(statement.line());
      }
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow run(Stmt statement) {
    switch (statement) {
      case Stmt.Data d -> sink.append(d.text());
      case Stmt.Print p -> sink.append(Printer.output(budget, evaluation.value(p.value())));
      case Stmt.Set s -> {
        checkMembers(s.target());
        assign(scope, s.target(), evaluation.value(s.value()));
      }
      case Stmt.If i -> {
        return run(chosen(i));
      }
      case Stmt.For f -> {
        return loop(f, evaluation.value(f.items()), 1, scope);
      }
      case Stmt.Break b -> {
        return Flow.BREAK;
      }
      case Stmt.Continue c -> {
        return Flow.CONTINUE;
      }
      case Stmt.SetBlock s -> {
        return captured(
            s.body(), text -> assign(scope, s.target(), evaluation.filtered(s.filters(), text)));
      }
      case Stmt.FilterBlock f -> {
        return captured(
            f.body(), text -> sink.append(textOf(evaluation.filtered(f.filters(), text))));
      }
      case Stmt.With w -> {
        return with(w);
      }
      case Stmt.Define d -> scope.set(d.macro().name(), new Macro(d.macro(), scope));
      case Stmt.CallBlock c -> {
        Macro caller = new Macro(c.caller(), scope);
        sink.append(Printer.str(budget, evaluation.call(c.call(), caller)));
      }
      case Stmt.Block b -> sink.append(renderBlock(b, b.scoped() ? scope : globals));
      case Stmt.Generation g -> {
        int start = output.codePoints();
        String text = capture(g.body(), new Scope(scope));
        spans.add(new Rendered.Span(start, start + Text.length(text)));
        sink.append(text);
      }
      case Stmt.Autoescape a -> {
        if (Values.truth(evaluation.value(a.on()))) {
          throw TemplateException.type("autoescape is not supported");
        }
        return inside(new Scope(scope), a.body());
      }
      case Stmt.Load l ->
          throw new TemplateException(
              TemplateException.Kind.SANDBOX, "there is nothing to load templates from");
    }
    return Flow.ON;
  }

  private static String textOf(Object filtered) {
    String text = Values.textOf(filtered);
    if (text == null) {
      throw TemplateException.type(
          "a filter block has to give a str, not " + Values.type(filtered));
    }
    return text;
  }

  private List<Stmt> chosen(Stmt.If i) {
    for (Stmt.Branch branch : i.branches()) {
      if (Values.truth(evaluation.value(branch.test()))) {
        return branch.body();
      }
    }
    return i.otherwise();
  }

  private Flow inside(Scope inner, List<Stmt> body) {
    Scope outer = scope;
    scope = inner;
    try {
      return run(body);
    } finally {
      scope = outer;
    }
  }

  private Flow with(Stmt.With w) {
    Scope inner = new Scope(scope);
    for (int i = 0; i < w.targets().size(); i++) {
      assign(inner, w.targets().get(i), evaluation.value(w.values().get(i)));
    }
    return inside(inner, w.body());
  }

  private Flow captured(List<Stmt> body, java.util.function.Consumer<String> use) {
    Sink outer = sink;
    sink = new Sink("a string", budget.limits().stringChars());
    String text;
    try {
      Flow flow = inside(new Scope(scope), body);
      if (flow != Flow.ON) {
        return flow;
      }
      text = sink.toString();
    } finally {
      sink = outer;
    }
    budget.text(text.length());
    use.accept(text);
    return Flow.ON;
  }

  private String capture(List<Stmt> body, Scope inner) {
    Sink outer = sink;
    sink = new Sink("a string", budget.limits().stringChars());
    budget.enter();
    try {
      inside(inner, body);
      String text = sink.toString();
      budget.text(text.length());
      return text;
    } finally {
      budget.leave();
      sink = outer;
    }
  }

  private String renderBlock(Stmt.Block block, Scope around) {
    return capture(block.body(), new Scope(around));
  }

  String renderBlock(String name) {
    Stmt.Block block = blocks.get(name);
    if (block == null) {
      throw TemplateException.type("no block named '" + name + "'");
    }
    return renderBlock(block, globals);
  }

  /**
   * Runs a macro in its own scope; {@code left} are the parameters without an argument, whose
   * defaults come first.
   */
  String renderMacro(Stmt.MacroDefinition macro, Scope inner, List<Integer> left) {
    Scope outer = scope;
    scope = inner;
    try {
      for (int i : left) {
        if (i >= macro.required()) {
          Expr value = macro.defaults().get(i - macro.required());
          inner.set(macro.parameters().get(i), evaluation.value(value));
        }
      }
      return capture(macro.body(), inner);
    } finally {
      scope = outer;
    }
  }

  private Flow loop(Stmt.For f, Object items, int depth, Scope around) {
    Loop.Recursion recursion =
        f.recursive() ? (inner, deeper) -> recurse(f, inner, deeper, around) : null;
    Iterator<Object> iterator = Values.iterate(budget, items);
    int length = Values.lengthOrNone(items);
    if (f.test() != null) {
      iterator = new Filtering(f, f.test(), iterator, around);
      length = -1;
    }
    Loop loop = new Loop(budget, iterator, length, depth, recursion);
    boolean completed = false;
    for (Object item; (item = loop.advance()) != null; ) {
      Scope inner = new Scope(around);
      inner.set("loop", loop);
      assign(inner, f.target(), item);
      Flow flow = inside(inner, f.body());
      if (flow == Flow.BREAK) {
        break;
      }
      completed |= flow == Flow.ON;
    }
    return completed ? Flow.ON : inside(new Scope(around), f.otherwise());
  }

  private Object recurse(Stmt.For f, Object items, int depth, Scope around) {
    Sink outer = sink;
    sink = new Sink("a string", budget.limits().stringChars());
    budget.enter();
    try {
      loop(f, items, depth, around);
      String text = sink.toString();
      budget.text(text.length());
      return text;
    } finally {
      budget.leave();
      sink = outer;
    }
  }

  /** The items of a loop that pass its test, tried no sooner than they are needed. */
  private final class Filtering implements Iterator<Object> {
    private final Stmt.For loop;
    private final Expr test;
    private final Iterator<Object> items;
    private final Scope around;
    private @Nullable Object next;

    Filtering(Stmt.For loop, Expr test, Iterator<Object> items, Scope around) {
      this.loop = loop;
      this.test = test;
      this.items = items;
      this.around = around;
    }

    @Override
    public boolean hasNext() {
      while (next == null && items.hasNext()) {
        Object item = items.next();
        if (passes(item)) {
          next = item;
        }
      }
      return next != null;
    }

    private boolean passes(Object item) {
      Scope outer = scope;
      scope = new Scope(around);
      try {
        assign(scope, loop.target(), item);
        return Values.truth(evaluation.value(test));
      } finally {
        scope = outer;
      }
    }

    @Override
    public Object next() {
      if (!hasNext() || next == null) {
        throw new java.util.NoSuchElementException();
      }
      Object item = next;
      next = null;
      return item;
    }
  }

  private Thing.Namespace namespace(Stmt.Target.Member m) {
    if (lookup(m.namespace()) instanceof Thing.Namespace namespace) {
      return namespace;
    }
    throw TemplateException.type("cannot assign attribute on non-namespace object");
  }

  private void checkMembers(Stmt.Target target) {
    switch (target) {
      case Stmt.Target.Variable v -> {}
      case Stmt.Target.Member m -> namespace(m);
      case Stmt.Target.Several s -> s.targets().forEach(this::checkMembers);
    }
  }

  private void assign(Scope into, Stmt.Target target, Object value) {
    switch (target) {
      case Stmt.Target.Variable v -> into.set(v.name(), value);
      case Stmt.Target.Member m -> namespace(m).set(m.name(), value);
      case Stmt.Target.Several s -> {
        if (!Values.isIterable(value)) {
          throw TemplateException.type(
              "cannot unpack non-iterable " + Values.type(value) + " object");
        }
        int wanted = s.targets().size();
        Iterator<Object> items = Values.iterate(budget, value);
        for (int i = 0; i < wanted; i++) {
          if (!items.hasNext()) {
            throw TemplateException.type(
                "not enough values to unpack (expected " + wanted + ", got " + i + ")");
          }
          assign(into, s.targets().get(i), items.next());
        }
        if (items.hasNext()) {
          throw TemplateException.type("too many values to unpack (expected " + wanted + ")");
        }
      }
    }
  }
}
