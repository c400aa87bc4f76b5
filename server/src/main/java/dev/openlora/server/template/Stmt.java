package dev.openlora.server.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A statement of a template; {@code line} is where it begins. */
sealed interface Stmt {
  int line();

  record Data(String text, int line) implements Stmt {}

  record Print(Expr value, int line) implements Stmt {}

  record If(List<Branch> branches, List<Stmt> otherwise, int line) implements Stmt {}

  record For(
      Target target,
      Expr items,
      @Nullable Expr test,
      boolean recursive,
      List<Stmt> body,
      List<Stmt> otherwise,
      int line)
      implements Stmt {}

  record Break(int line) implements Stmt {}

  record Continue(int line) implements Stmt {}

  record Set(Target target, Expr value, int line) implements Stmt {}

  /** {@code filters} ends in {@link Expr.Captured}. */
  record SetBlock(Target target, Expr filters, List<Stmt> body, int line) implements Stmt {}

  record With(List<Target> targets, List<Expr> values, List<Stmt> body, int line) implements Stmt {}

  record Define(MacroDefinition macro, int line) implements Stmt {}

  record CallBlock(Expr.Call call, MacroDefinition caller, int line) implements Stmt {}

  record FilterBlock(Expr filters, List<Stmt> body, int line) implements Stmt {}

  record Block(String name, List<Stmt> body, boolean scoped, int line) implements Stmt {}

  record Generation(List<Stmt> body, int line) implements Stmt {}

  /** {@code autoescape}, which only ever may be off. */
  record Autoescape(Expr on, List<Stmt> body, int line) implements Stmt {}

  /** {@code include}, {@code import}, {@code extends}: there is nothing to load from. */
  record Load(int line) implements Stmt {}

  record Branch(Expr test, List<Stmt> body) {}

  /** {@code uses} names those of caller, kwargs and varargs that the body reads. */
  record MacroDefinition(
      String name,
      List<String> parameters,
      List<Expr> defaults,
      List<Stmt> body,
      java.util.Set<String> uses) {
    int required() {
      return parameters.size() - defaults.size();
    }
  }

  /** What a value can be assigned to. */
  sealed interface Target {
    record Variable(String name) implements Target {}

    record Member(String namespace, String name) implements Target {}

    record Several(List<Target> targets) implements Target {}
  }
}
