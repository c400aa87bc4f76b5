package dev.openlora.server.template;

import org.jspecify.annotations.Nullable;

/**
 * Why a template gave no text: a kind for programs, a sentence for people, and the line where it
 * happened, if known.
 *
 * <p>{@link Kind#RAISED} carries the words of the template's author and is shown to the client as
 * it is. There is no stack trace: the line in the template is what helps, and hostile templates
 * fail often.
 */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong, coarse enough to choose an answer by. */
  public enum Kind {
    /** The template called {@code raise_exception}. */
    RAISED,
    /** Refused while compiling. */
    SYNTAX,
    /** An undefined value was used. */
    UNDEFINED,
    /** A forbidden attribute, range or loader. */
    SANDBOX,
    /** What Python answers with an exception: wrong types, division by zero. */
    RUNTIME,
    /** The arguments were refused before or after rendering. */
    INPUT,
    /** One of the {@link TemplateLimits} stopped it. */
    LIMIT
  }

  private final Kind kind;
  private final String reason;
  private final int line;

  TemplateException(Kind kind, String reason, int line, @Nullable Throwable cause) {
    super(
        line > 0 && kind != Kind.RAISED ? reason + " (line " + line + ")" : reason,
        cause,
        false,
        false);
    this.kind = kind;
    this.reason = reason;
    this.line = line;
  }

  TemplateException(Kind kind, String reason) {
    this(kind, reason, 0, null);
  }

  public Kind kind() {
    return kind;
  }

  /** The sentence without the line. */
  public String reason() {
    return reason;
  }

  /** The line in the template, counted from 1, or 0 where none is known. */
  public int line() {
    return line;
  }

  TemplateException at(int where) {
    return line > 0 || where <= 0 ? this : new TemplateException(kind, reason, where, getCause());
  }

  static TemplateException syntax(String reason, int line) {
    return new TemplateException(Kind.SYNTAX, reason, line, null);
  }

  static TemplateException type(String reason) {
    return new TemplateException(Kind.RUNTIME, reason);
  }

  static TemplateException limit(String reason) {
    return new TemplateException(Kind.LIMIT, reason);
  }
}
