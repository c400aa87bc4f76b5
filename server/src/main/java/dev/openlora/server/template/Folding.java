package dev.openlora.server.template;

import org.jspecify.annotations.Nullable;

/**
 * Computes what is written out in a template once, while it is compiled.
 *
 * <p>Jinja2 does so too, and that can be seen: {@code {% if false %}{{ 'x' * 10 ** 10 }}{% endif
 * %}} fills its memory. Here it meets the limits. Any other failure is left for the moment the
 * expression is reached, if ever.
 */
record Folding(Budget budget) {

  /** Part of an expression: what can be written as a literal again is. */
  Expr fold(Expr e) {
    Object value = constant(e);
    boolean scalar =
        value != null
            && (Values.textOf(value) != null
                || Numbers.isNumber(value)
                || value instanceof Thing.None);
    return scalar && value != null ? new Expr.Const(value) : e;
  }

  /** A whole expression that is printed. */
  Expr print(Expr e) {
    Object value = e instanceof Expr.Const ? null : constant(e);
    try {
      return value == null ? e : new Expr.Const(Printer.output(budget, value));
    } catch (TemplateException failure) {
      return later(failure, e);
    }
  }

  private @Nullable Object constant(Expr e) {
    if (!Expr.isLiteral(e)) {
      return null;
    }
    try {
      return Interpreter.constant(budget, e);
    } catch (TemplateException failure) {
      later(failure, e);
      return null;
    }
  }

  private static Expr later(TemplateException failure, Expr e) {
    if (failure.kind() == TemplateException.Kind.LIMIT) {
      throw failure;
    }
    return e;
  }
}
